"""PostgreSQL's binary COPY format (documentation, COPY, "Binary Format") from numpy arrays.

A batch is a table's rows by column. In one batch a text column has one value for all rows
and a column is NULL for all rows or for none: every record then has the same length, and
numpy writes all of them at once.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Column: TypeAlias = npt.NDArray[Any] | str | None
Batch: TypeAlias = Mapping[str, Column]

HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
TRAILER = struct.pack(">h", -1)
NULL = -1
ROWS = 1 << 17
"""Rows encoded at once: enough for numpy to be fast, little enough to stay small."""


def stream(batches: Iterable[Batch]) -> Iterator[bytes]:
    """Yield the whole of a COPY stream: header, records, trailer."""
    yield HEADER
    for batch in batches:
        for start in range(0, length(batch), ROWS):
            yield records(_part(batch, start, start + ROWS))
    yield TRAILER


def length(batch: Batch) -> int:
    """Return the number of rows of *batch*."""
    return next(len(column) for column in batch.values() if isinstance(column, np.ndarray))


def records(batch: Batch) -> bytes:
    """Return the rows of *batch* as records of the COPY stream.

    >>> records({"a": np.array([7], dtype="int16"), "b": None, "c": "x"}).hex(" ", 2)
    '0003 0000 0002 0007 ffff ffff 0000 0001 78'
    """
    fields: list[tuple[str, str]] = [("columns", ">i2")]
    values: list[tuple[str, Any]] = [("columns", len(batch))]
    for name, column in batch.items():
        fields.append((f"{name} length", ">i4"))
        if column is None:
            values.append((f"{name} length", NULL))
            continue
        value = np.bytes_(column.encode()) if isinstance(column, str) else column
        kind = _wire(value.dtype)
        fields.append((name, kind))
        values += [(f"{name} length", np.dtype(kind).itemsize), (name, value)]
    table = np.empty(length(batch), dtype=fields)
    for name, value in values:
        table[name] = value
    return table.tobytes()


def _wire(dtype: np.dtype[Any]) -> str:
    """Return the big-endian form of *dtype*; one-character text goes as one byte."""
    if dtype.kind == "U":
        return f"S{dtype.itemsize // 4}"
    return dtype.newbyteorder(">").str


def _part(batch: Batch, start: int, stop: int) -> Batch:
    return {
        name: column[start:stop] if isinstance(column, np.ndarray) else column
        for name, column in batch.items()
    }
