"""Compare configurations of PostgreSQL on the lab's own queries, in one run.

python bench/tuning/run.py [--scale 1] [--rounds 1] [--contenders stock,labdb-mixed]
    [--steps queries,concurrency,load,pgbench] [--out FILE]

Contenders take turns in each round, so that a slow hour of the machine hits all alike.
Figures are appended to FILE as they come: the same command goes on where it was
interrupted. At the end a table and plots are made of FILE; ``--report`` does only that.
Needs root, Docker and the extra ``bench``.
"""

import argparse
import contextlib
import hashlib
import json
import logging
import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg

# A script finds its neighbours by the tree that it stands in.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from bench.tuning import configuration, report
from bench.tuning.contenders import Contender, choose, contenders
from bench.tuning.machine import DoesNotStartError, InUseError, Limits, Machine
from bench.tuning.progress import Progress
from bench.tuning.results import Results, Unit
from bench.tuning.stand import Stand, statements
from bench.tuning.steps import concurrency, loading, pgbench, queries

from labdb import paths
from labdb.domain.tuning.inputs import Inputs, Load
from labdb.domain.tuning.inputs import Machine as Hardware
from labdb.domain.tuning.promise import promise
from labdb.size import UNITS, parse_size
from labdb.spec import WorkloadKind

GB = UNITS["GB"]
STEPS = ("queries", "concurrency", "load", "pgbench")
SECONDS = {
    "start": (1, 14),
    "queries": (8, 140),
    "concurrency": (6, 110),
    "load": (1, 45),
    "pgbench": (32, 0),
}
"""What a step takes on two quiet cores: a fixed part, and one that grows with the scale."""
DISK, DATA = 250 * GB, 60 * GB
"""The lab's data disk, and what its declaration expects on it."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be run."""

    rounds: int
    steps: tuple[str, ...]
    chosen: tuple[Contender, ...]
    out: Path
    pgbench_seconds: int


def main(arguments: list[str]) -> int:
    """Run what *arguments* ask for and write the report."""
    given = _arguments(arguments)
    signal.signal(signal.SIGTERM, _end)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("docker").setLevel(logging.WARNING)
    if not given.report:
        _run(given)
    safe = _safe(given)
    print(report.write(given.out, safe))
    if given.docs:
        report.publish(given.out, safe)
    return 0


def _end(_signal: int, _frame: FrameType | None) -> None:
    """Leave no container behind."""
    sys.exit("ended by a signal; the same command goes on from here")


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python bench/tuning/run.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--scale", type=float, default=1.0, help="1 is the lab's catalogue")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument(
        "--contenders",
        default="",
        help="names with commas; all when absent. NAME+work_mem=64MB is NAME with another value,"
        " NAME+analyst.work_mem=64MB with another setting of a role, NAME+statistics with"
        " extended statistics",
    )
    parser.add_argument("--steps", default=",".join(STEPS), help="names with commas")
    parser.add_argument("--out", type=Path, default=Path("tuning-results.jsonl"))
    parser.add_argument("--folder", type=Path, default=paths.state_dir() / "bench-tuning")
    parser.add_argument("--memory", type=parse_size, default=8 * GB)
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--connections", type=int, default=200)
    parser.add_argument("--analysts", type=int, default=50, help="declared to labdb")
    parser.add_argument("--pgbench-seconds", type=int, default=15)
    parser.add_argument("--report", action="store_true", help="measure nothing")
    parser.add_argument("--docs", action="store_true", help="put the figures into docs/")
    return parser.parse_args(arguments)


def _declared(given: argparse.Namespace) -> tuple[Hardware, Load]:
    """Return the machine and the load that every contender is made for."""
    hardware = Hardware(given.cores, given.memory, DISK, "nvme")
    return hardware, Load(WorkloadKind.MIXED, given.connections, given.analysts, DATA)


def _safe(given: argparse.Namespace) -> list[str]:
    """Return the contenders that promise the declared load no more memory than there is."""
    hardware, load = _declared(given)
    inputs = Inputs(hardware, load)
    return [
        name
        for name, one in contenders(hardware, load).items()
        if promise(one.parameters, inputs, one.roles.get("analyst")).fits
    ]


