"""One analyst, one query after another: the median of a few runs, and the plan of the first."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
from bench.tuning import cgroup, plans
from bench.tuning.contenders import Contender
from bench.tuning.queries import Parameters, Query
from bench.tuning.stand import Stand

LIMIT = 180
"""Seconds after which a query counts as failed."""
SHORT, LONG = 0.5, 4.0


def measure(stand: Stand, contender: Contender, plan_folder: Path) -> dict[str, Any]:
    """Return the figures of each query; full plans go to *plan_folder*, once."""
    folder = plan_folder / contender.name
    folder.mkdir(parents=True, exist_ok=True)
    return {
        query.name: _one(stand, query, folder / f"{query.name}.json") for query in stand.queries
    }


def _one(stand: Stand, query: Query, plan: Path) -> dict[str, Any]:
    draws = stand.draws.of(query)
    figures: dict[str, Any] = {"class": query.kind}
    try:
        with (
            cgroup.watch(stand.machine.cgroup) as peak,
            stand.connect("analyst") as connection,
        ):
            connection.execute(f"SET statement_timeout = '{LIMIT}s'")
            explained = _explain(connection, query, draws[0])
            plan.write_text(json.dumps(explained, indent=1), encoding="utf-8")
            figures["plan"] = plans.summarise(explained).as_json()
            run_all(connection, query, draws[1:])
            runs = _repeat(stand, connection, query, draws)
            figures["seconds"] = [seconds for seconds, _ in runs]
            figures["cpu"] = [cpu for _, cpu in runs]
    except psycopg.Error as error:
        figures["failure"] = said(error)
        wait_until_up(stand)
    return figures | {"memory": peak.as_json()}


def _repeat(
    stand: Stand, connection: psycopg.Connection, query: Query, draws: Sequence[Parameters]
) -> list[tuple[float, float]]:
    """Return the seconds of each run: by the clock, and of the server's processors."""
    runs: list[tuple[float, float]] = []
    while not runs or len(runs) < _wanted(runs[0][0]):
        started, used = time.perf_counter(), stand.machine.cgroup.cpu()
        run_all(connection, query, draws)
        runs.append((time.perf_counter() - started, stand.machine.cgroup.cpu() - used))
    return runs


def _wanted(first: float) -> int:
    if first < SHORT:
        return 5
    return 3 if first < LONG else 2


def run_all(connection: psycopg.Connection, query: Query, draws: Sequence[Parameters]) -> None:
    """Run *query* for each of *draws* and take all that it gives."""
    for parameters in draws:
        with connection.cursor() as cursor:
            if query.fetch == "copy":
                with cursor.copy(
                    f"COPY ({query.sql}) TO STDOUT (FORMAT binary)", parameters
                ) as out:
                    for _ in out:
                        pass
            else:
                cursor.execute(query.sql, parameters).fetchall()


def _explain(
    connection: psycopg.Connection, query: Query, parameters: Parameters
) -> dict[str, Any]:
    text = f"EXPLAIN (ANALYZE, BUFFERS, SETTINGS, FORMAT JSON) {query.sql}"
    row = connection.execute(text, parameters).fetchone()
    found: dict[str, Any] = (row or [[]])[0][0]
    return found


def said(error: psycopg.Error) -> str:
    """Return an error as its SQLSTATE and its first line."""
    lines = str(error).splitlines() or [type(error).__name__]
    return f"{error.sqlstate or '-----'} {lines[0]}"


def wait_until_up(stand: Stand, seconds: float = 120) -> None:
    """Wait until PostgreSQL takes connections again after a crash.

    Raises:
        psycopg.OperationalError: it still does not after *seconds*.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            stand.connect("postgres").close()
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)
        else:
            return
