"""Which source column fills which column of a table, and everything that does not fit."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from labdb.domain.catalogue import unit
from labdb.domain.catalogue.kind import Kind, holds
from labdb.domain.catalogue.table import Column, Table


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A column of a file: *native* is its type in the file's own words.

    *kind* is None for what cannot be loaded; then *why_not* says why. *place* is the number of
    the column in its HDU, which names may not tell. *varies* is an array whose rows have
    different lengths; only a vector can be filled from it.
    """

    name: str
    native: str
    kind: Kind | None
    length: int | None = None
    unit: str = ""
    hdu: str = ""
    place: int = 0
    why_not: str = ""
    varies: bool = False
    ucd: str = ""


@dataclass(frozen=True, slots=True)
class Filled:
    """A column of the table and the source column that fills it; None leaves it NULL."""

    column: Column
    source: SourceColumn | None


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A column that the file cannot fill, and why."""

    column: str
    reason: str

    def __str__(self) -> str:
        """Return the mismatch as one line."""
        return f"{self.column}: {self.reason}"


def fit(table: Table, columns: Sequence[SourceColumn]) -> tuple[list[Filled], list[Mismatch]]:
    """Return how *columns* fill *table*, and all mismatches."""
    filled, wrong = [], []
    for column in table.from_source:
        source = _find(column, table.hdus, columns)
        reason = _missing(column, columns) if source is None else _misfit(column, source)
        if reason and not (source is None and column.optional):
            wrong.append(Mismatch(column.name, reason))
        else:
            filled.append(Filled(column, source))
    return filled, wrong


def _find(
    column: Column, hdus: Sequence[str], columns: Sequence[SourceColumn]
) -> SourceColumn | None:
    """Return the source of *column*: of its HDU, else of the first HDU that has the name."""
    wanted: list[str | None] = [column.hdu] if column.hdu else [*hdus] or [None]
    for name in column.names:
        # A file that is no FITS has no HDUs.
        for hdu in (*wanted, ""):
            for source in columns:
                if source.name.lower() == name and hdu in (None, source.hdu):
                    return source
    return None


def _missing(column: Column, columns: Sequence[SourceColumn]) -> str:
    names = {source.name.lower(): source.name for source in columns}
    near = get_close_matches(column.source.lower(), names, n=1)
    where = f" of HDU {column.hdu}" if column.hdu else ""
    guess = f"; the nearest name is {names[near[0]]!r}" if near else ""
    return f"the file has no column {column.source.upper()}{where}{guess}"


def _misfit(column: Column, source: SourceColumn) -> str:
    if source.kind is None:
        return f"{source.name!r} cannot be loaded: {source.why_not}"
    if source.varies and not column.is_vector:
        return f"{source.name!r} cannot be loaded: its rows have arrays of different lengths"
    if not source.varies and source.length != column.length:
        return (
            f"{source.name!r} has {_values(source.length)} in a row, wanted "
            f"{_values(column.length)}"
        )
    if not holds(column.kind, source.kind, narrow=column.narrow):
        return f"{source.name!r} is {source.kind} ({source.native}), wanted {column.kind}"
    return _mislabelled(column, source)


def _mislabelled(column: Column, source: SourceColumn) -> str:
    if source.unit and column.unit and not _in_unit(column, source):
        return f"{source.name!r} is in {source.unit!r}, wanted {column.unit!r}"
    if source.ucd and column.ucd and not _of_kind(column, source):
        return f"{source.name!r} is {source.ucd!r}, wanted {column.ucd!r}"
    return ""


def _of_kind(column: Column, source: SourceColumn) -> bool:
    """Tell whether the first words of both UCDs agree, which say what the quantity is.

    UCDs before 2005, like POS_EQ_RA_MAIN, are other words and are not compared (IVOA, UCD1+ 1.4,
    section 2).
    """
    first = source.ucd.split(";")[0].strip().lower()
    if "_" in source.ucd and "." not in first:
        return True
    return first in {one.split(";")[0].lower() for one in (column.ucd, *column.ucds)}


def _in_unit(column: Column, source: SourceColumn) -> bool:
    return any(unit.same(source.unit, one) for one in (column.unit, *column.units))


def _values(length: int | None) -> str:
    return "one value" if length is None else f"{length} values"
