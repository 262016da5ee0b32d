"""FITS binary tables as a source: rows are read from where they lie, some at a time."""

import mmap
import os
from collections.abc import Sequence
from contextlib import suppress
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

TOUCHED = 64 << 20
"""Bytes of the file that may be in this process's memory before they are let go."""
NARROW = 512
"""Bytes of a row up to which scattered rows are copied whole, once for all columns."""
MATCHED = 1 << 20
"""Rows whose columns are compared between HDUs at a time."""


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
        for start in range(0, self.rows, MATCHED):
            rows = slice(start, min(start + MATCHED, self.rows))
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
    """One binary table; its rows are mapped into memory, and let go again."""

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
        self._touched = 0
        self._last: Rows | None = None
        self._block: np.ndarray | None = None
        self._map: mmap.mmap | None = None
        self._rows = np.zeros(0, dtype=_row_type(self._fields))
        self._file = path.open("rb")
        self._state = written(os.fstat(self._file.fileno()))
        if self.rows:
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
            self._rows = np.frombuffer(
                self._map, dtype=_row_type(self._fields), count=self.rows, offset=hdu.start
            )

    def find(self, name: str) -> int | None:
        """Return the place of the column called *name*."""
        places = (one.place for one in self.columns if one.name.upper() == name.upper())
        return next(places, None)

    def raw(self, place: int, rows: Rows) -> np.ndarray:
        """Return values of a column as they are in the file, copied.

        Raises:
            RunError: the file has changed since it was opened. What is mapped must not be
                touched then: where a file has become shorter, the process would be killed.
        """
        if written(os.fstat(self._file.fileno())) != self._state:
            raise changed(self.path)
        if rows is not self._last:
            self._let_go()
            self._last = rows
            narrow = isinstance(rows, np.ndarray) and self._rows.itemsize <= NARROW
            self._block = self._rows[rows] if narrow else None
            width = self._rows.itemsize if isinstance(rows, slice) else mmap.PAGESIZE
            self._touched += width * (
                rows.stop - rows.start if isinstance(rows, slice) else len(rows)
            )
        if self._block is not None:
            return self._block[f"c{place}"]
        return np.array(self._rows[f"c{place}"][rows])

    def _let_go(self) -> None:
        """Take pages of the file out of this process's memory; they stay in the system's cache."""
        if self._touched > TOUCHED and self._map is not None:
            self._map.madvise(mmap.MADV_DONTNEED)
            self._touched = 0

    def take(self, place: int, rows: Rows) -> Raw:
        """Return values of a column as the file means them."""
        field = self._fields[place]
        raw = self.raw(place, rows)
        if field.kind is Kind.TEXT:
            return Raw(_text(raw))
        if field.kind is Kind.BOOLEAN:
            return Raw(raw == ord("T"), {"undefined": (raw != ord("T")) & (raw != ord("F"))})
        native = raw.astype(raw.dtype.newbyteorder("="))
        nulls = {} if field.null is None else {"TNULL": native == field.null}
        if field.is_scaled:
            native = _scaled(field, native)
        return Raw(native, nulls)

    def close(self) -> None:
        """Let go of the file."""
        self._rows = np.zeros(0, dtype=self._rows.dtype)
        self._last, self._block = None, None
        if self._map is not None:
            with suppress(BufferError):  # an error's traceback may still hold rows
                self._map.close()
            self._map = None
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
