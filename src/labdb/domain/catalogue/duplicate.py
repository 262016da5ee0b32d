"""Find keys that come twice among millions of rows: by a number of 64 bits for each key first.

Equal keys have equal numbers, and few others have; what shares a number is then compared itself.
A key of one integer is its own number.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.uint64]
_ODD = np.uint64(0x9E3779B97F4A7C15)
"""2^64 divided by the golden ratio: Knuth, The Art of Computer Programming 3, section 6.4."""


def numbers(columns: Sequence[npt.NDArray[Any]]) -> Numbers:
    """Return a number for the key in each row of *columns*: integers, floats or bytes."""
    if len(columns) == 1 and columns[0].dtype.kind in "iu":
        return columns[0].astype(np.int64).view(np.uint64)
    total = np.zeros(len(columns[0]), dtype=np.uint64)
    with np.errstate(over="ignore"):
        for place, column in enumerate(columns):
            for depth, word in enumerate(_words(column)):
                mixed = (word ^ (word >> np.uint64(29))) * (
                    _ODD + np.uint64(2 * (97 * place + depth))
                )
                total += mixed ^ (mixed >> np.uint64(32))
        total *= _ODD
    return total


def _words(column: npt.NDArray[Any]) -> list[Numbers]:
    """Return *column* as words of 64 bits; NUL bytes at the end of a text make no difference."""
    if column.dtype.kind == "S":
        width = -(-column.dtype.itemsize // 8) * 8
        padded = np.ascontiguousarray(column.astype(f"S{width}"))
        words = padded.view(np.uint64).reshape(len(column), width // 8)
        return [words[:, place] for place in range(width // 8)]
    if column.dtype.kind == "f":
        return [(column.astype(np.float64) + 0.0).view(np.uint64)]
    return [column.astype(np.int64).view(np.uint64)]


def share(found: Numbers, number: int, shares: int) -> npt.NDArray[np.bool_]:
    """Return which of *found* belong to share *number* of *shares*: equal ones to the same."""
    with np.errstate(over="ignore"):
        mixed = (found * _ODD) >> np.uint64(40)
    belong: npt.NDArray[np.bool_] = mixed % np.uint64(shares) == np.uint64(number)
    return belong


def repeated(found: Numbers) -> Numbers:
    """Return the numbers that come more than once; *found* is sorted in its place."""
    found.sort()
    return np.unique(found[1:][found[1:] == found[:-1]])
