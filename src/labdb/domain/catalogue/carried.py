"""How a table's columns travel: in which form they are read, and what Parquet calls them.

Types of catalogues keep their bytes: ``real`` is float32, ``bigint`` int64, an array whose rows
all have one length a list of that length. Any other type travels as the text that PostgreSQL
writes of it, and is read back from there: nothing is rounded, nothing is guessed.
"""

import re
from dataclasses import dataclass

from labdb.domain.catalogue.kind import Kind

PARQUET = {
    Kind.BOOLEAN: "bool",
    Kind.SHORT: "int16",
    Kind.INT: "int32",
    Kind.LONG: "int64",
    Kind.FLOAT: "float32",
    Kind.DOUBLE: "float64",
    Kind.TEXT: "string",
    Kind.TIMESTAMP: "timestamp[us, UTC]",
}
"""The name of each type in Arrow, which Parquet files keep."""
_KINDS = {str(kind): kind for kind in Kind}
_COMMENT = re.compile(
    r"(?P<description>.*?)(?: \[(?P<unit>[^\[\]]+)\])?(?: \(UCD (?P<ucd>[^()]+)\))?", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Carried:
    """A column: *length* is that of its arrays; *by_text* says that it travels as text."""

    name: str
    sql_type: str
    kind: Kind
    length: int | None = None
    by_text: bool = False
    not_null: bool = False
    comment: str = ""

    @property
    def parquet(self) -> str:
        """The type as Arrow calls it."""
        plain = PARQUET[self.kind]
        return f"fixed_size_list<{plain}>[{self.length}]" if self.length else plain

    @property
    def metadata(self) -> dict[str, str]:
        """What its field in a file says besides: PostgreSQL's type, unit, UCD, description."""
        description, unit, ucd = explained(self.comment)
        told = {
            "postgresql": self.sql_type, "description": description, "unit": unit, "ucd": ucd,
        }  # fmt: skip
        return {name: text for name, text in told.items() if text}


def carried(
    name: str, sql_type: str, lengths: tuple[int, ...] = (), *, not_null: bool, comment: str
) -> Carried:
    """Return how a column travels; *lengths* are those that its arrays have, none if ragged.

    >>> carried("z", "double precision", not_null=False, comment="").parquet
    'float64'
    >>> carried("zp", "real[]", (4,), not_null=False, comment="").parquet
    'fixed_size_list<float32>[4]'
    >>> carried("price", "numeric(8,2)", not_null=False, comment="").parquet
    'string'
    """
    kind = _KINDS.get(sql_type)
    length = None
    if sql_type.endswith("[]"):
        inner = _KINDS.get(sql_type.removesuffix("[]"))
        if inner is not None and inner.is_number and len(lengths) == 1 and lengths[0] > 0:
            kind, length = inner, lengths[0]
    if kind is None:
        return Carried(name, sql_type, Kind.TEXT, None, True, not_null, comment)
    return Carried(name, sql_type, kind, length, False, not_null, comment)


def explained(comment: str) -> tuple[str, str, str]:
    """Return description, unit and UCD of a column's COMMENT, as the loader writes it.

    >>> explained("Declination, ICRS. [deg] (UCD pos.eq.dec;meta.main)")
    ('Declination, ICRS.', 'deg', 'pos.eq.dec;meta.main')
    """
    found = _COMMENT.fullmatch(comment)
    if found is None:  # pragma: no cover - the first part takes everything
        return comment, "", ""
    return found["description"], found["unit"] or "", found["ucd"] or ""
