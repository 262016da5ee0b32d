"""What labdb wants to reach and what it did: against the best safe one, and the lab's targets."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.desi import galaxies
from bench.tuning import figures, queries
from bench.tuning.figures import CLASSES, QUERY_CLASSES
from bench.tuning.results import Record

OURS = "labdb-mixed"
FAIR, BETTER, FASTER = 1.0, 1.15, 2.0
"""In every class; over all queries; against PostgreSQL's defaults."""
GALAXIES = sum(galaxies.ROWS)
Measured = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Target:
    """A target of the lab: *figure* takes it from labdb's figures by step; *limit* in *unit*."""

    name: str
    unit: str
    limit: float
    at_most: bool
    figure: Callable[[Measured], float]

    def met(self, value: float) -> bool:
        """Tell whether *value* is on the right side of the limit."""
        return value <= self.limit if self.at_most else value >= self.limit


def _query(name: str) -> Callable[[Measured], float]:
    draws = next(query.draws for query in queries.load() if query.name == name)
    return lambda found: median(found["queries"][name]["seconds"]) / draws * 1000


TARGETS = (
    Target("cone of one degree", "ms", 100, True, _query("cone_degree")),
    Target("galaxies near a void, of all", "ms", 1000, True, _query("galaxies_around_a_void")),
    Target("members of a void", "ms", 500, True, _query("members_of_a_void")),
    Target("statistics of all galaxies", "ms", 1000, True, _query("main_sequence")),
    Target("complex aggregation", "ms", 30_000, True, _query("median_star_formation")),
    Target("pgbench, TPC-B", "tps", 1000, False, lambda found: found["pgbench"]["tpc-b"]["tps"]),
    Target("COPY", "rows/s", 100_000, False, lambda found: GALAXIES / found["load"]["copy"]),
    Target("five indexes", "s", 120, True, lambda found: found["load"]["index build"]),
)
"""Section 5 of the lab's facts, at full scale; those that a query of the suite stands for."""


def against_others(records: Sequence[Record], safe: Sequence[str]) -> list[tuple[str, float]]:
    """Return labdb's speed by that of the fastest of *safe*, class by class, and over all queries.

    Empty where labdb, or all of the others, are missing.
    """
    found = figures.by_class(figures.measurements(records))
    others = [found[name] for name in safe if name in found and not name.startswith("labdb")]
    if OURS not in found or not others:
        return []
    ours = found[OURS]
    rows = []
    for kind in CLASSES:
        best = max((one[kind] for one in others if kind in one), default=None)
        if kind in ours and best:
            rows.append((kind, ours[kind] / best))
    if all(kind in ours for kind in QUERY_CLASSES):
        means = [_mean(one) for one in others if all(kind in one for kind in QUERY_CLASSES)]
        rows.append(("all queries", _mean(ours) / max(means)))
    return rows


def targets(records: Sequence[Record]) -> list[tuple[Target, float]]:
    """Return each target with labdb's figure: the median of all rounds, at full scale alone."""
    rounds: dict[int, dict[str, Mapping[str, Any]]] = {}
    for record in records:
        if record["contender"] == OURS and record["about"]["scale"] == 1:
            rounds.setdefault(record["round"], {})[record["step"]] = record["figures"]
    whole = [found for found in rounds.values() if _complete(found)]
    return [(one, median(map(one.figure, whole))) for one in TARGETS] if whole else []


def _complete(found: Mapping[str, Mapping[str, Any]]) -> bool:
    steps = ("queries", "load", "pgbench")
    return all(step in found and "failure" not in found[step] for step in steps)


def _mean(ratios: Mapping[str, float]) -> float:
    return figures.geometric_mean([ratios[kind] for kind in QUERY_CLASSES])
