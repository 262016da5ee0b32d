"""How many pages a query has to read, computed from rows, row size and how the rows lie.

The bounds of the plan guard: a table that keeps its order stays below them, one whose rows were
shuffled does not.
"""

import math

ENTRIES = 300
"""Entries of 8 bytes in a page of a B-tree: 20 bytes each, pages filled to three quarters."""
SLACK = 2.0
"""So many times what is computed is still no alarm: rows differ in size, skies in density."""
COVER = 4
"""Ranges of the index that a cone is asked by (q3c covers it with four)."""


def levels(rows: float) -> int:
    """Return the pages from the root of a B-tree on *rows* to a leaf, both included.

    >>> levels(100), levels(300 * 300), levels(6_400_000)
    (1, 2, 3)
    """
    leaves = max(rows / ENTRIES, 1)
    return 1 + math.ceil(math.log(leaves, ENTRIES) - 1e-9)


def per_page(rows: float, pages: float) -> float:
    """Return the rows of a page, of a table that is not empty."""
    return max(rows / max(pages, 1), 1)


def of_region(candidates: float, rows_per_page: float, runs: int, total: float) -> float:
    """Return the pages of the heap that hold *candidates* rows of one region, of a sorted table.

    With m pages' worth of rows the region is m pages and those at its border. A disc that is m
    squares in area has a circumference of 2 * sqrt(pi * m) < 4 * sqrt(m) sides of a square, and
    the curve that orders the rows crosses it about as often. Rows that came in *runs*, each sorted
    by itself (files, that is), are as many smaller discs: m + 4 * sqrt(m * runs) + 4 * runs. It is
    never more than the *total* of the table.

    >>> round(of_region(250, 100, 1, 3000)), round(of_region(5000, 30, 12, 200_000))
    (13, 394)
    """
    worth = candidates / rows_per_page
    return min(total, worth + 4 * math.sqrt(worth * runs) + 4 * runs)


def of_index(candidates: float, rows: float, lookups: float) -> float:
    """Return the pages of a B-tree on *rows* that *lookups* ranges with *candidates* rows read."""
    return lookups * (levels(rows) + 1) + 2 * candidates / ENTRIES


def scattered(candidates: float, total: float) -> float:
    """Return the pages of the heap that hold *candidates* rows which lie anywhere."""
    return min(candidates, total)
