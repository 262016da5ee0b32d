"""CSV and ECSV files as a source: values are read as the types that the model wants.

ECSV is CSV after comment lines with YAML, which tells units (astropy's APE 6).
"""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import yaml

from labdb.adapters.catalogue.spool import HINT, Reader, damaged
from labdb.domain.catalogue.kind import Kind
from labdb.domain.catalogue.table import Table
from labdb.errors import RunError

BLOCK = 4 << 20
MISSING = ["", "NaN", "nan", "NULL", "null", "None", "N/A", "--"]
"""What stands for no value."""
_TYPES = {
    Kind.BOOLEAN: pa.bool_(),
    Kind.SHORT: pa.int16(),
    Kind.INT: pa.int32(),
    Kind.LONG: pa.int64(),
    Kind.FLOAT: pa.float32(),
    Kind.DOUBLE: pa.float64(),
    Kind.TEXT: pa.string(),
    Kind.TIMESTAMP: pa.timestamp("us", "UTC"),
}


class DelimitedReader(Reader):
    """A file of values between commas, or what its ECSV header says instead."""

    def __init__(self, path: Path, table: Table) -> None:
        super().__init__(path)
        with damaged(path):
            self._skip, self._delimiter, self.units = _head(path)
            self._names = self._columns()
        wanted = {name: one for one in table.from_source for name in one.names}
        self._types = {
            name: _TYPES[wanted[name.lower()].kind]
            for name in self._names
            if name.lower() in wanted and not wanted[name.lower()].length
        }

    @property
    def schema(self) -> Any:
        """The Arrow schema: what the model does not want is text."""
        return pa.schema([(name, self._types.get(name, pa.string())) for name in self._names])

    def batches(self, names: list[str]) -> Iterable[Any]:
        """Yield the rows of the columns *names*."""
        reader = pa_csv.open_csv(
            self.path,
            read_options=pa_csv.ReadOptions(
                skip_rows=self._skip + 1, column_names=self._names, block_size=BLOCK,
                use_threads=False,
            ),
            parse_options=pa_csv.ParseOptions(delimiter=self._delimiter, newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(
                column_types=self._types, include_columns=names, null_values=MISSING,
                strings_can_be_null=True,
            ),
        )  # fmt: skip
        batches: Iterable[Any] = reader
        return batches

    def _columns(self) -> list[str]:
        with self.path.open(encoding="utf-8", newline="") as file:
            for _ in range(self._skip):
                file.readline()
            names = next(csv.reader(file, delimiter=self._delimiter), [])
        if not names or len(set(names)) != len(names):
            raise RunError(
                f"{self.path.name} has no line of column names, or one name twice",
                why=", ".join(names)[:200],
                hint=HINT,
            )
        return names


def _head(path: Path) -> tuple[int, str, dict[str, str]]:
    """Return the number of comment lines, the delimiter, and units by column."""
    comments: list[str] = []
    with path.open(encoding="utf-8") as file:
        for line in file:
            if not line.startswith("#"):
                break
            comments.append(line[1:].removeprefix(" ").rstrip("\n"))
    if not comments or not comments[0].startswith("%ECSV"):
        return len(comments), ",", {}
    try:
        header = yaml.safe_load("\n".join(comments[1:])) or {}
        units = {one["name"]: str(one.get("unit", "")) for one in header["datatype"]}
        return len(comments), str(header.get("delimiter", " ")), units
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise RunError(
            f"the ECSV header of {path.name} cannot be read",
            why=" ".join(str(error).split()),
            hint=HINT,
        ) from error
