"""Files of exposures, a few a night: a time series of any nights."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from bench.desi import fits
from tests.catalogue import Desi

SURVEY, PROGRAM = b"main", b"dark"
TABLE = "raw_catalogs.exposures"
PART = "raw_catalogs.exposures_20210000"
YEARS = (20201231, 20210101, 20211231, 20220415)


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


def of_partitions(desi: Desi) -> dict[str, int]:
    """Return the rows that each partition has, as the table sees them."""
    return dict(desi.ask(f"SELECT tableoid::regclass::text, count(*) FROM {TABLE} GROUP BY 1"))
