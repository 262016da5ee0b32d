"""PostgreSQL's binary COPY format from numpy columns, with NULLs, text and arrays.

Source of the format: PostgreSQL 16 documentation, COPY, "Binary Format"; of arrays,
``array_send`` in src/backend/utils/adt/arrayfuncs.c. A record is the number of its fields, then
for each field its length and its bytes; a NULL has the length -1 and no bytes.

A vector of pgvector is its number of dimensions and a zero, 16 bits each, then
real numbers (``vector_send`` in pgvector's src/vector.c).

Records are built in blocks of one width, as if every value were there and every text were the
longest. Lengths are written once for all blocks. What a block has too many because of a NULL or
of a shorter text is left out when its bytes are put together.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from labdb.domain.catalogue.kind import Kind

Array: TypeAlias = npt.NDArray[Any]
Mask: TypeAlias = npt.NDArray[np.bool_]

HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
TRAILER = struct.pack(">h", -1)
BLOCK_BYTES = 1 << 20
"""Bytes of a block of records: it stays in the processor's cache while it is filled."""
WIRE = {
    Kind.BOOLEAN: ("u1", 16),
    Kind.SHORT: (">i2", 21),
    Kind.INT: (">i4", 23),
    Kind.LONG: (">i8", 20),
    Kind.FLOAT: (">f4", 700),
    Kind.DOUBLE: (">f8", 701),
    Kind.TIMESTAMP: (">i8", 1184),
}
"""Form of a value on the wire, and the type's number in pg_type.dat."""
EPOCH = np.datetime64("2000-01-01T00:00:00", "us")
"""PostgreSQL counts microseconds from here."""
_ARRAY_HEAD = struct.Struct(">iiiii")
_VECTOR_HEAD = struct.Struct(">hh")


@dataclass(frozen=True, slots=True)
class Cells:
    """The values of a column in a batch: *nulls* says which of them are none.

    *values* are numbers, booleans, ``datetime64`` or bytes (``S``, UTF-8); two-dimensional for
    an array column, or for a vector of pgvector. *lengths* are those of bytes; without them
    trailing NUL bytes do not count.
    """

    kind: Kind
    values: Array
    nulls: Mask | None = None
    lengths: npt.NDArray[np.int32] | None = None
    is_vector: bool = False

    @property
    def head(self) -> int:
        """The bytes that stand before the elements of an array or a vector."""
        if self.values.ndim == 1:
            return 0
        return _VECTOR_HEAD.size if self.is_vector else _ARRAY_HEAD.size


def records(cells: Sequence[Cells]) -> Iterator[bytes]:
    """Yield the rows that *cells* are the columns of, as records of the COPY stream."""
    rows = len(cells[0].values)
    form = _Form(cells)
    for start in range(0, rows, form.rows):
        yield form.block(cells, start, min(start + form.rows, rows))


