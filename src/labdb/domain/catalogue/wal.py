"""How much write-ahead log a load writes: rows, index pages, statistics.

Sources: PostgreSQL 16, ``xlogrecord.h`` (header of a record 24 bytes, of a block 20, of its data
2), ``heapam_xlog.h`` (``xl_heap_multi_insert``: 4 bytes and 7 for each row, in place of the 23 of
a row's header), ``xlog_internal.h`` (24 bytes of each page of the log), ``copyfrom.c`` (rows are
handed over by the thousand); documentation, section 30.5 "WAL Configuration" and 20.5.1
(``full_page_writes``, ``wal_compression``).
"""

from labdb.domain.catalogue.size import (
    PAGE,
    PAGE_HEADER,
    ROW_HEADER,
    TOAST_CHUNK,
    TOAST_HEADER,
    TableSize,
    aligned,
)
from labdb.domain.catalogue.table import Table

RECORD = aligned(24 + 20 + 2 + 4)
OF_A_ROW = 7
AT_ONCE = 1000
"""Rows that COPY writes at a time: the page that one thousand ends on has two records."""
OF_A_CHUNK = 24 + 20 + 2 + 3 + 5 - ROW_HEADER
"""Of a value that was moved out: rows of the TOAST table have a record each."""
OF_ITS_INDEX = 24 + 20 + 2 + 2 + 16
PAGE_OF_LOG = PAGE / (PAGE - PAGE_HEADER)
INDEX_IMAGE = 0.65
"""What wal_compression = lz4 leaves of an index page: 0.35 to 0.8, the less the more its keys are
alike (bench/catalogue/size.py, "logged")."""
HEAP_IMAGE = 0.75
"""The same of a page of rows: 0.3 to 0.9."""
STATISTICS = 4096
"""Bytes that ANALYZE writes for a column: the values of its histogram, twice."""


def rows_wal(size: TableSize) -> int:
    """Return the bytes that COPY of all rows writes; pages are new, so they have no images."""
    pages = (size.heap // PAGE) if size.rows else 0
    each = aligned(OF_A_ROW + size.row - ROW_HEADER, 2)
    records = pages + size.rows // AT_ONCE
    out = sum(_moved(value) for value in size.moved) * size.rows
    return int((records * RECORD + size.rows * each + out) * PAGE_OF_LOG)


def _moved(value: int) -> int:
    chunks = -(-value // TOAST_CHUNK)
    return value + chunks * (OF_A_CHUNK + TOAST_HEADER + OF_ITS_INDEX)


def indexes_wal(size: TableSize) -> int:
    """Return the bytes that the builds of all indexes write: an image of each of their pages."""
    return int(size.index * INDEX_IMAGE * PAGE_OF_LOG)


def statistics_wal(table: Table) -> int:
    """Return the bytes that the definition of *table* and its statistics write."""
    return len(table.columns) * STATISTICS


def later_wal(size: TableSize) -> int:
    """Return the bytes that follow the load, once: the first read or vacuum after a checkpoint.

    It marks each row as committed, and with checksums the page is logged for that.
    """
    return int(size.heap * HEAP_IMAGE * PAGE_OF_LOG)
