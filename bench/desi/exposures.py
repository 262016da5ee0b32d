"""The survey as a time series: exposures night by night, and the frames of its cameras."""

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
from bench.desi.pgcopy import Batch

FIRST, LAST = date(2021, 5, 14), date(2022, 6, 13)
"""Nights of the main survey in data release 1."""
SHUTDOWN = (date(2021, 7, 10), date(2021, 9, 19))
MJD_OF_ORDINAL = 678_576
"""The ordinal number of 1858-11-17, day zero of the modified Julian date."""
PROGRAMS = ("BRIGHT", "DARK", "BACKUP")
SHARES = (9, 14, 2)
"""Exposures of each program in a night at scale 1."""
FIRST_EXPOSURE = 88_000
PETALS = 10
CAMERAS = ("b", "r", "z")


def generate(seed: int, scale: float) -> Iterator[Batch]:
    """Yield the rows of ``raw_catalogs.exposures``, night by night and program by program."""
    expid = FIRST_EXPOSURE
    for night in nights():
        rng = np.random.default_rng([seed, 600, night.toordinal()])
        start = night.toordinal() - MJD_OF_ORDINAL + 1.05  # dusk at Kitt Peak, in UTC
        for program, share in zip(PROGRAMS, SHARES, strict=True):
            count = max(1, round(share * scale * rng.uniform(0.5, 1.5)))
            length = rng.uniform(300, 1500, count)
            mjd = start + np.cumsum(length + 120) / 86_400
            transparency = np.clip(rng.normal(0.9, 0.15, count), 0.05, 1.1)
            seeing = rng.lognormal(0.1, 0.25, count)
            yield {
                "night": np.full(count, _number(night), dtype=np.int32),
                "expid": np.arange(expid, expid + count, dtype=np.int32),
                "tileid": rng.integers(20_000, 42_000, count).astype(np.int32),
                "program": program,
                "mjd": mjd,
                "exptime": length.astype(np.float32),
                "efftime": (length * transparency**2 / seeing).astype(np.float32),
                "airmass": rng.uniform(1.0, 1.9, count).astype(np.float32),
                "seeing": seeing.astype(np.float32),
                "transparency": transparency.astype(np.float32),
                "tilera": rng.uniform(0, 360, count),
                "tiledec": rng.uniform(-19, 79, count),
            }
            expid += count
            start = float(mjd[-1])


def frames(exposures: Batch, seed: int) -> Iterator[Batch]:
    """Yield the rows of ``raw_catalogs.frames``: each camera of each petal of *exposures*."""
    expid, mjd, efftime = (np.asarray(exposures[name]) for name in ("expid", "mjd", "efftime"))
    rng = np.random.default_rng([seed, 700, int(expid[0])])
    each = PETALS * len(CAMERAS)
    count = len(expid) * each
    yield {
        "night": np.repeat(np.asarray(exposures["night"]), each),
        "expid": np.repeat(expid, each),
        "petal": np.tile(np.repeat(np.arange(PETALS, dtype=np.int16), len(CAMERAS)), len(expid)),
        "camera": np.tile(np.array(CAMERAS), len(expid) * PETALS),
        "mjd": np.repeat(mjd, each),
        "efftime": np.repeat(efftime, each) * rng.normal(1, 0.05, count).astype(np.float32),
        "median_snr": rng.lognormal(0.5, 0.6, count).astype(np.float32),
        "sky_mag": rng.normal(20.8, 0.4, count).astype(np.float32),
    }


def nights() -> Iterator[date]:
    """Yield the nights of the survey; the summer shutdown is left out."""
    night = FIRST
    while night <= LAST:
        if not SHUTDOWN[0] <= night <= SHUTDOWN[1]:
            yield night
        night += timedelta(days=1)


def _number(night: date) -> int:
    return night.year * 10_000 + night.month * 100 + night.day
