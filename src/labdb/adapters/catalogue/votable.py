"""VOTable files as a source. The first table is read whole: archives answer with small ones."""

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from astropy.io import votable

from labdb.adapters.catalogue.spool import HINT, Reader
from labdb.errors import RunError


class VotableReader(Reader):
    """The first table of a VOTable file."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                table = votable.parse_single_table(path)
        except Exception as error:  # the parser raises whatever its parts raise
            raise RunError(
                f"{path.name} is no VOTable, or a damaged one",
                why=" ".join(str(error).split()) or type(error).__name__,
                hint=HINT,
            ) from error
        self.units = {field.name: str(field.unit or "") for field in table.fields}
        names = [field.name for field in table.fields]
        arrays = [_array(table.array[field.ID]) for field in table.fields]
        self._table = pa.table(dict(zip(names, arrays, strict=True)))

    @property
    def schema(self) -> Any:
        """The Arrow schema of all columns."""
        return self._table.schema

    def rows(self) -> int:
        """Return the number of rows."""
        return int(self._table.num_rows)

    def batches(self, names: list[str]) -> Iterable[Any]:
        """Yield the rows of the columns *names*."""
        batches: Iterable[Any] = self._table.select(names).to_batches()
        return batches


def _array(values: Any) -> Any:
    mask = np.ma.getmaskarray(values)
    data = np.asarray(values.data if isinstance(values, np.ma.MaskedArray) else values)
    if data.dtype.kind == "O":
        texts = [
            None if hidden or isinstance(one, np.ndarray) else str(one)
            for one, hidden in zip(data, mask, strict=True)
        ]
        return pa.array(texts, pa.string())
    if data.dtype.kind == "S":
        data = np.char.decode(data, "utf-8", "replace")
    if data.ndim > 1:
        flat = pa.array(np.ascontiguousarray(data.reshape(-1)).astype(data.dtype.newbyteorder("=")))
        return pa.FixedSizeListArray.from_arrays(flat, int(data[0].size) if len(data) else 1)
    return pa.array(data.astype(data.dtype.newbyteorder("=")), mask=mask)
