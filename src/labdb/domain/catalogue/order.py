"""In which order rows are written: neighbours on the sky next to each other on disk.

A cone then reads few pages. The order is that of small HEALPix pixels in the nested scheme,
where near numbers are near places; it needs no extension in the database.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from labdb.domain.catalogue.healpix import nested
from labdb.domain.catalogue.position import off_the_sky

NSIDE = 8192
"""Pixels of 26 arcseconds; their numbers fit into 32 bits."""
WINDOW = 1 << 23
"""Rows that are sorted at a time: more would take too much memory."""

Pixels = npt.NDArray[np.uint32]


def pixels(ra: npt.NDArray[Any], dec: npt.NDArray[Any]) -> Pixels:
    """Return the pixel of each position, in degrees; of what is no position, any."""
    bad = np.logical_or.reduce(list(off_the_sky(ra, dec).values()))
    right, declination = (np.where(bad, 0, one).astype(np.float64) for one in (ra, dec))
    return nested(right, declination, NSIDE).astype(np.uint32)


def permutation(keys: Sequence[npt.NDArray[Any]]) -> npt.NDArray[np.int64] | None:
    """Return the order of rows by *keys*, the first counts most; None where they have it already.

    Rows with equal keys keep their order.
    """
    if not keys or _sorted(keys):
        return None
    found: npt.NDArray[np.int64] = (
        np.argsort(keys[0], kind="stable") if len(keys) == 1 else np.lexsort(list(reversed(keys)))
    )
    return found


def _sorted(keys: Sequence[npt.NDArray[Any]]) -> bool:
    """Tell whether rows are in the order of *keys* already."""
    undecided = np.ones(max(len(keys[0]) - 1, 0), dtype=np.bool_)
    for key in keys:
        before, after = key[:-1], key[1:]
        if (undecided & (before > after)).any():
            return False
        undecided &= before == after
    return True
