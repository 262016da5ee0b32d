"""Parquet files from the columns of a COPY stream, and what proves that they hold them."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from struct import pack
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from labdb.adapters.catalogue.file_state import sha256
from labdb.domain.catalogue.carried import Carried
from labdb.domain.catalogue.kind import Kind
from labdb.domain.catalogue.manifest import FilePart
from labdb.domain.catalogue.pgcopy_read import Column

GROUP_BYTES = 64 << 20
"""A row group ends before it has more, unpacked: it is held in memory until it is written."""
GROUPS_A_FILE = 16
NO_PIXEL = "__HIVE_DEFAULT_PARTITION__"
"""Hive's word for rows without the value that they are divided by."""
TYPES: dict[Kind, Any] = {
    Kind.BOOLEAN: pa.bool_(),
    Kind.SHORT: pa.int16(),
    Kind.INT: pa.int32(),
    Kind.LONG: pa.int64(),
    Kind.FLOAT: pa.float32(),
    Kind.DOUBLE: pa.float64(),
    Kind.TEXT: pa.string(),
    Kind.TIMESTAMP: pa.timestamp("us", tz="UTC"),
}


def schema(columns: Sequence[Carried], metadata: Mapping[str, str]) -> Any:
    """Return the Arrow schema of *columns*; *metadata* is that of the file."""
    fields = [
        pa.field(one.name, _type(one), nullable=not one.not_null, metadata=one.metadata)
        for one in columns
    ]
    return pa.schema(fields, metadata=dict(metadata))


def _type(column: Carried) -> Any:
    plain = TYPES[column.kind]
    return pa.list_(plain, column.length) if column.length else plain


def array(wanted: Carried, found: Column) -> Any:
    """Return a column as Arrow has it."""
    nulls = None if found.nulls is None else pa.array(found.nulls)
    if wanted.kind is Kind.TEXT:
        if found.offsets is None:
            raise ValueError(f"{wanted.name} is text without offsets")
        valid = None if nulls is None else pc.invert(nulls).buffers()[1]
        buffers = [valid, pa.py_buffer(found.offsets), pa.py_buffer(found.values)]
        return pa.Array.from_buffers(pa.string(), len(found.offsets) - 1, buffers)
    if wanted.length:
        flat = pa.array(found.values.reshape(-1), TYPES[wanted.kind])
        return pa.FixedSizeListArray.from_arrays(flat, type=_type(wanted), mask=nulls)
    if wanted.kind is Kind.TIMESTAMP:
        return pa.array(found.values.view("i8"), pa.int64(), mask=found.nulls).cast(_type(wanted))
    return pa.array(found.values, _type(wanted), mask=found.nulls)


@dataclass(slots=True)
class Checksum:
    """The CRC-32 of a column's values, of their lengths, and of which are none.

    It does not depend on how rows are cut into batches.
    """

    values: int = 0
    lengths: int = 0
    nulls: int = 0

    def add(self, part: Any) -> None:
        """Count the values of *part*, an Arrow array."""
        nulls = pc.is_null(part).to_numpy(zero_copy_only=False)
        self.nulls = zlib.crc32(np.ascontiguousarray(nulls).data, self.nulls)
        if pa.types.is_string(part.type):
            filled = pc.fill_null(part, "") if part.null_count else part
            _, places, data = filled.buffers()
            offsets = np.frombuffer(places, np.int32)[filled.offset :][: len(filled) + 1]
            self.lengths = zlib.crc32(np.diff(offsets).data, self.lengths)
            values = np.frombuffer(data or b"", np.uint8)[offsets[0] : offsets[-1]]
        else:
            values = _numbers(part, nulls)
        self.values = zlib.crc32(np.ascontiguousarray(values).view(np.uint8).data, self.values)

    @property
    def number(self) -> int:
        """All of it in one number."""
        return zlib.crc32(pack(">III", self.values, self.lengths, self.nulls))


