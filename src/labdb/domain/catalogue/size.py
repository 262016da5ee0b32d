"""How many bytes rows and indexes take: PostgreSQL's page layout as formulas.

Sources: PostgreSQL 16 documentation, section 73.6 "Database Page Layout" (pages, line pointers,
tuple header, NULL bitmap), 73.2 "TOAST", 73.3 "Free Space Map", 73.4 "Visibility Map", 67.4
"B-Tree implementation" (deduplication), 71 "BRIN indexes"; ``pg_type`` (``typlen``,
``typalign``); ``CREATE INDEX``, storage parameters (``fillfactor``).

Every row is taken to be whole: texts have their usual or declared length, nothing is NULL but
what the source lacks, and no value compresses. What is loaded is then a little smaller.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from labdb.domain.catalogue import layout
from labdb.domain.catalogue.kind import Kind
from labdb.domain.catalogue.table import Column, Table

PAGE = 8192
PAGE_HEADER = 24
POINTER = 4
"""A line pointer; every row and every index entry has one."""
ROW_HEADER = 23
"""Of a row; the NULL bitmap follows, and the whole is rounded up to 8 bytes."""
INDEX_HEADER = 8
INDEX_SPECIAL = 16
"""At the end of a btree page: its neighbours and its level."""
LEAF_FILL, INNER_FILL = 90, 70
"""Percent of a btree's page that a build fills; fillfactor, and what inner pages have."""
POSTING = 812
"""Largest entry of a deduplicating build: a tenth of a page, less a line pointer."""
ROW_NUMBER = 6
"""A row's address in a posting list: block and line pointer."""
TOAST_ABOVE = 2032
"""Rows longer than a quarter of a page have their longest values moved out."""
TOAST_CHUNK = 1996
TOAST_HEADER = 36
"""Of a chunk's row: row header 24, number of the value 4, of the chunk 4, length 4."""
TOAST_POINTER = 18
LONGEST_ROW = 8160
"""What fits into a page; PostgreSQL refuses a longer row."""
SHORT_VALUE = 126
"""A varying value up to here has one byte of length and is not aligned, a longer one has 4."""
ARRAY_HEADER = 20
"""Of an array of one dimension, its length left out: dimensions, element type, bounds."""
VECTOR_HEADER = 4
"""Of a vector of pgvector, its length left out: dimensions (pgvector 0.8, ``vector.h``)."""
HNSW_ELEMENT, HNSW_LINKS = 72, 4
"""Headers of the two entries of a vector in an HNSW index: itself, and its links (``hnsw.h``)."""
HNSW_SPECIAL = 8
FSM_SLOTS = 4069
VM_SLOTS = 32672
BRIN_RANGE = 128
BRIN_ADDRESSES = 1360
"""Ranges whose place a page of a BRIN index's map tells."""
TEXT = 16
"""Bytes of a text whose length the model does not tell: a guess."""
LARGEST = (2**32 - 1) * PAGE
"""A table cannot have more than 2^32 - 1 pages (documentation, appendix K "Limits")."""

_FIXED = {
    Kind.BOOLEAN: 1,
    Kind.SHORT: 2,
    Kind.INT: 4,
    Kind.LONG: 8,
    Kind.FLOAT: 4,
    Kind.DOUBLE: 8,
    Kind.TIMESTAMP: 8,
}
"""Bytes of a value, and what it is aligned to: both are the same for these."""
_DEDUPLICATED = (Kind.BOOLEAN, Kind.SHORT, Kind.INT, Kind.LONG, Kind.TEXT, Kind.TIMESTAMP)
"""Equal values of these look equal too; 0.0 and -0.0 do not."""


@dataclass(frozen=True, slots=True)
class _Value:
    """Bytes and alignment of a value; one that is *long* may be moved out of the row."""

    size: int
    alignment: int
    long: bool = False


@dataclass(frozen=True, slots=True)
class IndexSize:
    """An index: its bytes, those of one entry, and what a sort of all entries takes."""

    name: str
    size: int
    entry: int
    sorted: int


