"""How long a load will take and how large it will be, told before it begins.

The rates were measured on two slow cores that other work shared; they tell minutes from hours.
"""

from dataclasses import dataclass

from labdb.domain.catalogue.table import Table

CELLS_PER_SECOND = 6_000_000
"""Values that one connection writes, PostgreSQL's work included."""
INDEXED_PER_SECOND = 700_000
"""Rows that go into one index."""
VECTORS_PER_SECOND = 1_000
"""Vectors that go into an HNSW index."""
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
    seconds += rows * len(table.nearest) / VECTORS_PER_SECOND
    # An HNSW index holds each vector once more, and 2 m links of 6 bytes.
    near = sum(4 * (table.column(name).length or 0) + 12 * one.m
               for name, one in table.nearest.items())  # fmt: skip
    return Estimate(rows * (table.row_size + indexes * INDEX_ENTRY + near), seconds)
