"""How long a load will take and how large it will be, told before it begins.

The rates were measured on two slow cores that other work shared (bench/catalogue/run.py); they
tell minutes from hours. A rate of one's own comes from the line that a load ends with.
"""

from collections.abc import Collection
from dataclasses import dataclass

from labdb.domain.catalogue import layout
from labdb.domain.catalogue.size import table_size
from labdb.domain.catalogue.table import Table

CELLS_PER_SECOND = 6_000_000
"""Values that one connection writes, PostgreSQL's work included."""
INDEXED_PER_SECOND = 700_000
"""Rows that go into one index."""
VECTORS_PER_SECOND = 1_000
"""Vectors that go into an HNSW index."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Bytes on disk, indexes included, and seconds."""

    size: int
    seconds: float


def estimate(table: Table, rows: int, absent: Collection[str] = ()) -> Estimate:
    """Return what *rows* more rows of *table* will take; *absent* columns are NULL in all."""
    size = table_size(table, rows, absent=absent).total
    return Estimate(size, load_seconds(table, rows))


def load_seconds(table: Table, rows: int, rate: float | None = None) -> float:
    """Return how long a load takes; *rate* is that of its rows, in rows a second."""
    cells = sum(column.length or 1 for column in table.columns)
    writing = rows / rate if rate else rows * cells / CELLS_PER_SECOND
    near = len(table.nearest)
    indexes = len(layout.after_load(table, table.name)) + bool(table.key) - near
    return writing + rows * indexes / INDEXED_PER_SECOND + rows * near / VECTORS_PER_SECOND