class _Form:
    """The records of one batch: a block that is filled again and again."""

    def __init__(self, cells: Sequence[Cells]) -> None:
        fields: list[tuple[Any, ...]] = [("count", ">i2")]
        for number, one in enumerate(cells):
            head = [(f"h{number}", f"V{one.head}")] if one.head else []
            fields += [(f"n{number}", ">i4"), *head, (f"v{number}", *_form_of(one))]
        dtype = np.dtype(fields)
        self.rows = max(1, min(BLOCK_BYTES // dtype.itemsize, len(cells[0].values)))
        self.table = np.zeros(self.rows, dtype)
        self.table["count"] = len(cells)
        self.lengths = []
        for number, one in enumerate(cells):
            self.lengths.append(dtype.fields[f"v{number}"][0].itemsize)  # type: ignore[index]
            if one.head:
                _prepare_array(self.table, number, one)
                self.lengths[-1] += one.head
            self.table[f"n{number}"] = self.lengths[-1]
        self.places = [dtype.fields[f"n{number}"][1] + 4 for number in range(len(cells))]  # type: ignore[index]

    def block(self, cells: Sequence[Cells], start: int, stop: int) -> bytes:
        """Return the records of the rows from *start* to *stop*."""
        table = self.table[: stop - start]
        gaps = []
        for number, one in enumerate(cells):
            values = one.values[start:stop]
            if one.values.ndim > 1 and not one.is_vector:
                table[f"v{number}"]["value"] = values
            else:
                table[f"v{number}"] = _on_the_wire(one.kind, values)
            if one.kind is Kind.TEXT:
                lengths = one.lengths
                gaps += self._cut(
                    table,
                    number,
                    text_lengths(values) if lengths is None else lengths[start:stop],
                )
            if one.nulls is not None and (nulls := one.nulls[start:stop]).any():
                gaps += self._drop(table, number, nulls)
        if not gaps:
            return table.tobytes()
        kept = _without(table, gaps)
        for number, length in enumerate(self.lengths):
            if cells[number].nulls is not None:
                self.table[f"n{number}"] = length
        return kept

    def _drop(self, table: Array, number: int, nulls: Mask) -> list[tuple[Array, Array]]:
        """Make the values of *nulls* none; return where their bytes begin and end."""
        table[f"n{number}"][nulls] = -1
        begins = np.flatnonzero(nulls) * table.dtype.itemsize + self.places[number]
        return [(begins, begins + self.lengths[number])]

    def _cut(
        self, table: Array, number: int, lengths: npt.NDArray[np.int32]
    ) -> list[tuple[Array, Array]]:
        """Write the *lengths* of texts; return where what is beyond them begins and ends."""
        table[f"n{number}"] = lengths
        width = self.lengths[number]
        short = np.flatnonzero(lengths < width)
        if not len(short):
            return []
        first = short * table.dtype.itemsize + self.places[number]
        return [(first + lengths[short], first + width)]


def _without(table: Array, gaps: Sequence[tuple[Array, Array]]) -> bytes:
    """Return the bytes of *table* without *gaps*; of two that touch, one may hold the other."""
    begins = np.concatenate([begin for begin, _ in gaps])
    ends = np.concatenate([end for _, end in gaps])
    order = np.argsort(begins, kind="stable")
    begins, ends = begins[order], np.maximum.accumulate(ends[order])
    view = memoryview(table.view(np.uint8).reshape(-1))  # type: ignore[arg-type]  # a buffer
    first = [0, *ends.tolist()]
    last = [*begins.tolist(), len(view)]
    return b"".join([view[one:other] for one, other in zip(first, last, strict=True)])


def text_lengths(values: Array) -> npt.NDArray[np.int32]:
    """Return the number of bytes of each of *values*, trailing NUL bytes left out."""
    lengths: npt.NDArray[np.int32] = np.strings.str_len(values).astype(np.int32)
    return lengths


def text(values: Array, nulls: Mask | None = None) -> Cells:
    """Return *values*, bytes, as cells that are no wider than the longest of them."""
    lengths = text_lengths(values)
    longest = max(int(lengths.max(initial=0)), 1)
    narrow = values if values.dtype.itemsize == longest else values.astype(f"S{longest}")
    return Cells(Kind.TEXT, narrow, nulls, lengths)


def _form_of(one: Cells) -> tuple[Any, ...]:
    if one.kind is Kind.TEXT:
        return (f"V{one.values.dtype.itemsize}",)
    wire = WIRE[one.kind][0]
    if one.is_vector:
        return (wire, (one.values.shape[1],))
    if one.values.ndim > 1:
        return ([("length", ">i4"), ("value", wire)], (one.values.shape[1],))
    return (wire,)


def _prepare_array(table: Array, number: int, one: Cells) -> None:
    """Write what is the same in all arrays of a column: dimensions, type, lengths."""
    if one.is_vector:
        table[f"h{number}"] = np.void(_VECTOR_HEAD.pack(one.values.shape[1], 0))
        return
    wire, oid = WIRE[one.kind]
    head = _ARRAY_HEAD.pack(1, 0, oid, one.values.shape[1], 1)
    table[f"h{number}"] = np.void(head)
    table[f"v{number}"]["length"] = np.dtype(wire).itemsize


def _on_the_wire(kind: Kind, values: Array) -> Array:
    if kind is Kind.TEXT:
        return np.ascontiguousarray(values).view(f"V{values.dtype.itemsize}")
    if kind is Kind.TIMESTAMP:
        return (values.astype("M8[us]") - EPOCH).astype(np.int64)
    return values
