"""Voids shaped like DESIVAST's: four algorithms, two caps, radii with the published moments."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from bench.desi import cosmology, sky
from bench.desi.pgcopy import Batch

from labdb.domain.catalogue.healpix import Floats, Integers

INGESTED = 807_667_200_000_000
NEAREST, FARTHEST = 0.03, 0.24
"""Redshifts of the volume-limited sample that voids are found in."""
CAPS = ("NGC", "SGC")
STEPS = 200
"""Halvings of the bisection: more than a double has digits."""


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A void finder: its voids in each cap, and its radii in Mpc/h."""

    name: str
    counts: tuple[int, int]
    mean: float
    median: float
    deviation: float
    file: str
    has_redshift: bool = True


ALGORITHMS = (
    Algorithm("REVOLVER", (1692, 300), 17.24, 15.88, 5.68, "V2_REVOLVER"),
    Algorithm("VIDE", (1258, 220), 17.25, 15.38, 6.63, "V2_VIDE"),
    Algorithm("VoidFinder", (3241, 524), 12.60, 11.93, 2.28, "VoidFinder", has_redshift=False),
    Algorithm("ZOBOV", (2950, 569), 13.72, 11.50, 12.00, "V2_ZOBOV"),
)
ZONES = (2950, 569)
"""Zones of the tessellation in each cap: the voids of ZOBOV, before any is pruned."""


@dataclass(frozen=True, slots=True)
class Voids:
    """The voids of one algorithm in one cap; *xyz* are rows in Mpc/h."""

    algorithm: Algorithm
    cap: str
    void: Integers
    ra: Floats
    dec: Floats
    redshift: Floats
    xyz: Floats
    radius: Floats
    edge: Integers

    def batch(self) -> Batch:
        """Return the rows of ``raw_catalogs.desivast_voids``, its serial key left out."""
        x, y, z = self.xyz
        known = self.algorithm.has_redshift
        return {
            "algorithm": self.algorithm.name,
            "original_void_index": self.void,
            "ra": self.ra,
            "dec": self.dec,
            "redshift": self.redshift if known else None,
            "x_mpc_h": x,
            "y_mpc_h": y,
            "z_mpc_h": z,
            "radius_mpc_h": self.radius,
            "edge_flag": None if known else self.edge.astype(np.int32),
            "galactic_cap": self.cap,
            "source_file": f"DESIVAST_BGS_VOLLIM_{self.algorithm.file}_{self.cap}.fits",
            "ingestion_timestamp": np.full(len(self.void), INGESTED, dtype=np.int64),
        }


def generate(seed: int, scale: float) -> Iterator[Voids]:
    """Yield the voids of each algorithm in each cap; at *scale* 1 they are 10,754.

    REVOLVER and VIDE keep some of the zones that are ZOBOV's voids; VoidFinder finds its own.
    """
    for number, algorithm in enumerate(ALGORITHMS):
        counts = [scaled(count, scale) for count in algorithm.counts]
        rng = np.random.default_rng([seed, 100 + number])
        radii = rng.permutation(_radii(algorithm, sum(counts)))
        for cap, part in zip(CAPS, np.split(radii, counts[:1]), strict=True):
            if algorithm.has_redshift:
                zones = np.stack(zone_centres(seed, scale, cap))
                kept = np.sort(rng.permutation(zones.shape[1])[: len(part)])
                yield _piece(rng, algorithm, cap, zones[:, kept], part)
            else:
                yield _piece(rng, algorithm, cap, np.stack(_centres(rng, cap, len(part))), part)


def scaled(count: int, scale: float) -> int:
    """Return *count* at *scale*, at least one."""
    return max(1, round(count * scale))


def zone_centres(seed: int, scale: float, cap: str) -> tuple[Floats, Floats, Floats]:
    """Return ra, dec and redshift of the centres of all zones in *cap*."""
    number = CAPS.index(cap)
    rng = np.random.default_rng([seed, 200 + number])
    return _centres(rng, cap, scaled(ZONES[number], scale))


def _centres(rng: np.random.Generator, cap: str, count: int) -> tuple[Floats, Floats, Floats]:
    ra, dec = sky.in_cap(rng, count, north=cap == "NGC")
    return ra, dec, _depths(rng, count)


def _depths(rng: np.random.Generator, count: int) -> Floats:
    """Draw redshifts uniform in comoving volume."""
    low, high = cosmology.distance(np.array([NEAREST, FARTHEST])) ** 3
    return cosmology.redshift(rng.uniform(low, high, count) ** (1 / 3))


def _piece(
    rng: np.random.Generator, algorithm: Algorithm, cap: str, centres: Floats, radii: Floats
) -> Voids:
    ra, dec, redshift = centres
    return Voids(
        algorithm,
        cap,
        np.arange(len(radii), dtype=np.int64),
        ra,
        dec,
        redshift,
        cosmology.cartesian(ra, dec, cosmology.distance(redshift)),
        radii,
        rng.choice(3, len(radii), p=[0.6, 0.3, 0.1]),
    )


def _radii(algorithm: Algorithm, count: int) -> Floats:
    """Return *count* radii of a shifted log-normal law with the mean, median and deviation.

    Taken at equal steps of probability, so that few voids have the moments of many.
    """
    spread = _spread(algorithm)
    scale = (algorithm.mean - algorithm.median) / (np.exp(spread**2 / 2) - 1)
    normal = NormalDist()
    steps = np.array([normal.inv_cdf((step + 0.5) / count) for step in range(count)])
    radii: Floats = algorithm.median - scale + scale * np.exp(spread * steps)
    return radii


def _spread(algorithm: Algorithm) -> float:
    """Return the width of the log-normal law, found by bisection.

    With q = exp(width^2 / 2), deviation / (mean - median) = q sqrt((q + 1) / (q - 1)).
    This has two solutions where it has any: the one that keeps every radius above zero.
    """
    wanted = algorithm.deviation / (algorithm.mean - algorithm.median)
    golden = (1 + 5**0.5) / 2  # where the ratio is least
    for far in (1 + 1e-6, 60.0):
        near, beyond = golden, far
        for _ in range(STEPS):
            middle = (near + beyond) / 2
            ratio = middle * ((middle + 1) / (middle - 1)) ** 0.5
            near, beyond = (near, middle) if ratio > wanted else (middle, beyond)
        smallest = algorithm.median - (algorithm.mean - algorithm.median) / (near - 1)
        if smallest > 0:
            return float(np.sqrt(2 * np.log(near)))
    raise ValueError(f"no law with positive radii has the moments of {algorithm.name}")
