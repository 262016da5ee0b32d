"""One binary table of a FITS file: its columns, and values of some of its rows."""

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
KEPT = 32 << 20
"""Bytes of a table that is kept once scattered rows of it were asked for."""


class FitsTable:
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
        self._block = self._all = np.zeros(0, dtype=self._type)
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
            around, start = self._around(first, last + 1)
            # As plain bytes: NumPy copies a record field by field otherwise, which takes long.
            plain = around.view(f"V{width}")
            return np.take(plain, rows - start, mode="clip").view(self._type)
        file, start = self._file.fileno(), self.hdu.start
        parts = [os.pread(file, width, start + width * row) for row in rows.tolist()]
        return self._rows(b"".join(parts), len(parts))

    def _around(self, first: int, stop: int) -> tuple[np.ndarray, int]:
        """Return the rows from *first* to *stop*, and the number of the first; or all of them.

        A small table is kept: each batch of a file that is not sorted is from all over it.
        """
        if self.rows * self._type.itemsize > KEPT:
            return self._between(first, stop), first
        if not len(self._all):
            self._all = self._between(0, self.rows)
        return self._all, 0

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
        self._last = None
        self._block = self._all = np.zeros(0, dtype=self._type)
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
