"""Comoving distance in a flat universe: matter 0.3 (the lab's convention), Mpc/h."""

import numpy as np

from labdb.domain.catalogue.healpix import Floats

MATTER = 0.3
HUBBLE_DISTANCE = 2997.92458
"""c / (100 km/s/Mpc): distances come out in Mpc/h."""
_REDSHIFTS = np.concatenate([np.linspace(0, 1, 4001), np.linspace(1, 7, 2001)[1:]])
_RATE = 1 / np.sqrt(MATTER * (1 + _REDSHIFTS) ** 3 + 1 - MATTER)
_DISTANCES = HUBBLE_DISTANCE * np.concatenate(
    [[0.0], np.cumsum((_RATE[1:] + _RATE[:-1]) / 2 * np.diff(_REDSHIFTS))]
)


def distance(redshift: Floats) -> Floats:
    """Return the comoving distance of each *redshift* up to 7."""
    distances: Floats = np.interp(redshift, _REDSHIFTS, _DISTANCES)
    return distances


def redshift(comoving: Floats) -> Floats:
    """Return the redshift at each *comoving* distance."""
    redshifts: Floats = np.interp(comoving, _DISTANCES, _REDSHIFTS)
    return redshifts


def cartesian(ra: Floats, dec: Floats, radius: Floats) -> Floats:
    """Return x, y and z as rows of one array."""
    alpha, delta = np.radians(ra), np.radians(dec)
    flat = radius * np.cos(delta)
    rows: Floats = np.stack([flat * np.cos(alpha), flat * np.sin(alpha), radius * np.sin(delta)])
    return rows
