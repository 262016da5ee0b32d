"""Analysts who work at the same time, with all the other connections open beside them."""

import statistics
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import cycle, repeat
from typing import Any

import numpy as np
import psycopg
from bench.tuning import cgroup
from bench.tuning.queries import Parameters, Query
from bench.tuning.stand import Stand
from bench.tuning.steps.queries import run_all, said, wait_until_up

LEVELS = {1: (6, 18), 8: (2, 12), 50: (1, 6)}
"""Analysts at once, and how many heavy and light queries each of them runs."""
OPERATORS = 10
"""Connections of a superuser: some configurations keep that many back."""
APPLICATIONS = 20
"""Sessions that look up a galaxy now and then; what is left stays idle."""
PAUSE = 0.25
LIMIT = 600
"""Seconds after which a query counts as failed."""
LIGHT = "point-and-cone"


@dataclass(frozen=True, slots=True)
class Work:
    """A query that an analyst runs, with its parameters."""

    kind: str
    query: Query
    parameters: Parameters


@dataclass
class Outcome:
    """What one session lived through."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {"heavy": [], "light": []})
    failures: list[str] = field(default_factory=list)


def measure(stand: Stand) -> dict[str, Any]:
    """Return the figures of each number of analysts."""
    return {str(level): _level(stand, level) for level in LEVELS}


def _level(stand: Stand, analysts: int) -> dict[str, Any]:
    scripts = _scripts(stand, analysts)
    outcomes = [Outcome() for _ in scripts]
    lookups = [Outcome() for _ in range(APPLICATIONS)]
    over = threading.Event()
    with ExitStack() as stack:
        peak = stack.enter_context(cgroup.watch(stand.machine.cgroup))
        workers = [
            # A run that is ended by a signal does not wait for them.
            threading.Thread(
                target=_analyst, args=(stand, _session(stand), script, outcome), daemon=True
            )
            for script, outcome in zip(scripts, outcomes, strict=True)
        ]
        small = [
            threading.Thread(
                target=_look_up, args=(stand, stand.connect("application"), *given), daemon=True
            )
            for given in zip(_lookups(stand), lookups, repeat(over))
        ]
        _idle(stand, stack, stand.connections - OPERATORS - APPLICATIONS - analysts)
        started = time.perf_counter()
        for thread in (*small, *workers):
            thread.start()
        for worker in workers:
            worker.join()
        seconds = time.perf_counter() - started
        over.set()
        for thread in small:
            thread.join()
    wait_until_up(stand)
    return {
        "seconds": seconds,
        "heavy": _latencies(outcomes, "heavy"),
        "light": _latencies(outcomes, "light"),
        "lookups": _latencies(lookups, "light"),
        "failures": [one for outcome in (*outcomes, *lookups) for one in outcome.failures],
        "memory": peak.as_json(),
    }


def _scripts(stand: Stand, analysts: int) -> list[list[Work]]:
    """Return what each analyst runs: every heavy query comes about equally often."""
    heavy = [query for query in stand.queries if query.kind != LIGHT]
    light = [query for query in stand.queries if query.kind == LIGHT]
    many, few = LEVELS[analysts]
    rng = np.random.default_rng([stand.seed, analysts])
    order = [heavy[number % len(heavy)] for number in range(analysts * many)]
    order = [order[place] for place in rng.permutation(len(order))]
    scripts = []
    for analyst in range(analysts):
        work = [("heavy", query) for query in order[analyst * many : (analyst + 1) * many]]
        work += [("light", light[number]) for number in rng.integers(0, len(light), few)]
        # All begin with a heavy one: that is when memory is needed at once.
        rest = [work[1:][place] for place in rng.permutation(len(work) - 1)]
        scripts.append(
            [
                Work(kind, query, stand.draws.of(query, stream=1 + analyst)[0])
                for kind, query in (work[0], *rest)
            ]
        )
    return scripts


def _session(stand: Stand) -> psycopg.Connection:
    connection = stand.connect("analyst")
    connection.execute(f"SET statement_timeout = '{LIMIT}s'")
    return connection


def _idle(stand: Stand, stack: ExitStack, count: int) -> None:
    """Open the connections that do nothing; those of operators last, for they may."""
    for user in ["application"] * count + ["postgres"] * OPERATORS:
        connection = stand.connect(user)
        stack.callback(connection.close)
        connection.execute("SELECT count(*) FROM raw_catalogs.desivast_voids")


def _analyst(
    stand: Stand, connection: psycopg.Connection, script: Sequence[Work], outcome: Outcome
) -> None:
    for work in script:
        connection = _run(stand, connection, work, outcome)
    connection.close()


def _look_up(
    stand: Stand,
    connection: psycopg.Connection,
    script: Sequence[Work],
    outcome: Outcome,
    over: threading.Event,
) -> None:
    for work in cycle(script):
        if over.wait(PAUSE):
            break
        connection = _run(stand, connection, work, outcome)
    connection.close()


def _run(
    stand: Stand, connection: psycopg.Connection, work: Work, outcome: Outcome
) -> psycopg.Connection:
    """Run *work* and return the connection, a new one where the server ended the old."""
    started = time.perf_counter()
    try:
        run_all(connection, work.query, [work.parameters])
        outcome.seconds[work.kind].append(time.perf_counter() - started)
    except psycopg.Error as error:
        outcome.failures.append(f"{work.query.name}: {said(error)}")
    if not connection.closed:
        return connection
    user = connection.info.user
    wait_until_up(stand)
    return stand.connect(user)


def _lookups(stand: Stand) -> list[list[Work]]:
    """Return what the applications look up, each its own galaxies."""
    query = next(one for one in stand.queries if one.name == "galaxies_by_targetid")
    return [
        [Work("light", query, draw) for draw in stand.draws.of(query, stream=1000 + number)]
        for number in range(APPLICATIONS)
    ]


def _latencies(outcomes: Sequence[Outcome], kind: str) -> dict[str, float]:
    found = sorted(second for outcome in outcomes for second in outcome.seconds[kind])
    if not found:
        return {"count": 0}
    return {
        "count": len(found),
        "median": statistics.median(found),
        "p95": found[min(len(found) - 1, int(len(found) * 0.95))],
        "largest": found[-1],
    }