def _numbers(part: Any, nulls: Any) -> Any:
    """Return the values of *part* with 0 where there is none."""
    if pa.types.is_fixed_size_list(part.type):
        size = part.type.list_size
        flat = part.values.slice(part.offset * size, len(part) * size)
        inside = _numbers(flat, None).reshape(len(part), size).copy()
        inside[nulls] = 0
        return inside
    plain = part.cast(pa.int64()) if pa.types.is_timestamp(part.type) else part
    if plain.null_count:
        plain = pc.fill_null(plain, pa.scalar(0).cast(plain.type))
    return plain.to_numpy(zero_copy_only=False)


@dataclass(slots=True)
class Writer:
    """Files below *folder*: a row group a time, a new file for each pixel or sixteen groups."""

    folder: Path
    columns: Sequence[Carried]
    schema: Any
    compression: str
    group_rows: int
    healpix_order: int | None = None
    files: list[FilePart] = field(default_factory=list)
    checksums: list[Checksum] = field(default_factory=list)
    rows: int = 0
    _waiting: list[Any] = field(default_factory=list)
    _pixel: int | None = None
    _open: Any = None
    _path: str = ""
    _in_file: int = 0
    _groups: int = 0
    _unpacked: int = 0

    def __post_init__(self) -> None:
        """Begin with nothing."""
        self.checksums = [Checksum() for _ in self.columns]

    def add(self, found: Sequence[Column]) -> None:
        """Take rows; with a HEALPix order, their pixel is the last column and they are sorted."""
        wanted = self.columns
        made = [array(one, column) for one, column in zip(wanted, found, strict=False)]
        for sum_, part in zip(self.checksums, made, strict=True):
            sum_.add(part)
        batch = pa.RecordBatch.from_arrays(made, schema=self.schema)
        self.rows += batch.num_rows
        if self.healpix_order is None:
            self._take(batch)
            return
        pixels = found[-1].values.astype(np.int64)
        if (none := found[-1].nulls) is not None:
            pixels[none] = -1
        edges = [0, *(np.flatnonzero(np.diff(pixels)) + 1).tolist(), len(pixels)]
        for begin, end in pairwise(edges):
            if int(pixels[begin]) != self._pixel:
                self._close()
                self._pixel = int(pixels[begin])
            self._take(batch.slice(begin, end - begin))

    def _take(self, batch: Any) -> None:
        while batch.num_rows:
            room = self.group_rows - sum(one.num_rows for one in self._waiting)
            self._waiting.append(batch.slice(0, room))
            batch = batch.slice(room)
            full = sum(one.num_rows for one in self._waiting) >= self.group_rows
            if full or sum(one.nbytes for one in self._waiting) >= GROUP_BYTES:
                self._flush()

    def _flush(self) -> None:
        """Write what waits as one row group."""
        if not self._waiting:
            return
        if self._open is None:
            self._begin()
        group = pa.Table.from_batches(self._waiting)
        self._open.write_table(group, row_group_size=group.num_rows)
        self._waiting = []
        self._in_file += group.num_rows
        self._unpacked += group.nbytes
        self._groups += 1
        if self._groups == GROUPS_A_FILE:
            self._close()

    def _begin(self) -> None:
        path = f"part-{len(self.files):06}.parquet"
        if self.healpix_order is not None:
            pixel = NO_PIXEL if self._pixel == -1 else self._pixel
            path = f"Norder={self.healpix_order}/Npix={pixel}/{path}"
        self._path, self._in_file, self._groups, self._unpacked = path, 0, 0, 0
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        self._open = pq.ParquetWriter(
            self.folder / path,
            self.schema,
            compression=self.compression,
            use_dictionary=[one.name for one in self.columns if one.kind is Kind.TEXT],
            write_page_checksum=True,
        )

    def _close(self) -> None:
        self._flush()
        if self._open is None:
            return
        self._open.close()
        self._open = None
        place = self.folder / self._path
        self.files.append(
            FilePart(self._path, place.stat().st_size, self._in_file, sha256(place), self._unpacked)
        )

    def close(self) -> None:
        """Write what waits; a table without rows gets a file all the same."""
        self._close()
        if not self.files:
            self._begin()
            self._close()

    def give_up(self) -> None:
        """Let go of an open file, whatever it holds."""
        self._waiting = []
        if self._open is not None:
            self._open.writer = None
            self._open.is_open = False
            self._open.file_handle = None
            self._open = None
