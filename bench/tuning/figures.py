"""Figures made of the results: seconds by measurement, ratios to stock, memory, failures."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import median
from typing import Any

from bench.tuning import queries
from bench.tuning.cgroup import Usage
from bench.tuning.results import Record
from bench.tuning.steps.queries import LIMIT

BASE = "stock"
LOADING = ("copy", "index build", "vacuum analyze")
QUERY_CLASSES = queries.CLASSES
CLASSES = (*QUERY_CLASSES, "loading", "1 analyst", "8 analysts", "50 analysts", "pgbench")


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured once: *seconds* of a query or a step, in a round, of a contender."""

    kind: str
    name: str
    round: int
    contender: str
    seconds: float


def measurements(records: Iterable[Record]) -> list[Measurement]:
    """Return every measurement in *records*; a query that failed took as long as it may."""
    found: list[Measurement] = []
    for record in records:
        where = record["round"], record["contender"]
        for kind, name, seconds in _seconds(record["step"], record["figures"]):
            found.append(Measurement(kind, name, *where, seconds))
    return found


def _seconds(step: str, figures: Mapping[str, Any]) -> Iterable[tuple[str, str, float]]:
    if step == "queries" and "failure" not in figures:
        for name, one in figures.items():
            yield one["class"], name, median(one.get("seconds", [LIMIT]))
    elif step == "load":
        for name in LOADING:
            if name in figures:
                yield "loading", name, figures[name]
    elif step == "concurrency" and "failure" not in figures:
        for level, one in figures.items():
            yield f"{level} analyst{'s' if level != '1' else ''}", "all work", one["seconds"]
    elif step == "pgbench" and "failure" not in figures:
        for name in ("tpc-b", "select-only"):
            yield "pgbench", name, 1 / figures[name]["tps"]


def ratios(found: Sequence[Measurement]) -> dict[tuple[str, str], dict[str, float]]:
    """Return how many times faster than stock each contender is, by class and name.

    Contender and stock are compared within a round; of several rounds the median counts.
    """
    base = {(one.kind, one.name, one.round): one.seconds for one in found if one.contender == BASE}
    compared: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in found:
        if stock := base.get((one.kind, one.name, one.round)):
            compared[one.kind, one.name][one.contender].append(stock / one.seconds)
    return {
        what: {contender: median(values) for contender, values in by.items()}
        for what, by in compared.items()
    }


def by_class(found: Sequence[Measurement]) -> dict[str, dict[str, float]]:
    """Return the geometric mean of the ratios of each class, by contender."""
    gathered: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for (kind, _), values in ratios(found).items():
        for contender, ratio in values.items():
            gathered[contender][kind].append(ratio)
    return {
        contender: {kind: geometric_mean(values) for kind, values in kinds.items()}
        for contender, kinds in gathered.items()
    }


def geometric_mean(values: Sequence[float]) -> float:
    """Return the geometric mean.

    >>> geometric_mean([2.0, 8.0])
    4.0
    """
    return round(exp(sum(map(log, values)) / len(values)), 12)


@dataclass(frozen=True, slots=True)
class Health:
    """What a contender's runs cost and what went wrong; sizes in bytes."""

    peak: Usage
    spilled: int
    failures: tuple[str, ...]
    oom_kills: int


def health(records: Iterable[Record], contender: str) -> Health:
    """Return peaks and failures over all records of *contender*."""
    memories: list[Mapping[str, int]] = []
    failures: list[str] = []
    spilled: dict[str, int] = {}
    for record in records:
        if record["contender"] != contender:
            continue
        figures = record["figures"]
        for name, part in _parts(record["step"], figures):
            if "memory" in part:
                memories.append(part["memory"])
            if "failure" in part:
                failures.append(f"{record['step']} {name}: {part['failure']}")
            failures += part.get("failures", [])
            if "plan" in part:
                spilled[name] = part["plan"]["spilled"]
    usages = [Usage(one["private"], one["shared"], one["kernel"]) for one in memories]
    return Health(
        peak=max(usages, key=lambda one: one.total, default=Usage(0, 0, 0)),
        spilled=sum(spilled.values()),
        failures=tuple(failures),
        oom_kills=sum(one["oom_kills"] for one in memories),
    )


def _parts(step: str, figures: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    if "failure" in figures or step in ("load", "pgbench"):
        return [("", figures)]
    return [(name, part) for name, part in figures.items() if isinstance(part, Mapping)]
