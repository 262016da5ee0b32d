"""Numpy columns from PostgreSQL's binary COPY format: the way back of :mod:`pgcopy`.

Source: PostgreSQL 16 documentation, COPY, "Binary Format", and "Message Formats", CopyData: the
server sends one message a row. So the length of a row is known before its fields are, and each
field is read of all rows at once: its place in a row is where the field before it ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from labdb.domain.catalogue.carried import Carried
from labdb.domain.catalogue.kind import Kind
from labdb.domain.catalogue.pgcopy import EPOCH, HEADER, TRAILER, WIRE, Array, Mask

ARRAY_HEAD = 20
"""Bytes before the elements of an array of one dimension."""
VECTOR_HEAD = 4
"""Bytes before those of a vector: see :mod:`pgcopy`."""
WIDEST = 8
_ENDLESS = (np.iinfo(np.int64).min, np.iinfo(np.int64).max)
"""What timestamps ``-infinity`` and ``infinity`` are."""


@dataclass(frozen=True, slots=True)
class Column:
    """The values of a column in a batch of rows; 0 stands where *nulls* says that there is none.

    Texts are *values*, the bytes of all of them, and *offsets*, where each begins and ends.
    """

    values: Array
    nulls: Mask | None = None
    offsets: npt.NDArray[np.int32] | None = None


class NotThisTable(ValueError):  # noqa: N818 - it says what is wrong, as a sentence would
    """The stream does not hold the columns that were asked for."""


def row(message: bytes) -> bytes:
    """Return the record in *message*; empty for what holds none: the header and the trailer."""
    if message[: len(HEADER)] == HEADER:
        message = message[len(HEADER) :]
    return b"" if message == TRAILER else message


def columns(rows: Sequence[bytes], wanted: Sequence[Carried]) -> list[Column]:
    """Return the columns of *rows*, records of a COPY stream.

    Raises:
        NotThisTable: a record has other fields than *wanted*; the message names the column.
    """
    reader = _Reader(rows)
    reader.begin(len(wanted))
    found = [reader.column(each) for each in wanted]
    reader.end()
    return found


class _Reader:
    """The records of one batch, and where in each of them we are."""

    def __init__(self, rows: Sequence[bytes]) -> None:
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        # The last field of the last row is looked at as if it had the longest type.
        self.buffer = b"".join([*rows, bytes(WIDEST)])
        self.ends = np.cumsum(lengths)
        self.place = self.ends - lengths

    def _at(self, wire: str, places: Array) -> Array:
        """Return the numbers of type *wire* that begin at *places*."""
        dtype = np.dtype(wire)
        size = len(self.buffer) - dtype.itemsize + 1
        every: Array = np.ndarray((size,), dtype, self.buffer, strides=(1,))
        if len(places) and (places.min() < 0 or places.max() >= size):
            raise NotThisTable("a record ends in the middle of a field")
        return every[places].astype(dtype.newbyteorder("="))

    def begin(self, fields: int) -> None:
        """Read the number of fields."""
        if not (self._at(">i2", self.place) == fields).all():
            raise NotThisTable(f"a record has not {fields} fields")
        self.place = self.place + 2

    def end(self) -> None:
        """See that nothing follows the last field."""
        if not np.array_equal(self.place, self.ends):
            raise NotThisTable("a record has bytes after its last field")

    def column(self, wanted: Carried) -> Column:
        """Return the next field of all rows."""
        lengths = self._at(">i4", self.place)
        begin = self.place + 4
        missing = lengths < 0
        nulls = missing if missing.any() else None
        lengths = np.where(missing, 0, lengths)
        self.place = begin + lengths
        if (self.place > self.ends).any():
            raise NotThisTable(f"a record ends in the middle of {wanted.name}")
        if wanted.kind is Kind.TEXT:
            return self._text(begin, lengths, nulls)
        wire = WIRE[wanted.kind][0]
        size = np.dtype(wire).itemsize
        # Before each element of an array stands its length; a vector has its elements alone.
        head, before = (VECTOR_HEAD, 0) if wanted.is_vector else (ARRAY_HEAD, 4)
        step = size + before
        expected = head + step * wanted.length if wanted.length else size
        if not (missing | (lengths == expected)).all():
            raise NotThisTable(f"{wanted.name} has values that are no {wanted.sql_type}")
        if wanted.length:
            self._same_arrays(wanted, begin, missing)
            inside = head + before + step * np.arange(wanted.length)
            # What is none has no elements: those of the buffer's beginning are read, and dropped.
            places = np.where(missing, 0, begin)[:, None] + inside
            places[missing] = 0
            values = self._at(wire, places)
        else:
            values = self._at(wire, begin)
        if wanted.kind is Kind.TIMESTAMP:
            values = _moments(wanted.name, values, missing)
        elif wanted.kind is Kind.BOOLEAN:
            values = values.astype(np.bool_)
        if nulls is not None:
            values[nulls] = np.zeros((), values.dtype)
        return Column(values, nulls)

    def _same_arrays(self, wanted: Carried, begin: Array, missing: Mask) -> None:
        """See that each array has one dimension, no NULL and the type that is wanted."""
        if wanted.is_vector:
            return  # its length is that of its type, and was compared
        places = begin[~missing]
        head = [1, 0, WIRE[wanted.kind][1], wanted.length, 1]
        for number, value in enumerate(head):
            if not (self._at(">i4", places + 4 * number) == value).all():
                raise NotThisTable(f"{wanted.name} has arrays that are no {wanted.sql_type}")

    def _text(self, begin: Array, lengths: Array, nulls: Mask | None) -> Column:
        offsets = np.zeros(len(lengths) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        # Each byte's place: that of its text in the buffer, and how far it is into the text.
        places = np.repeat(begin - offsets[:-1], lengths) + np.arange(offsets[-1])
        values = np.frombuffer(self.buffer, np.uint8)[places]
        return Column(values, nulls, offsets.astype(np.int32))


def _moments(name: str, values: Array, missing: Mask) -> Array:
    if (np.isin(values, _ENDLESS) & ~missing).any():
        raise NotThisTable(f"{name} has the timestamp infinity, which no file of Parquet has")
    moments: Any = EPOCH + values.astype("m8[us]")
    return moments  # type: ignore[no-any-return]  # numpy's sum of times is Any
