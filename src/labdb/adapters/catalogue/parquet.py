"""Parquet files as a source."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from labdb.adapters.catalogue.spool import Reader, damaged

BATCH = 1 << 16


class ParquetReader(Reader):
    """A Parquet file: it tells types and rows without being read."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        with damaged(path):
            self._file = pq.ParquetFile(path, page_checksum_verification=True)
            self._schema = self._file.schema_arrow

    @property
    def schema(self) -> Any:
        """The Arrow schema of all columns."""
        return self._schema

    def rows(self) -> int:
        """Return the number of rows."""
        return int(self._file.metadata.num_rows)

    def batches(self, names: list[str]) -> Iterable[Any]:
        """Yield the rows of the columns *names*."""
        batches: Iterable[Any] = self._file.iter_batches(batch_size=BATCH, columns=names)
        return batches
