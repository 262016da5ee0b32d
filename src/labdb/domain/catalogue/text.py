"""Text that PostgreSQL does not take: a NUL byte inside, or bytes that are not UTF-8."""

from typing import Any

import numpy as np
import numpy.typing as npt

from labdb.domain.catalogue.pgcopy import Mask

_NOT_ASCII = 0x80


def not_text(values: npt.NDArray[Any]) -> dict[str, Mask]:
    """Return which of *values*, bytes, are no text, by reason."""
    width = values.dtype.itemsize
    letters = np.ascontiguousarray(values).view(np.uint8).reshape(len(values), width)
    nul = letters == 0
    bad = np.zeros(len(values), dtype=np.bool_)
    high = letters >= _NOT_ASCII
    if high.any():
        for row in np.flatnonzero(high.any(axis=1)):
            bad[row] = not _is_utf8(bytes(values[row]))
    return {
        "has a NUL byte": (nul[:, :-1] & ~nul[:, 1:]).any(axis=1),
        "is not UTF-8": bad,
    }


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
