"""FITS binary tables as a source: rows are read from where they lie, some at a time."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from labdb.adapters.catalogue import fits_file
from labdb.adapters.catalogue.file_state import changed, written
from labdb.adapters.catalogue.fits_file import Hdu
from labdb.adapters.catalogue.source import Raw, Rows
from labdb.domain.catalogue import fits_field
from labdb.domain.catalogue.fits_field import FitsField
from labdb.domain.catalogue.kind import Kind
from labdb.domain.catalogue.mapping import SourceColumn
from labdb.errors import RunError

BATCH = 1 << 16
BATCH_BYTES = 32 << 20
"""Rows, and bytes of rows, that are good to read at a time."""
SPAN = 64 << 20
"""Scattered rows that lie within so many bytes are read together."""


class FitsSource:
    """Some HDUs of a FITS file, joined row by row."""

    def __init__(self, path: Path, hdus: Sequence[str], match: Sequence[str]) -> None:
        self.path = path
        self.match = match
        self._tables = [_Table(path, hdu) for hdu in _chosen(path, hdus)]
        self.rows = self._tables[0].rows
        for other in self._tables[1:]:
            if other.rows != self.rows:
                first = self._tables[0]
                raise RunError(
                    f"{path.name}: HDUs that belong together have different numbers of rows",
                    why=f"{first.name} has {first.rows:,}, {other.name} has {other.rows:,}",
                    hint=fits_file.AGAIN,
                )

    @property
    def hdus(self) -> tuple[str, ...]:
        """The names of the HDUs."""
        return tuple(table.name for table in self._tables)

    @property
    def batch(self) -> int:
        """The number of rows that are good to read at a time."""
        return min(table.batch for table in self._tables)

    @property
    def columns(self) -> tuple[SourceColumn, ...]:
        """The columns of all HDUs."""
        return tuple(column for table in self._tables for column in table.columns)

    def verify(self) -> None:
        """Check the sums of the HDUs, and that joined rows belong together.

        Raises:
            RunError: a sum differs, or a row of one HDU is another object's than in the other.
        """
        for table in self._tables:
            fits_file.verify(self.path, table.hdu)
        for other in self._tables[1:]:
            for name in self.match:
                self._compare(name, self._tables[0], other)

    def _compare(self, name: str, first: "_Table", other: "_Table") -> None:
        one, two = first.find(name), other.find(name)
        if one is None or two is None:
            lacking = first.name if one is None else other.name
            raise RunError(
                f"{self.path.name}: HDU {lacking} has no {name} to join by",
                hint=fits_file.AGAIN,
            )
        for start in range(0, self.rows, self.batch):
            rows = slice(start, min(start + self.batch, self.rows))
            differ = np.flatnonzero(first.raw(one, rows) != other.raw(two, rows))
            if len(differ):
                row = start + int(differ[0]) + 1
                raise RunError(
                    f"{self.path.name}: rows of {first.name} and {other.name} differ in {name}",
                    why=f"in {len(differ):,} rows, the first is row {row:,}",
                    hint=fits_file.AGAIN,
                )

    def take(self, column: SourceColumn, rows: Rows) -> Raw:
        """Return the values of *column* in *rows*."""
        table = next(one for one in self._tables if one.name == column.hdu)
        return table.take(column.place, rows)

    def close(self) -> None:
        """Let go of the file."""
        for table in self._tables:
            table.close()


def _chosen(path: Path, wanted: Sequence[str]) -> list[Hdu]:
    found = fits_file.scan(path)
    tables = [hdu for hdu in found if hdu.is_table]
    if not wanted and tables:
        return tables[:1]
    chosen = []
    for name in wanted or ("a binary table",):
        hdu = next((one for one in tables if one.name.upper() == name.upper()), None)
        if hdu is None:
            there = ", ".join(f"{one.number} {one.name or '(no name)'}" for one in found)
            raise RunError(
                f"{path.name} has no binary table {name}",
                why=f"its HDUs are {there}",
                hint="choose the model and table that the file is of, or get the whole file",
            )
        chosen.append(hdu)
    return chosen


class _Table:
    """One binary table; of its file, only the rows of the last batch are in memory."""

    def __init__(self, path: Path, hdu: Hdu) -> None:
        self.path = path
        self.hdu = hdu
        self.name = hdu.name or str(hdu.number)
        self.rows = int(hdu.header["NAXIS2"])
        self._fields = _fields(path, hdu)
        self.columns = tuple(
            SourceColumn(
                name=str(hdu.header.get(f"TTYPE{place + 1}", f"column {place + 1}")).strip(),
                native=f"TFORM {field.tform}" + (", scaled" if field.is_scaled else ""),
                kind=field.kind,
                length=field.length,
                unit=str(hdu.header.get(f"TUNIT{place + 1}", "")).strip(),
                hdu=self.name,
                place=place,
                why_not=field.why_not,
            )
            for place, field in enumerate(self._fields)
        )
        self._type = _row_type(self._fields)
        self.batch = max(1, min(BATCH, BATCH_BYTES // max(1, self._type.itemsize)))
        self._last: Rows | None = None
        self._block = np.zeros(0, dtype=self._type)
        self._file = path.open("rb")
        self._state = written(os.fstat(self._file.fileno()))

    def find(self, name: str) -> int | None:
        """Return the place of the column called *name*."""
        places = (one.place for one in self.columns if one.name.upper() == name.upper())
        return next(places, None)

    def raw(self, place: int, rows: Rows) -> np.ndarray:
        """Return values of a column as they are in the file.

        Columns of the same *rows*, the very object, are asked for one after the other: the rows
        are read once for all of them.

        Raises:
            RunError: the file has changed since it was opened.
        """
        if rows is not self._last:
            self._block = self._read(rows)
            self._last = rows
            if written(os.fstat(self._file.fileno())) != self._state:
                raise changed(self.path)
        values: np.ndarray = self._block[f"c{place}"]
        return values

    def _read(self, rows: Rows) -> np.ndarray:
        if isinstance(rows, slice):
            return self._between(rows.start, rows.stop)
        first, last = int(rows.min(initial=self.rows)), int(rows.max(initial=-1))
        width = self._type.itemsize
        if (last - first) * width <= SPAN:
            return self._between(first, last + 1)[rows - first]
        file, start = self._file.fileno(), self.hdu.start
        parts = [os.pread(file, width, start + width * row) for row in rows.tolist()]
        return self._rows(b"".join(parts), len(parts))

    def _between(self, first: int, stop: int) -> np.ndarray:
        count = max(0, stop - first)
        width = self._type.itemsize
        self._file.seek(self.hdu.start + first * width)
        return self._rows(self._file.read(count * width), count)

    def _rows(self, data: bytes, count: int) -> np.ndarray:
        if len(data) != count * self._type.itemsize:  # it has become shorter
            raise changed(self.path)
        return np.frombuffer(data, dtype=self._type)

    def take(self, place: int, rows: Rows) -> Raw:
        """Return values of a column as the file means them."""
        field = self._fields[place]
        raw = self.raw(place, rows)
        if field.kind is Kind.TEXT:
            return Raw(_text(raw))
        if field.kind is Kind.BOOLEAN:
            return Raw(raw == ord("T"), {"undefined": (raw != ord("T")) & (raw != ord("F"))})
        native = raw.astype(raw.dtype.newbyteorder("="))
        has_null = field.null is not None and field.length is None
        nulls = {"TNULL": native == field.null} if has_null else {}
        if field.is_scaled:
            native = _scaled(field, native)
        return Raw(native, nulls)

    def close(self) -> None:
        """Let go of the file."""
        self._last, self._block = None, np.zeros(0, dtype=self._type)
        self._file.close()


def _fields(path: Path, hdu: Hdu) -> list[FitsField]:
    header = hdu.header
    try:
        fields = [
            fits_field.field(
                str(header[f"TFORM{number}"]),
                scale=float(header.get(f"TSCAL{number}", 1)),
                zero=float(header.get(f"TZERO{number}", 0)),
                null=header.get(f"TNULL{number}"),
                dimensions=str(header.get(f"TDIM{number}", "")),
            )
            for number in range(1, int(header["TFIELDS"]) + 1)
        ]
    except (KeyError, ValueError, TypeError) as error:
        raise RunError(
            f"{path.name}: HDU {hdu.name or hdu.number} is not described as a table must be",
            why=str(error),
            hint=fits_file.AGAIN,
        ) from error
    width = sum(field.width for field in fields)
    if width != int(header["NAXIS1"]):
        raise RunError(
            f"{path.name}: HDU {hdu.name or hdu.number} is not described as a table must be",
            why=f"its columns have {width} bytes, its rows {header['NAXIS1']}",
            hint=fits_file.AGAIN,
        )
    return fields


def _row_type(fields: Sequence[FitsField]) -> np.dtype[Any]:
    """Return the form of a row; columns are named by their place, whatever the file calls them."""
    return np.dtype(
        [
            (f"c{place}", field.raw, (field.length,)) if field.length else (f"c{place}", field.raw)
            for place, field in enumerate(fields)
        ]
    )


def _text(raw: np.ndarray) -> np.ndarray:
    """Return texts that end at their first NUL byte, or before the spaces at their end."""
    width = raw.dtype.itemsize
    if not width:
        return np.zeros(len(raw), dtype="S1")
    copied = np.ascontiguousarray(raw)
    nul = copied.view(np.uint8).reshape(len(raw), width) == 0
    if (nul[:, :-1] & ~nul[:, 1:]).any():
        copied = copied.copy()
        letters = copied.view(np.uint8).reshape(len(raw), width)
        letters[np.logical_or.accumulate(nul, axis=1)] = 0
    stripped: np.ndarray = np.strings.rstrip(copied, b" ")
    return stripped


def _scaled(field: FitsField, values: np.ndarray) -> np.ndarray:
    if field.scale == 1 and field.zero.is_integer() and values.dtype.kind in "iu":
        return values.astype(np.int64) + int(field.zero)
    scaled: np.ndarray = values.astype(np.float64) * field.scale + field.zero
    return scaled