@dataclass(frozen=True, slots=True)
class TableSize:
    """A table of *rows*: bytes of its parts.

    *row* is the length of a row with its header, *payload* that of its values alone; *moved* are
    the bytes of each value that does not stand in the row. *heap* are the pages of rows, *toast*
    those of values that were moved out, *maps* the two maps of pages.
    """

    rows: int
    row: int
    payload: int
    moved: tuple[int, ...]
    heap: int
    toast: int
    maps: int
    indexes: tuple[IndexSize, ...] = ()

    @property
    def table(self) -> int:
        """What ``pg_table_size`` tells."""
        return self.heap + self.toast + self.maps

    @property
    def index(self) -> int:
        """What ``pg_indexes_size`` tells."""
        return sum(index.size for index in self.indexes)

    @property
    def total(self) -> int:
        """What ``pg_total_relation_size`` tells."""
        return self.table + self.index


def table_size(
    table: Table, rows: int, name: str = "", *, absent: Collection[str] = ()
) -> TableSize:
    """Return the bytes of *rows* of *table*, called *name* in the database, and of its indexes.

    Args:
        table: the table of a data model.
        rows: how many; none takes no page.
        name: name in the database, for the names of the indexes.
        absent: columns that are NULL in every row.

    Raises:
        ValueError: a row does not fit into a page.
    """
    present = [column for column in table.columns if column.name not in absent]
    values = [_value(column) for column in present]
    bitmap = -(-len(table.columns) // 8) if len(present) < len(table.columns) else 0
    header = aligned(ROW_HEADER + bitmap)
    inside, moved = _toasted(header, values)
    row = header + _laid(inside)
    if row > LONGEST_ROW:
        raise ValueError(f"a row of {table.name} has {row:,} bytes, more than fit into a page")
    pages = _pages(rows, aligned(row) + POINTER)
    heap = pages * PAGE
    return TableSize(
        rows,
        row,
        sum(map(_bytes, values)),
        tuple(moved),
        heap,
        _toast(rows, moved),
        _maps(pages),
        tuple(_indexes(table, rows, name or table.name, heap)),
    )


def aligned(size: int, to: int = 8) -> int:
    """Return *size* rounded up to a multiple of *to*."""
    return -(-size // to) * to


def _value(column: Column) -> _Value:
    if column.is_vector:
        return _varying(VECTOR_HEADER + 4 * (column.length or 0))
    if column.length:
        one = _FIXED.get(column.kind, TEXT)
        return _varying(ARRAY_HEADER + column.length * one, max(4, one))
    if column.kind is Kind.TEXT:
        return _varying(column.usual_letters or column.letters or TEXT)
    return _Value(_FIXED[column.kind], _FIXED[column.kind])


def _varying(size: int, alignment: int = 4) -> _Value:
    return _Value(size + 1, 1) if size <= SHORT_VALUE else _Value(size + 4, alignment, long=True)


def _laid(values: Iterable[_Value]) -> int:
    """Return the bytes of *values* in their order, each where its alignment lets it begin."""
    end = 0
    for value in values:
        end = aligned(end, value.alignment) + value.size
    return end


def _toasted(header: int, values: Sequence[_Value]) -> tuple[list[_Value], list[int]]:
    """Return the values that stay in the row, and the bytes of those that are moved out."""
    inside, moved = list(values), []
    while header + _laid(inside) > TOAST_ABOVE:
        longest = max((value for value in inside if value.long), key=_bytes, default=None)
        if longest is None:
            break
        inside[inside.index(longest)] = _Value(TOAST_POINTER, 1)
        moved.append(longest.size - 4)
    return inside, moved


def _bytes(value: _Value) -> int:
    return value.size


def _pages(rows: int, entry: int) -> int:
    return -(-rows // ((PAGE - PAGE_HEADER) // entry))


def _toast(rows: int, moved: Sequence[int]) -> int:
    if not moved or not rows:
        return 0
    chunks = sum(-(-size // TOAST_CHUNK) for size in moved)
    bytes_ = sum(_chunks(size) for size in moved)
    pages = -(-rows * bytes_ // (PAGE - PAGE_HEADER))
    key = btree(rows * chunks, _FIXED[Kind.INT] + _FIXED[Kind.INT])
    return (pages + _maps(pages) // PAGE) * PAGE + key


def _chunks(size: int) -> int:
    full, rest = divmod(size, TOAST_CHUNK)
    last = aligned(TOAST_HEADER + rest) + POINTER if rest else 0
    return full * (aligned(TOAST_HEADER + TOAST_CHUNK) + POINTER) + last


def _maps(pages: int) -> int:
    """Return the bytes of the maps of free space (three levels) and of visibility."""
    if not pages:
        return 0
    return (2 + -(-pages // FSM_SLOTS) + -(-pages // VM_SLOTS)) * PAGE


def _indexes(table: Table, rows: int, name: str, heap: int) -> Iterable[IndexSize]:
    for index in layout.after_load(table, name):
        yield _index(table, index, rows, heap)
    if table.key:
        values = [_value(table.column(column)) for column in table.key]
        yield _btree_of(layout.primary_key_name(name), rows, _laid(values))


def _index(table: Table, index: layout.Index, rows: int, heap: int) -> IndexSize:
    if index.spherical:
        return _btree_of(index.name, rows, _FIXED[Kind.LONG])
    columns = [table.column(column) for column in index.columns]
    if index.operators:
        return _hnsw(index, rows, columns[0].length or 0)
    width = _laid([_value(column) for column in columns])
    if index.brin:
        return IndexSize(index.name, brin(heap, width), aligned(INDEX_HEADER + width), 0)
    return _btree_of(index.name, rows, width, _rows_per_key(table, columns))


def _rows_per_key(table: Table, columns: Sequence[Column]) -> float:
    """Return how many rows share a key; those that the name of the file tells share it all."""
    if any(column.kind not in _DEDUPLICATED or column.length for column in columns):
        return 1
    telling = [column.repeats for column in columns if column.name not in table.from_name]
    return min(telling, default=1)


def _btree_of(name: str, rows: int, width: int, per_key: float = 1) -> IndexSize:
    entry = aligned(INDEX_HEADER + width)
    return IndexSize(name, btree(rows, width, per_key), entry, rows * (entry + POINTER))


def btree(rows: int, width: int, per_key: float = 1) -> int:
    """Return the bytes of a btree, just built, with *rows* entries of *width* bytes of key.

    Where *per_key* rows share a key, their addresses stand in posting lists (deduplication).
    """
    if not rows:
        return PAGE
    entry = aligned(INDEX_HEADER + width)
    leaf = PAGE * LEAF_FILL // 100 - PAGE_HEADER - INDEX_SPECIAL
    share = rows / per_key * _group(entry, per_key)
    pages = [max(1, -(-int(share) // leaf))]
    while pages[-1] > 1:
        inner = PAGE * INNER_FILL // 100 - PAGE_HEADER - INDEX_SPECIAL
        pages.append(-(-pages[-1] * (entry + POINTER) // inner))
        if pages[-1] >= pages[-2]:
            break
    return (1 + sum(pages)) * PAGE


def _group(entry: int, rows: float) -> float:
    """Return the bytes of all entries of a key; of 2.5 rows, the mean of those of 2 and of 3."""
    fewer = int(rows)
    more = rows - fewer
    return (1 - more) * _lists(entry, fewer) + more * _lists(entry, fewer + 1)


def _lists(entry: int, rows: int) -> int:
    if rows == 1:
        return entry + POINTER
    most = max(1, (POSTING - entry) // ROW_NUMBER)
    full, rest = divmod(rows, most)
    size = full * (aligned(entry + most * ROW_NUMBER) + POINTER)
    return size + (aligned(entry + rest * ROW_NUMBER) + POINTER if rest else 0)


def _hnsw(index: layout.Index, rows: int, dimensions: int) -> IndexSize:
    """Return the bytes of an HNSW index: each vector once more, and 2 m links of 6 bytes.

    The few vectors of upper layers have m links more in each of them: one in m of all.
    """
    links = 2 * dict(index.parameters)["m"] + 1
    vector = aligned(HNSW_ELEMENT + 4 + VECTOR_HEADER + 4 * dimensions)
    entry = vector + aligned(HNSW_LINKS + links * ROW_NUMBER) + 2 * POINTER
    pages = -(-rows // ((PAGE - PAGE_HEADER - HNSW_SPECIAL) // entry))
    return IndexSize(index.name, (1 + pages) * PAGE, entry, 0)


def brin(heap: int, width: int) -> int:
    """Return the bytes of a BRIN index of two values of *width* bytes for each 128 pages of *heap*.

    Its first page describes it, the next ones tell where each range's entry is.
    """
    ranges = -(-heap // (BRIN_RANGE * PAGE))
    entry = aligned(INDEX_HEADER + 2 * width) + POINTER
    return (1 + -(-ranges // BRIN_ADDRESSES) + _pages(ranges, entry)) * PAGE
