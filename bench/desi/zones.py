"""Which galaxy lies in which void: GALZONE leads to ZONEVOID, and that to VOIDS."""

from collections.abc import Iterator

import numpy as np
from bench.desi import cosmology, sky, voids
from bench.desi.galaxies import Galaxies
from bench.desi.pgcopy import Batch

from labdb.domain.catalogue.healpix import Floats, Integers

GALAXIES = (604_032, 90_610)
"""Galaxies of the volume-limited sample in each cap; every V2 algorithm lists all of them."""
LIST = ("REVOLVER", "VIDE", "ZOBOV")
NOWHERE = -1
SEEN_EVERYWHERE = 9.0
"""Mass above which a galaxy is bright enough to be seen at the sample's far end."""
AT_EDGE, OUTSIDE = 0.12, 0.03
"""Share of the galaxies whose cell touches the survey's edge, and of those beyond it."""
MERGED = 0.3
"""Share of the pruned zones that are merged into a void; the others are in none."""
CHUNK = 4096


class VolumeLimited:
    """The galaxies near enough for the voids, gathered while the catalogue is written."""

    def __init__(self) -> None:
        self._found: list[tuple[Integers, Floats]] = []

    def add(self, galaxies: Galaxies) -> None:
        """Keep those of *galaxies* that lie where voids are looked for."""
        near = np.flatnonzero(
            (galaxies.z > voids.NEAREST)
            & (galaxies.z < voids.FARTHEST)
            & (galaxies.logmstar > SEEN_EVERYWHERE)
        )
        places = np.stack([galaxies.ra[near], galaxies.dec[near], galaxies.z[near]])
        self._found.append((galaxies.targetid[near], places))

    def choose(self, seed: int, scale: float, cap: str) -> tuple[Integers, Floats]:
        """Return TARGETIDs and positions (ra, dec, redshift) of the sample in *cap*."""
        targets = np.concatenate([target for target, _ in self._found])
        places = np.concatenate([place for _, place in self._found], axis=1)
        north = sky.galactic_latitude(places[0], places[1]) > 0
        inside = np.flatnonzero(north == (cap == "NGC"))
        number = voids.CAPS.index(cap)
        rng = np.random.default_rng([seed, 300 + number])
        count = min(voids.scaled(GALAXIES[number], scale), len(inside))
        chosen = np.sort(rng.choice(inside, count, replace=False))
        return targets[chosen], places[:, chosen]


def galaxy_zones(sample: VolumeLimited, seed: int, scale: float) -> Iterator[Batch]:
    """Yield the rows of ``raw_catalogs.desivast_galzone``, algorithm by algorithm."""
    for number, cap in enumerate(voids.CAPS):
        target, places = sample.choose(seed, scale, cap)
        position = cosmology.cartesian(places[0], places[1], cosmology.distance(places[2]))
        ra, dec, redshift = voids.zone_centres(seed, scale, cap)
        centres = cosmology.cartesian(ra, dec, cosmology.distance(redshift))
        zone = _nearest(position, centres)
        rng = np.random.default_rng([seed, 400 + number])
        count = len(target)
        x, y, z = position
        for algorithm in LIST:
            yield {
                "algorithm": algorithm,
                "galactic_cap": cap,
                "gal": np.arange(count, dtype=np.int64),
                "target": target,
                "x": x,
                "y": y,
                "z": z,
                "zone": zone,
                "depth": rng.geometric(0.3, count),
                "edge": (rng.random(count) < AT_EDGE).astype(np.int64),
                "out": (rng.random(count) < OUTSIDE).astype(np.int64),
            }


def zone_voids(seed: int, scale: float) -> Iterator[Batch]:
    """Yield the rows of ``raw_catalogs.desivast_zonevoid``: the void of each zone, or none.

    ZOBOV keeps every zone as a void; the others merge what they prune into a neighbour or
    into no void at all.
    """
    for number, name in enumerate(LIST):
        algorithm = next(one for one in voids.ALGORITHMS if one.name == name)
        for cap_number, cap in enumerate(voids.CAPS):
            rng = np.random.default_rng([seed, 500 + 10 * number + cap_number])
            zones = voids.scaled(voids.ZONES[cap_number], scale)
            kept = voids.scaled(algorithm.counts[cap_number], scale)
            void = np.full(zones, NOWHERE, dtype=np.int64)
            void[rng.permutation(zones)[:kept]] = np.arange(kept)
            orphans = np.flatnonzero(void == NOWHERE)
            merged = orphans[rng.random(len(orphans)) < MERGED]
            void[merged] = rng.integers(0, kept, len(merged))
            yield {
                "algorithm": name,
                "galactic_cap": cap,
                "zone": np.arange(zones, dtype=np.int64),
                "void0": void,
                "void1": np.where(void == NOWHERE, NOWHERE, void),
            }


def _nearest(position: Floats, centres: Floats) -> Integers:
    """Return the number of the centre nearest to each position."""
    # |p - c|^2 = |p|^2 - 2 p.c + |c|^2, and |p| is the same for all centres.
    points, goals = position.T.astype(np.float32), centres.astype(np.float32)
    lengths = np.sum(goals**2, axis=0)
    parts = [
        np.argmin(lengths - 2 * points[start : start + CHUNK] @ goals, axis=1)
        for start in range(0, len(points), CHUNK)
    ]
    return np.concatenate(parts).astype(np.int64)
