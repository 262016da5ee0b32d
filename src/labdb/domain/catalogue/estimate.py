"""How long a load will take and how large it will be, told before it begins.

The rates were measured on two slow cores that other work shared; they tell minutes from hours.
"""

from dataclasses import dataclass

from labdb.domain.catalogue.table import Table

CELLS_PER_SECOND = 6_000_000
"""Values that one connection writes, PostgreSQL's work included."""
INDEXED_PER_SECOND = 700_000
"""Rows that go into one index."""
INDEX_ENTRY = 22
"""Bytes of an index entry of 8 bytes, pages filled to 90 %."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Bytes on disk, indexes included, and seconds."""

    size: int
    seconds: float


def estimate(table: Table, rows: int) -> Estimate:
    """Return what *rows* more rows of *table* will take."""
    indexes = len(table.indexes) + bool(table.position) + bool(table.key)
    cells = sum(column.length or 1 for column in table.columns)
    seconds = rows * cells / CELLS_PER_SECOND + rows * indexes / INDEXED_PER_SECOND
    return Estimate(rows * (table.row_size + indexes * INDEX_ENTRY), seconds)
