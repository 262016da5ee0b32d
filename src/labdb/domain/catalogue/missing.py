"""Which values of a source are none: those that the file says, NaN, infinities, sentinels, blanks.

All become NULL, and each is counted by its cause. Elements of arrays stay as they are.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from labdb.domain.catalogue.kind import Kind
from labdb.domain.catalogue.pgcopy import Cells, Mask, text
from labdb.domain.catalogue.table import Column


def cells(
    column: Column, values: npt.NDArray[Any], said: Mapping[str, Mask]
) -> tuple[Cells, dict[str, Mask]]:
    """Return *values* as cells of *column*, and which of them are NULL by cause.

    *said* is what the file itself calls missing, by cause. A value counts for the first cause.
    """
    causes = dict(said)
    if values.ndim == 1:
        causes |= _found(column, values)
    nulls: Mask | None = None
    counted: dict[str, Mask] = {}
    for cause, mask in causes.items():
        fresh = mask if nulls is None else mask & ~nulls
        if fresh.any():
            counted[cause] = fresh
            nulls = fresh if nulls is None else nulls | fresh
    if column.kind is Kind.TEXT:
        return text(values, nulls), counted
    return Cells(column.kind, values, nulls, is_vector=column.is_vector), counted


def _found(column: Column, values: npt.NDArray[Any]) -> dict[str, Mask]:
    found: dict[str, Mask] = {}
    if values.dtype.kind == "f":
        finite = np.isfinite(values)
        if not finite.all():
            nan = np.isnan(values)
            found["NaN"] = nan
            found["infinite"] = ~finite & ~nan
    if column.kind is Kind.TEXT:
        found["blank"] = values == b""
    for sentinel in column.sentinels:
        wanted = sentinel.encode() if isinstance(sentinel, str) else sentinel
        if isinstance(wanted, bytes) == (values.dtype.kind == "S"):
            found[f"sentinel {sentinel:g}" if isinstance(sentinel, float) else
                  f"sentinel {sentinel}"] = _equal(values, wanted)  # fmt: skip
    return found


def _equal(values: npt.NDArray[Any], sentinel: float | bytes) -> Mask:
    """Tell which of *values* are *sentinel*, as the values' own type has it: -999.9 in real."""
    wanted = values.dtype.type(sentinel) if values.dtype.kind == "f" else sentinel
    equal: Mask = values == wanted
    return equal
