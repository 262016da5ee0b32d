"""Exported files read back: for the proof that they are whole, and as records to be restored."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from labdb.adapters.catalogue.file_state import sha256
from labdb.adapters.catalogue.parquet_out import Checksum, schema
from labdb.domain.catalogue.carried import Carried
from labdb.domain.catalogue.kind import Kind
from labdb.domain.catalogue.manifest import FilePart, Manifest
from labdb.domain.catalogue.pgcopy import Cells, records

MOST_ROWS, BATCH_BYTES = 1 << 16, 4 << 20
"""A batch has as many rows, or as many bytes where rows are wide."""
WIDE_BYTES = 16 << 20
"""Bytes that the texts of one column have in a block of records, each as long as the longest."""


def missing_or_changed(folder: Path, manifest: Manifest) -> list[str]:
    """Return what of the files is not as the manifest says: all of it, one line each."""
    wrong = []
    for one in manifest.files:
        path = folder / one.path
        if not path.is_file():
            wrong.append(f"{one.path} is missing")
        elif path.stat().st_size != one.size:
            wrong.append(f"{one.path} has {path.stat().st_size:,} bytes, not {one.size:,}")
        elif sha256(path) != one.sha256:
            wrong.append(f"{one.path} has another SHA-256 than it had")
    return wrong


def not_what_was_written(folder: Path, manifest: Manifest) -> list[str]:
    """Return what the files hold else than they were given: rows or values of a column."""
    sums = [Checksum() for _ in manifest.columns]
    wrong = []
    for one in manifest.files:
        rows = 0
        try:
            for batch in _batches(folder, one, manifest.columns):
                rows += batch.num_rows
                for sum_, part in zip(sums, batch.columns, strict=True):
                    sum_.add(part)
        except (pa.ArrowException, OSError) as error:
            wrong.append(f"{one.path} cannot be read: {' '.join(str(error).split())}")
            continue
        if rows != one.rows:
            wrong.append(f"{one.path} has {rows:,} rows, not {one.rows:,}")
    wrong += [
        f"the values of column {one.name} are not those that were written"
        for one, sum_ in zip(manifest.columns, sums, strict=True)
        if not wrong and sum_.number != manifest.checksums.get(one.name)
    ]
    return wrong


def _batches(folder: Path, one: FilePart, columns: Sequence[Carried]) -> Iterator[Any]:
    file = pq.ParquetFile(
        folder / one.path, page_checksum_verification=True, pre_buffer=False, buffer_size=1 << 16
    )
    wanted = schema(columns, {})
    if not file.schema_arrow.equals(wanted):
        raise pa.ArrowInvalid("its columns are not those of the manifest")
    rows = min(MOST_ROWS, max(1, BATCH_BYTES * one.rows // max(one.unpacked, 1)))
    yield from file.iter_batches(batch_size=rows, use_threads=False)


def copied(folder: Path, manifest: Manifest) -> Iterator[tuple[int, bytes]]:
    """Yield the rows of all files as blocks of a COPY stream, and how many rows each completes."""
    for one in manifest.files:
        for batch in _batches(folder, one, manifest.columns):
            for part in _narrow(batch):
                cells = [
                    _cells(column, values)
                    for column, values in zip(manifest.columns, part.columns, strict=True)
                ]
                for block in records(cells):
                    yield 0, block
                yield part.num_rows, b""


def _narrow(batch: Any) -> Iterator[Any]:
    """Cut *batch* so that its texts do not fill the memory, blown up to the longest of them."""
    rows = max(batch.num_rows, 1)
    for part in batch.columns:
        if pa.types.is_string(part.type):
            longest = pc.max(pc.binary_length(part)).as_py() or 1
            rows = min(rows, max(1, WIDE_BYTES // longest))
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


def _cells(column: Carried, part: Any) -> Cells:
    nulls = pc.is_null(part).to_numpy(zero_copy_only=False) if part.null_count else None
    if column.kind is Kind.TEXT:
        return _texts(pc.fill_null(part, "") if part.null_count else part, nulls)
    if column.length:
        flat = part.values.slice(part.offset * column.length, len(part) * column.length)
        if flat.null_count:
            flat = pc.fill_null(flat, pa.scalar(0).cast(flat.type))
        values = flat.to_numpy(zero_copy_only=False).reshape(len(part), column.length)
        return Cells(column.kind, values, nulls, is_vector=column.is_vector)
    if column.kind is Kind.TIMESTAMP:
        part = part.cast(pa.int64())
    if part.null_count:
        part = pc.fill_null(part, pa.scalar(0).cast(part.type))
    values = part.to_numpy(zero_copy_only=False)
    return Cells(
        column.kind, values.view("M8[us]") if column.kind is Kind.TIMESTAMP else values, nulls
    )


def _texts(part: Any, nulls: Any) -> Cells:
    """Return texts as bytes of one width, with their lengths: an empty text stays one."""
    _, places, data = part.buffers()
    offsets = np.frombuffer(places, np.int32)[part.offset :][: len(part) + 1].astype(np.int64)
    lengths = np.diff(offsets)
    width = max(int(lengths.max(initial=0)), 1)
    matrix = np.zeros((len(part), width), np.uint8)
    inside = np.frombuffer(data or b"", np.uint8)[offsets[0] : offsets[-1]]
    matrix[np.arange(width) < lengths[:, None]] = inside
    return Cells(Kind.TEXT, matrix.reshape(-1).view(f"S{width}"), nulls, lengths.astype(np.int32))
