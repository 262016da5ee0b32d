"""The types that a catalogue's columns have, in PostgreSQL's words."""

from enum import StrEnum

from labdb.spec.data_model import Datatype


class Kind(StrEnum):
    """A scalar type; its value is PostgreSQL's name of it."""

    BOOLEAN = "boolean"
    SHORT = "smallint"
    INT = "integer"
    LONG = "bigint"
    FLOAT = "real"
    DOUBLE = "double precision"
    TEXT = "text"
    TIMESTAMP = "timestamp with time zone"

    @property
    def is_number(self) -> bool:
        """Tell whether values can be added up."""
        return self not in (Kind.BOOLEAN, Kind.TEXT, Kind.TIMESTAMP)

    @property
    def datatype(self) -> Datatype:
        """What Felis calls it: of several words for texts, that without a length."""
        return _DATATYPES[self]


_OF_DATATYPE: dict[Datatype, Kind] = {
    "boolean": Kind.BOOLEAN,
    "byte": Kind.SHORT,
    "short": Kind.SHORT,
    "int": Kind.INT,
    "long": Kind.LONG,
    "float": Kind.FLOAT,
    "double": Kind.DOUBLE,
    "char": Kind.TEXT,
    "string": Kind.TEXT,
    "unicode": Kind.TEXT,
    "text": Kind.TEXT,
    "timestamp": Kind.TIMESTAMP,
}
# The last word for a type counts: "short" of the two for smallint, "text" of those for texts.
_DATATYPES: dict[Kind, Datatype] = {kind: datatype for datatype, kind in _OF_DATATYPE.items()}

_WIDER: dict[Kind, frozenset[Kind]] = {
    Kind.SHORT: frozenset({Kind.INT, Kind.LONG, Kind.FLOAT, Kind.DOUBLE}),
    Kind.INT: frozenset({Kind.LONG, Kind.DOUBLE}),
    Kind.FLOAT: frozenset({Kind.DOUBLE}),
}
_NARROWER: dict[Kind, frozenset[Kind]] = {Kind.DOUBLE: frozenset({Kind.FLOAT})}


def of_datatype(datatype: Datatype) -> Kind:
    """Return the type of a column that Felis calls *datatype*; a byte takes two of them."""
    return _OF_DATATYPE[datatype]


def holds(column: Kind, source: Kind, *, narrow: bool = False) -> bool:
    """Tell whether *column* holds every value of *source*; *narrow* allows fewer digits."""
    if column is source or column in _WIDER.get(source, frozenset()):
        return True
    return narrow and column in _NARROWER.get(source, frozenset())
