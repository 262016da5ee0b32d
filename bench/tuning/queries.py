"""The lab's research queries: one file each, and parameters that are the same for everybody."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from bench.desi import cosmology, galaxies, sky, voids

FOLDER = Path(__file__).resolve().parent / "queries"
CLASSES = ("point-and-cone", "join-and-membership", "aggregation", "wide-scan")
Parameters = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Query:
    """A named query: one measurement runs it for *draws* sets of parameters.

    *fetch* is ``rows``, or ``copy`` where the client takes the result as a COPY stream.
    """

    name: str
    kind: str
    draws: int
    fetch: str
    sql: str

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters in the text."""
        return tuple(sorted(set(re.findall(r"%\((\w+)\)s", self.sql))))


def load() -> tuple[Query, ...]:
    """Return the queries by class and name."""
    found = [_read(path) for path in sorted(FOLDER.glob("*.sql"))]
    return tuple(sorted(found, key=lambda query: (CLASSES.index(query.kind), query.name)))


def _read(path: Path) -> Query:
    text = path.read_text(encoding="utf-8")
    said = dict(re.findall(r"^-- (class|draws|fetch): (\S+)$", text, re.MULTILINE))
    sql = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    return Query(
        path.stem, said["class"], int(said.get("draws", "1")), said.get("fetch", "rows"), sql
    )


class Draws:
    """Draws the parameters of a query from the survey's own seed and shape."""

    def __init__(self, seed: int, scale: float) -> None:
        self._seed = seed
        self._scale = scale

    def of(self, query: Query, *, stream: int = 0) -> tuple[Parameters, ...]:
        """Return the sets of parameters of *query*; another *stream* gives other ones."""
        name = int.from_bytes(query.name.encode(), "big")
        rng = np.random.default_rng([self._seed, stream, name])
        columns = self._columns(rng, query.draws)
        return tuple(
            {name: columns[name][row] for name in query.parameters} for row in range(query.draws)
        )

    def _columns(self, rng: np.random.Generator, count: int) -> Mapping[str, list[Any]]:
        ra, dec = sky.in_cap(rng, count, north=True)
        redshift = rng.uniform(0.05, 0.22, count)
        place = cosmology.cartesian(ra, dec, cosmology.distance(redshift))
        fewest = min(voids.scaled(one.counts[1], self._scale) for one in voids.ALGORITHMS)
        return {
            "ra": ra.round(6).tolist(),
            "dec": dec.round(6).tolist(),
            "z": redshift.round(4).tolist(),
            "x": place[0].round(3).tolist(),
            "y": place[1].round(3).tolist(),
            "zz": place[2].round(3).tolist(),
            "radius": rng.uniform(10, 20, count).round(2).tolist(),
            "void": rng.integers(0, fewest, count).tolist(),
            "algorithm": rng.choice(["REVOLVER", "VIDE"], count).tolist(),
            "targetid": rng.choice(self._targetids, count).tolist(),
        }

    @cached_property
    def _targetids(self) -> np.ndarray:
        return galaxies.targetids(self._seed, self._scale)
