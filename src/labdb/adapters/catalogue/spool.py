"""Files that cannot be read from the middle, unpacked once into a temporary file that can.

Memory does not grow with the file; the temporary folder (TMPDIR) needs room for the columns
that are loaded, unpacked.
"""

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from labdb.adapters.catalogue import arrow
from labdb.adapters.catalogue.source import Raw, Rows
from labdb.domain.catalogue.mapping import SourceColumn
from labdb.errors import RunError

BATCH = 1 << 16
"""Rows that are good to read at a time."""
HINT = "get the file again from its source, or mend it"


class Reader:
    """What a kind of file knows: its schema, its rows, and its batches."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.units: Mapping[str, str] = {}
        self.ucds: Mapping[str, str] = {}

    @property
    def schema(self) -> Any:
        """The Arrow schema of all columns."""
        raise NotImplementedError

    def rows(self) -> int | None:
        """Return the number of rows, where the file tells it."""
        return None

    def batches(self, names: list[str]) -> Iterable[Any]:
        """Yield the rows of the columns *names*, as record batches of one schema."""
        raise NotImplementedError


class SpooledSource:
    """A file of any kind that a reader knows."""

    def __init__(self, reader: Reader, wanted: set[str]) -> None:
        self._reader = reader
        self._wanted = wanted
        self.batch = BATCH
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._table: Any = None
        self._mapped: Any = None  # open as long as the table is there
        with damaged(reader.path):
            self.columns: tuple[SourceColumn, ...] = arrow.described(
                reader.schema, reader.units, reader.ucds
            )

    @property
    def hdus(self) -> tuple[str, ...]:
        """None: these files have no HDUs."""
        return ()

    @property
    def rows(self) -> int:
        """The number of rows; where the file does not tell, it is read now."""
        with damaged(self._reader.path):
            told = self._reader.rows()
        return told if told is not None else int(self._unpacked().num_rows)

    def verify(self) -> None:
        """Unpack the file: whatever is damaged shows.

        Raises:
            RunError: it is damaged, or has other rows than it says.
        """
        unpacked = self._unpacked().num_rows
        if unpacked != self.rows:
            raise RunError(
                f"{self._reader.path.name} has {unpacked:,} rows",
                why=f"it says that it has {self.rows:,}",
                hint=HINT,
            )

    def take(self, column: SourceColumn, rows: Rows) -> Raw:
        """Return the values of *column* in *rows*."""
        table = self._unpacked()
        return arrow.take(
            column.name, table.column(table.schema.get_field_index(column.name)), rows
        )

    def close(self) -> None:
        """Let go of the temporary file."""
        self._table, self._mapped = None, None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _unpacked(self) -> Any:
        if self._table is None:
            names = [one.name for one in self.columns if one.name.lower() in self._wanted]
            self._folder = tempfile.TemporaryDirectory(prefix="labdb-catalogue-")
            place = Path(self._folder.name) / "rows.arrow"
            with damaged(self._reader.path):
                _write(place, self._reader.schema, self._reader.batches(names), names)
            self._mapped = pa.memory_map(str(place))
            self._table = pa.ipc.open_file(self._mapped).read_all()
        return self._table


def _write(place: Path, schema: Any, batches: Iterable[Any], names: list[str]) -> None:
    chosen = pa.schema([schema.field(schema.get_field_index(name)) for name in names])
    with pa.ipc.new_file(str(place), chosen) as writer:
        for batch in batches:
            writer.write_batch(batch.cast(chosen))


class damaged:  # noqa: N801 - a context manager, named as it reads
    """Turn what Arrow complains about into an error that names the file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        """Begin to listen."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Raise the error of labdb in place of Arrow's."""
        if isinstance(error, (pa.ArrowException, OSError, UnicodeDecodeError)):
            raise RunError(
                f"{self.path.name} cannot be read",
                why=" ".join(str(error).split()) or type(error).__name__,
                hint=HINT,
            ) from error
