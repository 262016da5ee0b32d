"""Files of exposures, a few a night: a time series of any nights."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from bench.desi import fits

SURVEY, PROGRAM = b"main", b"dark"


def exposures(path: Path, nights: Sequence[int], each: int = 3, first: int = 1) -> Path:
    """Write *each* exposures of every night, numbered from *first*."""
    night = np.repeat(np.asarray(nights, dtype="i4"), each)
    count = len(night)
    rng = np.random.default_rng(first)
    columns = {
        "NIGHT": night,
        "EXPID": np.arange(first, first + count, dtype="i4"),
        "TILEID": rng.integers(20_000, 42_000, count).astype("i4"),
        "TILERA": rng.uniform(0, 360, count),
        "TILEDEC": rng.uniform(-19, 79, count),
        "MJD": 59_000 + np.arange(count) * 0.01,
        "SURVEY": np.full(count, SURVEY, dtype="S7"),
        "PROGRAM": np.full(count, PROGRAM, dtype="S6"),
        **{
            name: rng.uniform(1, 2, count)
            for name in ("EXPTIME", "EFFTIME_SPEC", "GOALTIME", "SEEING_ETC", "SEEING_GFA",
                         "TRANSPARENCY_GFA", "SKY_MAG_R_SPEC")
        },
        **{name: rng.uniform(1, 2, count).astype("f4") for name in ("AIRMASS", "EBV")},
    }  # fmt: skip
    return fits.save(path, [fits.hdu("EXPOSURES", columns, {})])
