"""Values of a part's columns, as the table gets them."""

from collections.abc import Mapping

import numpy as np

from labdb.adapters.catalogue.source import Rows, Source
from labdb.domain.catalogue import missing
from labdb.domain.catalogue.kind import Kind
from labdb.domain.catalogue.mapping import Filled
from labdb.domain.catalogue.pgcopy import Cells, Mask
from labdb.domain.catalogue.position import folded
from labdb.domain.catalogue.table import Table

Causes = Mapping[str, Mask]
NOT_IN_FILE = "not in the file"


def cells(source: Source, table: Table, filled: Filled, rows: Rows) -> tuple[Cells, Causes]:
    """Return the cells of a column in *rows*, and which of them are NULL by cause."""
    column = filled.column
    if filled.source is None:
        count = rows.stop - rows.start if isinstance(rows, slice) else len(rows)
        return absent(column.kind, column.length, count)
    raw = source.take(filled.source, rows)
    values = raw.values
    if table.position and column.name == table.position[0]:
        values = folded(values)
    return missing.cells(column, values, raw.nulls)


def absent(kind: Kind, length: int | None, count: int) -> tuple[Cells, Causes]:
    """Return *count* cells without a value."""
    nulls = np.ones(count, dtype=np.bool_)
    shape = (count, length) if length else (count,)
    values = np.zeros(shape, dtype="S1" if kind is Kind.TEXT else "i2")
    return Cells(kind, values, nulls), {NOT_IN_FILE: nulls}
