"""Values of a part's columns, as the table gets them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from labdb.adapters.catalogue.source import Rows, Source
from labdb.domain.catalogue import missing
from labdb.domain.catalogue.kind import Kind
from labdb.domain.catalogue.mapping import Filled
from labdb.domain.catalogue.pgcopy import Cells, Mask
from labdb.domain.catalogue.position import folded
from labdb.domain.catalogue.table import Column, Table

Causes = Mapping[str, Mask]
NOT_IN_FILE = "not in the file"


def cells(source: Source, table: Table, filled: Filled, rows: Rows) -> tuple[Cells, Causes]:
    """Return the cells of a column in *rows*, and which of them are NULL by cause."""
    column = filled.column
    if filled.source is None:
        count = rows.stop - rows.start if isinstance(rows, slice) else len(rows)
        return absent(column, count)
    raw = source.take(filled.source, rows)
    values = raw.values
    if table.position and column.name == table.position[0]:
        values = folded(values)
    if raw.lengths is not None:
        values = _fitted(values, column.length or 0)
    return missing.cells(column, values, raw.nulls)


def lengths(source: Source, filled: Filled, rows: Rows) -> npt.NDArray[np.int64] | None:
    """Return the lengths of arrays in *rows*, where they can differ."""
    return None if filled.source is None else source.take(filled.source, rows).lengths


def _fitted(values: npt.NDArray[Any], width: int) -> npt.NDArray[Any]:
    """Return rows that are *width* wide: shorter ones have NaN at their end."""
    if values.shape[1] >= width:
        return values[:, :width]
    return np.pad(values, ((0, 0), (0, width - values.shape[1])), constant_values=np.nan)


def absent(column: Column, count: int) -> tuple[Cells, Causes]:
    """Return *count* cells without a value."""
    nulls = np.ones(count, dtype=np.bool_)
    shape = (count, column.length) if column.length else (count,)
    values = np.zeros(shape, dtype="S1" if column.kind is Kind.TEXT else "i2")
    return Cells(column.kind, values, nulls, is_vector=column.is_vector), {NOT_IN_FILE: nulls}