def _run(given: argparse.Namespace) -> None:
    known = contenders(*_declared(given))
    steps = tuple(given.steps.split(","))
    if unknown := set(steps) - set(STEPS):
        sys.exit(f"no such step: {', '.join(unknown)}; known: {', '.join(STEPS)}")
    try:
        chosen = choose(known, given.contenders)
    except KeyError as error:
        sys.exit(f"no such contender: {error}; known: {', '.join(known)}")
    order = Order(given.rounds, steps, chosen, given.out, given.pgbench_seconds)
    machine = Machine(given.folder.resolve(), Limits(given.cores, given.memory))
    stand = Stand(machine, given.seed, given.scale, given.connections)
    try:
        with machine.running():
            stand.build()
            Runner(stand, order).run()
    except InUseError as error:
        sys.exit(str(error))


class Runner:
    """Takes the contenders in turn."""

    def __init__(self, stand: Stand, order: Order) -> None:
        self._stand = stand
        self._order = order
        self._results = Results(order.out)
        self._steps: dict[str, Callable[[Contender], dict[str, Any]]] = {
            "queries": lambda one: queries.measure(stand, one, order.out.with_suffix(".plans")),
            "concurrency": lambda _: concurrency.measure(stand),
            "load": lambda _: loading.measure(stand),
            "pgbench": lambda _: pgbench.measure(stand, seconds=order.pgbench_seconds),
        }

    def run(self) -> None:
        """Measure everything that the results have not yet."""
        turns = [
            (number, contender, missing)
            for number in range(1, self._order.rounds + 1)
            for contender in _rotated(self._order.chosen, number - 1)
            if (missing := self._missing(number, contender))
        ]
        scale = self._stand.scale
        progress = Progress(
            [step for _, _, missing in turns for step in ("start", *missing)],
            {step: fixed + scale * growing for step, (fixed, growing) in SECONDS.items()},
        )
        for number, contender, missing in turns:
            self._turn(number, contender, missing, progress)

    def _missing(self, number: int, contender: Contender) -> tuple[str, ...]:
        print_of = self._fingerprint(contender)
        return tuple(
            step
            for step in self._order.steps
            if not self._results.done(Unit(number, contender.name, step), print_of)
        )

    def _turn(
        self, number: int, contender: Contender, missing: Sequence[str], progress: Progress
    ) -> None:
        fingerprint = self._fingerprint(contender)
        with progress.step("start", f"round {number}: {contender.name}"):
            try:
                self._stand.take(contender)
                refusal = ""
            except DoesNotStartError as error:
                refusal = str(error)
        for step in missing:
            with progress.step(step, f"round {number}: {contender.name}: {step}") as clock:
                figures = {"failure": refusal} if refusal else self._measured(step, contender)
            about = {"about": self._about(contender), "took": clock.seconds, "figures": figures}
            self._results.add(Unit(number, contender.name, step), fingerprint, about)

    def _measured(self, step: str, contender: Contender) -> dict[str, Any]:
        """Return the figures of *step*, or the failure that ended it."""
        try:
            return self._steps[step](contender)
        except (psycopg.Error, RuntimeError) as error:
            failure = str(error)
        with contextlib.suppress(psycopg.OperationalError):
            queries.wait_until_up(self._stand)
        return {"failure": failure}

    def _about(self, contender: Contender) -> dict[str, Any]:
        return {
            "when": datetime.now(tz=UTC).isoformat(timespec="seconds"),
            "scale": self._stand.scale,
            "machine": f"{self._stand.machine.description}, {platform.machine()}",
            "load": round(os.getloadavg()[0], 2),
            "source": contender.source,
        }

    def _fingerprint(self, contender: Contender) -> str:
        made_of: dict[str, Any] = {
            "configuration": configuration.render(contender, connections=self._stand.connections),
            "roles": {role: dict(values) for role, values in contender.roles.items()},
            "survey": [self._stand.seed, self._stand.scale],
            "machine": self._stand.machine.description,
            "queries": [query.sql for query in self._stand.queries],
        }
        if contender.statistics:
            made_of["statistics"] = list(statements("statistics.sql"))
        return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:12]


def _rotated(all_of: Sequence[Contender], by: int) -> Sequence[Contender]:
    """Let another one begin each round: the first after a pause may have it easier."""
    start = by % len(all_of)
    return (*all_of[start:], *all_of[:start])


if __name__ == "__main__":
    started = time.monotonic()
    status = main(sys.argv[1:])
    print(f"{(time.monotonic() - started) / 60:.1f} minutes", file=sys.stderr)
    sys.exit(status)
