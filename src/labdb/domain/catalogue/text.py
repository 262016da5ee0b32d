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
    ended = np.logical_or.accumulate(letters == 0, axis=1)
    bad = np.zeros(len(values), dtype=np.bool_)
    for row in np.flatnonzero((letters >= _NOT_ASCII).any(axis=1)):
        bad[row] = not _is_utf8(bytes(values[row]))
    return {
        "has a NUL byte": (ended & (letters != 0)).any(axis=1),
        "is not UTF-8": bad,
    }


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
