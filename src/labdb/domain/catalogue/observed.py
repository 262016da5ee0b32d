"""A table as the database has it: its size, its indexes, what its statistics say."""

from collections.abc import Mapping
from dataclasses import dataclass, field

LARGE = 10_000
"""Rows from which reading a whole table is a mistake; below, it takes about a millisecond."""


@dataclass(frozen=True, slots=True)
class Index:
    """An index that is there; *keys* are columns or expressions, *included* columns beside them.

    *partitions* are the names that it has in the partitions of its table. *spherical* is that on
    the q3c pixel of the table's position.
    """

    name: str
    method: str
    keys: tuple[str, ...]
    included: tuple[str, ...] = ()
    unique: bool = False
    primary: bool = False
    valid: bool = True
    partial: bool = False
    spherical: bool = False
    size: int = 0
    scans: int = 0
    partitions: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """The names that a plan may call it by."""
        return frozenset((self.name, *self.partitions))

    @property
    def columns(self) -> frozenset[str]:
        """All that it holds."""
        return frozenset((*self.keys, *self.included))


@dataclass(frozen=True, slots=True)
class Statistics:
    """What ANALYZE found in a column; *distinct* is a number of values."""

    distinct: float
    correlation: float | None = None
    low: float | None = None
    high: float | None = None
    target: int = -1


@dataclass(frozen=True, slots=True)
class Observed:
    """A table; *rows* and *pages* are those of PostgreSQL's last count, over all partitions.

    *column_statistics* are by column; that of the q3c index is under its name. *expressions* are
    those of extended statistics. *relations* are the names of the table and its partitions.
    *unseen* rows were written since the last ANALYZE, None where nobody analysed.
    """

    schema: str
    name: str
    rows: int
    pages: int
    size: int
    indexes: tuple[Index, ...] = ()
    column_statistics: Mapping[str, Statistics] = field(default_factory=dict)
    expressions: tuple[str, ...] = ()
    relations: frozenset[str] = frozenset()
    partitioned_by: str | None = None
    default_target: int = 100
    unseen: int | None = None

    @property
    def large(self) -> bool:
        """Tell whether an index is worth it."""
        return self.rows >= LARGE


def covers(index: Index, position: tuple[str, str] | None) -> bool:
    """Tell whether *index* leads the planner away from q3c's.

    It does when it is a B-tree that holds both coordinates, in any place and INCLUDEd too: an
    index-only scan of it could then answer a cross-match that asks for nothing else, and with
    that in hand PostgreSQL 16 compares every row with every other. A condition on the index
    (partial) keeps it from that.
    """
    if position is None or index.spherical or index.method != "btree" or index.partial:
        return False
    return set(position) <= index.columns
