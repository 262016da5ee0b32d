"""Catalogue files on disk: which there are, and how each kind is opened."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from labdb.adapters.catalogue.source import Source
from labdb.domain.catalogue.table import Table
from labdb.errors import UsageError

FITS = (".fits", ".fit", ".fts")
PARQUET = (".parquet", ".pq", ".parq")
DELIMITED = (".csv", ".ecsv")
VOTABLE = (".vot", ".votable", ".xml")
SUFFIXES = (*FITS, *PARQUET, *DELIMITED, *VOTABLE)


def found(paths: Sequence[Path]) -> list[tuple[Path, bool]]:
    """Return the files that *paths* are or hold, sorted by name, and whether each was named.

    Raises:
        UsageError: a path is not there, or cannot be read.
    """
    named: dict[Path, bool] = {}
    for path in paths:
        try:
            if path.is_dir():
                inside = [one for one in path.rglob("*") if one.is_file()]
                named |= {one: named.get(one, False) for one in inside}
            else:
                path.open("rb").close()
                named[path] = True
        except OSError as error:
            raise UsageError(
                f"{path} cannot be read", why=str(error.strerror), hint="name a file or directory"
            ) from error
    return sorted(named.items(), key=lambda one: (one[0].name, str(one[0])))


def opened(path: Path, table: Table) -> Source:
    """Return the file *path* as a source of *table*'s rows.

    Raises:
        RunError: the file is damaged, or not what it is called.
        UsageError: labdb does not read files of its kind.
    """
    suffix = path.suffix.lower()
    if suffix in FITS:
        return _fits(path, table)
    if suffix in SUFFIXES:
        return _spooled(path, suffix, table)
    raise UsageError(
        f"labdb does not read {path.name}",
        why=f"its name ends with {suffix or 'nothing'}",
        hint=f"it reads {', '.join(SUFFIXES)}; unpack what is packed",
    )


# Each kind of file needs a reader that is slow to import: only what is read is imported.


def _fits(path: Path, table: Table) -> Source:
    from labdb.adapters.catalogue.fits import FitsSource  # noqa: PLC0415

    return FitsSource(path, table.hdus, table.match)


def _spooled(path: Path, suffix: str, table: Table) -> Source:
    from labdb.adapters.catalogue.spool import SpooledSource  # noqa: PLC0415

    wanted = {name for one in table.from_source for name in one.names}
    return SpooledSource(_reader(path, suffix, table), wanted)


def _reader(path: Path, suffix: str, table: Table) -> Any:
    if suffix in PARQUET:
        from labdb.adapters.catalogue.parquet import ParquetReader  # noqa: PLC0415

        return ParquetReader(path)
    if suffix in VOTABLE:
        from labdb.adapters.catalogue.votable import VotableReader  # noqa: PLC0415

        return VotableReader(path)
    from labdb.adapters.catalogue.delimited import DelimitedReader  # noqa: PLC0415

    return DelimitedReader(path, table)
