"""HEALPix pixel numbers in the nested scheme (Gorski et al. 2005, ApJ 622, 759, section 4)."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]

EQUATORIAL = 2 / 3
"""The sine of the declination where the polar caps begin."""


def nested(ra: Floats, dec: Floats, nside: int) -> Integers:
    """Return the pixel of each position, in degrees; *nside* is a power of two.

    >>> nested(np.array([45.0, 0.0, 45.0]), np.array([60.0, 0.0, -60.0]), 1).tolist()
    [0, 4, 8]
    """
    height = np.sin(np.radians(dec))
    quarter = np.mod(ra / 90.0, 4.0)
    equatorial = np.abs(height) <= EQUATORIAL
    face = np.empty(len(ra), dtype=np.int64)
    x, y = np.empty_like(face), np.empty_like(face)
    for where, part in ((equatorial, _belt), (~equatorial, _cap)):
        face[where], x[where], y[where] = part(height[where], quarter[where], nside)
    pixel = face * nside * nside
    for bit in range(nside.bit_length() - 1):
        pixel += ((x >> bit) & 1) << (2 * bit)
        pixel += ((y >> bit) & 1) << (2 * bit + 1)
    return pixel


def _belt(height: Floats, quarter: Floats, nside: int) -> tuple[Integers, Integers, Integers]:
    along, across = nside * (0.5 + quarter), nside * 0.75 * height
    rising = np.floor(along - across).astype(np.int64)
    falling = np.floor(along + across).astype(np.int64)
    up, down = rising // nside, falling // nside
    face = np.where(up == down, up % 4 + 4, np.where(up < down, up % 4, down % 4 + 8))
    return face, falling % nside, nside - 1 - rising % nside


def _cap(height: Floats, quarter: Floats, nside: int) -> tuple[Integers, Integers, Integers]:
    number = np.minimum(quarter.astype(np.int64), 3)
    inside = quarter - number
    width = nside * np.sqrt(3 * (1 - np.abs(height)))
    left = np.minimum((inside * width).astype(np.int64), nside - 1)
    right = np.minimum(((1 - inside) * width).astype(np.int64), nside - 1)
    north = height > 0
    return (
        np.where(north, number, number + 8),
        np.where(north, nside - 1 - right, left),
        np.where(north, nside - 1 - left, right),
    )
