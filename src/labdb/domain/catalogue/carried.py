"""How a table's columns travel: in which form they are read, and what Parquet calls them.

Types of catalogues keep their bytes: ``real`` is float32, ``bigint`` int64; an array whose rows
all have one length is a list of that length, and so is a vector of pgvector. Any other type travels
as the text that PostgreSQL writes of it, and is read back from there: nothing is rounded, nothing
is guessed.
"""

from dataclasses import dataclass

from labdb.domain.catalogue import comment as comments
from labdb.domain.catalogue.kind import Kind
from labdb.domain.catalogue.live import VECTOR

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
    def is_vector(self) -> bool:
        """Whether it is a vector of pgvector: a list of real numbers in files."""
        return VECTOR.fullmatch(self.sql_type) is not None

    @property
    def parquet(self) -> str:
        """The type as Arrow calls it."""
        plain = PARQUET[self.kind]
        return f"fixed_size_list<{plain}>[{self.length}]" if self.length else plain

    @property
    def metadata(self) -> dict[str, str]:
        """What its field in a file says besides: PostgreSQL's type, unit, UCD, description."""
        read = comments.read(self.comment)
        told = {
            "postgresql": self.sql_type, "description": read.description, "unit": read.unit,
            "ucd": read.ucd,
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
    >>> carried("latent", "vector(128)", not_null=True, comment="").parquet
    'fixed_size_list<float32>[128]'
    >>> carried("price", "numeric(8,2)", not_null=False, comment="").parquet
    'string'
    """
    kind = _KINDS.get(sql_type)
    length = None
    if vector := VECTOR.fullmatch(sql_type):
        kind, length = Kind.FLOAT, int(vector[1])
    elif sql_type.endswith("[]"):
        inner = _KINDS.get(sql_type.removesuffix("[]"))
        if inner is not None and inner.is_number and len(lengths) == 1 and lengths[0] > 0:
            kind, length = inner, lengths[0]
    if kind is None:
        return Carried(name, sql_type, Kind.TEXT, None, True, not_null, comment)
    return Carried(name, sql_type, kind, length, False, not_null, comment)
