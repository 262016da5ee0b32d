"""Random positions with everything that is special on a sphere among them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

CASES = 10_000


@dataclass(frozen=True, slots=True)
class Positions:
    """Right ascensions, 0 to below 360, and declinations, in degrees."""

    ra: Any
    dec: Any

    def vectors(self) -> Any:
        """Unit vectors, one in each row."""
        ra, dec = np.radians(self.ra), np.radians(self.dec)
        return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)


def positions(count: int, seed: int) -> Positions:
    """Return *count* positions, poles and the meridian 0 with their neighbourhood among them."""
    rng = np.random.default_rng(seed)
    ra = rng.uniform(0, 360, count)
    dec = np.degrees(np.arcsin(rng.uniform(-1, 1, count)))
    part = count // 20
    dec[:part] = 90
    dec[part : 2 * part] = -90
    dec[2 * part : 3 * part] = rng.choice([-90, 90], part) * (1 - 10 ** rng.uniform(-14, 0, part))
    ra[3 * part : 4 * part] = 0
    ra[4 * part : 5 * part] = 360 - 10 ** rng.uniform(-12, 0, part)
    ra[5 * part : 6 * part] = 10 ** rng.uniform(-12, 0, part)
    ra[6 * part : 7 * part] = rng.choice([0, 45, 90, 135, 180, 270], part)
    dec[7 * part : 8 * part] = 0
    order = rng.permutation(count)
    return Positions(np.minimum(ra, np.nextafter(360, 0))[order], dec[order])


def separations(one: Positions, other: Positions) -> Any:
    """Return the angle of each of *one* (rows) to each of *other* (columns), in degrees.

    Half of it is the arc sine of half the chord, or the arc cosine of that to the antipode: each
    is exact where the other is not.
    """
    near = one.vectors()[:, None, :] - other.vectors()[None, :, :]
    far = one.vectors()[:, None, :] + other.vectors()[None, :, :]
    return np.degrees(2 * np.arctan2(np.linalg.norm(near, axis=2), np.linalg.norm(far, axis=2)))
