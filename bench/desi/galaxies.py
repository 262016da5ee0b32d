"""Galaxies shaped like FastSpecFit's: rows by HEALPix, masses, star formation, bimodal colours.

Figures are those that the lab publishes of its catalogue; the tests state how near we are.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from bench.desi import sky
from bench.desi.pgcopy import Batch

from labdb.domain.catalogue.healpix import Floats, Integers, nested

ROWS = (101838, 1017041, 1358627, 403581, 981600, 301057,
        1347464, 673711, 81734, 66856, 45570, 66848)  # fmt: skip
"""Galaxies in each HEALPix pixel of nside 1, one source file each."""
TARGETIDS = (2_369_000_000_000_000, 43_980_000_000_000_000)
REDSHIFTS = (0.0010, 6.4077)
MASSES = (-12.1, 15.63)
LARGEST_SFR = 76_710.0
INGESTED = 807_667_200_000_000
"""2025-08-05 00:00 UTC in microseconds since 2000, as PostgreSQL counts."""
QUASARS = 0.0008
BAD_FITS = 0.008
"""Share of masses, and of D4000, that no quality cut lets pass."""
TOO_LOW = 0.5
"""Share of those that lies below the good range; the rest lies above it."""
MAIN_SEQUENCE = 1.01
SOURCE_ORDER = 64
"""nside of the pixels in whose order the source files have their rows."""


@dataclass(frozen=True, slots=True)
class Galaxies:
    """The galaxies of one source file."""

    pixel: int
    targetid: Integers
    ra: Floats
    dec: Floats
    z: Floats
    logmstar: Floats
    sfr: Floats
    d4000: Floats
    errors: Floats
    age: Floats
    metallicity: Floats

    def batch(self) -> Batch:
        """Return the rows of ``raw_catalogs.fastspecfit_galaxies``."""
        count = len(self.targetid)
        return {
            "targetid": self.targetid,
            "ra": self.ra,
            "dec": self.dec,
            "z": self.z,
            "z_err": None,  # the lab's loading leaves it empty
            "logmstar": self.logmstar.astype(np.float32),
            "logmstar_err": self.errors.astype(np.float32),
            "sfr": self.sfr.astype(np.float32),
            "sfr_err": (self.sfr * self.errors).astype(np.float32),
            "age_gyr": self.age.astype(np.float32),
            "metallicity": self.metallicity.astype(np.float32),
            "d4000": self.d4000.astype(np.float32),
            "healpix_id": np.full(count, self.pixel, dtype=np.int32),
            "source_file": f"fastspec-iron-main-bright-nside1-hp{self.pixel:02}.fits",
            "ingestion_timestamp": np.full(count, INGESTED, dtype=np.int64),
        }


def generate(seed: int, scale: float) -> Iterator[Galaxies]:
    """Yield the galaxies file by file; *scale* 1 is the whole catalogue of 6,445,927."""
    identities = targetids(seed, scale)
    start = 0
    for pixel, count in enumerate(_counts(scale)):
        rng = np.random.default_rng([seed, pixel])
        yield _file(rng, pixel, identities[start : start + count])
        start += count


def targetids(seed: int, scale: float) -> Integers:
    """Return every galaxy's TARGETID: different numbers over the range, in random order."""
    rng = np.random.default_rng([seed, len(ROWS)])
    count = sum(_counts(scale))
    low, high = TARGETIDS
    step = (high - low) // count
    return low + rng.permutation(count) * step + rng.integers(0, step, count)


def _counts(scale: float) -> list[int]:
    return [max(1, round(rows * scale)) for rows in ROWS]


def _file(rng: np.random.Generator, pixel: int, targetid: Integers) -> Galaxies:
    count = len(targetid)
    places = sky.in_pixel(rng, pixel, count)
    z = _redshifts(rng, places.group)
    mass = _masses(rng, z)
    quenched = rng.random(count) < 1 / (1 + np.exp(-(mass - 9.82) / 0.42))
    sfr = _star_formation(rng, mass, quenched)
    d4000 = np.where(quenched, rng.normal(1.86, 0.11, count), rng.normal(1.32, 0.10, count))
    age = np.where(quenched, rng.normal(8.5, 1.6, count), rng.normal(4.0, 1.5, count))
    _spoil(rng, mass, *MASSES, good=(6, 13))
    _spoil(rng, d4000, 0.0, 9.0, good=(0.5, 5))
    found = Galaxies(
        pixel,
        targetid,
        places.ra,
        places.dec,
        z,
        mass,
        sfr,
        d4000,
        errors=rng.lognormal(-2.8, 0.5, count),
        age=np.clip(age, 0.05, 13.7),
        metallicity=np.clip(rng.normal(0.2 + 0.12 * (mass - 8), 0.25), 0.01, 1.6),
    )
    return _in_source_order(found)


def _redshifts(rng: np.random.Generator, group: Integers) -> Floats:
    """Draw redshifts of the bright survey, a few quasars among them; groups keep together."""
    own = 0.004 + rng.gamma(3.0, 0.073, len(group))
    quasars = rng.random(len(group)) < QUASARS
    own[quasars] = rng.gamma(4.0, 0.5, int(quasars.sum()))
    grouped = group >= 0
    own[grouped] = own[group[grouped]] * rng.normal(1, 0.002, int(grouped.sum()))
    return np.clip(own, *REDSHIFTS)


def _masses(rng: np.random.Generator, z: Floats) -> Floats:
    """Draw stellar masses of a flux-limited survey: what is far must be massive to be seen."""
    depth = np.log10(np.minimum(z, 1.0) / 0.2)
    return np.clip(10.38 + 1.55 * depth + rng.normal(0, 0.44, len(z)), 6.2, 12.8)


def _star_formation(rng: np.random.Generator, mass: Floats, quenched: np.ndarray) -> Floats:
    count = len(mass)
    sequence = MAIN_SEQUENCE * (mass - 10) + 0.3 + rng.normal(0, 0.3, count)
    retired = mass + rng.normal(-12.1, 0.45, count)
    return np.minimum(10.0 ** np.where(quenched, retired, sequence), LARGEST_SFR)


def _spoil(
    rng: np.random.Generator, values: Floats, low: float, high: float, *, good: tuple[float, float]
) -> None:
    """Put a few *values* outside the *good* range, where failed fits end."""
    bad = np.flatnonzero(rng.random(len(values)) < BAD_FITS)
    below = rng.random(len(bad)) < TOO_LOW
    values[bad] = np.where(
        below, rng.uniform(low, good[0], len(bad)), rng.uniform(good[1], high, len(bad))
    )


def _in_source_order(found: Galaxies) -> Galaxies:
    order = np.argsort(nested(found.ra, found.dec, SOURCE_ORDER), kind="stable")
    arrays = {
        name: value[order]
        for name in found.__slots__
        if isinstance(value := getattr(found, name), np.ndarray)
    }
    return Galaxies(pixel=found.pixel, **arrays)
