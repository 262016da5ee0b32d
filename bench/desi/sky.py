"""Where the survey looks: DESI's declinations, away from the plane of the Galaxy."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from labdb.domain.catalogue.healpix import Floats, Integers, nested

Booleans = npt.NDArray[np.bool_]
SOUTH, NORTH = -19.46, 79.27
"""Declinations of the catalogue."""
GALACTIC_PLANE = 20.0
"""Degrees on both sides of the plane that the survey leaves out."""
POLE_RA, POLE_DEC = np.radians(192.85948), np.radians(27.12825)
GROUPED = 0.5
"""Share of the galaxies that lie in groups."""
MEMBERS = 20
BELT = range(4, 8)
"""The base pixels around the equator; they begin half a pixel west of the polar ones."""
GROUP_SIZE = 0.03


@dataclass(frozen=True, slots=True)
class Positions:
    """Sky positions in degrees; *group* is a number for each group, -1 outside any."""

    ra: Floats
    dec: Floats
    group: Integers


def galactic_latitude(ra: Floats, dec: Floats) -> Floats:
    """Return the galactic latitude of each position (IAU 1958 pole, J2000)."""
    alpha, delta = np.radians(ra) - POLE_RA, np.radians(dec)
    sine = np.sin(delta) * np.sin(POLE_DEC) + np.cos(delta) * np.cos(POLE_DEC) * np.cos(alpha)
    latitude: Floats = np.degrees(np.arcsin(sine))
    return latitude


def in_footprint(ra: Floats, dec: Floats) -> Booleans:
    """Tell which positions the survey covers."""
    seen = (dec >= SOUTH) & (dec <= NORTH)
    covered: Booleans = seen & (np.abs(galactic_latitude(ra, dec)) > GALACTIC_PLANE)
    return covered


def in_pixel(rng: np.random.Generator, pixel: int, count: int) -> Positions:
    """Draw *count* positions in the footprint and the nside-1 *pixel*, half of them in groups."""

    def inside(ra: Floats, dec: Floats) -> Booleans:
        chosen: Booleans = (nested(ra, dec, 1) == pixel) & in_footprint(ra, dec)
        return chosen

    west = 90.0 * (pixel % 4) - (45.0 if pixel in BELT else 0.0)
    ra, dec = _uniform(rng, count, inside, west=west)
    group = np.full(count, -1, dtype=np.int64)
    grouped = int(count * GROUPED)
    number = rng.integers(0, max(1, grouped // MEMBERS), grouped)
    # The first positions are the groups' centres: a member lies beside one of them.
    near_dec = dec[number] + rng.normal(0, GROUP_SIZE, grouped)
    stretch = np.cos(np.radians(near_dec))
    near_ra = (ra[number] + rng.normal(0, GROUP_SIZE, grouped) / stretch) % 360
    kept = np.flatnonzero(inside(near_ra, near_dec))
    ra[-grouped:][kept], dec[-grouped:][kept] = near_ra[kept], near_dec[kept]
    group[-grouped:][kept] = number[kept]
    return Positions(ra, dec, group)


def in_cap(rng: np.random.Generator, count: int, *, north: bool) -> tuple[Floats, Floats]:
    """Draw *count* positions in the footprint on one side of the Galaxy."""

    def inside(ra: Floats, dec: Floats) -> Booleans:
        chosen: Booleans = in_footprint(ra, dec) & ((galactic_latitude(ra, dec) > 0) == north)
        return chosen

    return _uniform(rng, count, inside, west=0, width=360)


def _uniform(
    rng: np.random.Generator,
    count: int,
    inside: Callable[[Floats, Floats], Booleans],
    *,
    west: float,
    width: float = 90.0,
) -> tuple[Floats, Floats]:
    """Draw positions uniform on the sphere, those that are *inside*."""
    low, high = np.sin(np.radians([SOUTH, NORTH]))
    found: list[Floats] = []
    missing = count
    while missing > 0:
        tried = 4 * missing + 1000
        ra = (west + width * rng.random(tried)) % 360
        dec = np.degrees(np.arcsin(rng.uniform(low, high, tried)))
        kept = np.flatnonzero(inside(ra, dec))[:missing]
        found.append(np.stack([ra[kept], dec[kept]]))
        missing -= len(kept)
    ra, dec = np.concatenate(found, axis=1)
    return ra, dec
