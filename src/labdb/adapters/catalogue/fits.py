"""FITS binary tables as a source: rows are read from where they lie, some at a time."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from labdb.adapters.catalogue import fits_file
from labdb.adapters.catalogue.fits_file import Hdu
from labdb.adapters.catalogue.fits_table import FitsTable
from labdb.adapters.catalogue.source import Raw, Rows
from labdb.domain.catalogue.mapping import SourceColumn
from labdb.errors import RunError


class FitsSource:
    """Some HDUs of a FITS file, joined row by row."""

    def __init__(self, path: Path, hdus: Sequence[str], match: Sequence[str]) -> None:
        self.path = path
        self.match = match
        self._tables = [FitsTable(path, hdu) for hdu in _chosen(path, hdus)]
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

    def _compare(self, name: str, first: FitsTable, other: FitsTable) -> None:
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
