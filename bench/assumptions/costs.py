"""What the planner's cost units are worth here, all of it cached: workers, rows, index entries.

The unit is time: what an analyst's work takes, divided by what the planner says it costs. That
differs by kind of work (sorts take longer than they cost); the median of a few counts.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

import psycopg

WORKERS = 2
"""Scan a table for a leader who only takes what they send."""
SERIAL: Mapping[str, str] = {"max_parallel_workers_per_gather": "0"}
SHARED: Mapping[str, str] = {
    "max_parallel_workers_per_gather": str(WORKERS),
    "parallel_leader_participation": "off",
    "parallel_setup_cost": "0",
    "parallel_tuple_cost": "0",
}
ALONE: Mapping[str, str] = {"debug_parallel_query": "on"}
"""The whole plan in one worker, whatever it costs."""
BY_INDEX: Mapping[str, str] = {"enable_seqscan": "off", "enable_bitmapscan": "off", **SERIAL}
BY_BITMAP: Mapping[str, str] = {"enable_seqscan": "off", "enable_indexscan": "off", **SERIAL}
WORK = (
    "SELECT count(*) FROM galaxies",
    "SELECT avg(d4000), avg(logmstar) FROM galaxies WHERE z BETWEEN 0.01 AND 0.4 AND sfr > 0.1",
    "SELECT width_bucket(z, 0, 0.5, 10), regr_slope(sfr, logmstar) FROM galaxies GROUP BY 1",
    "SELECT targetid, z FROM galaxies ORDER BY z OFFSET {rows}",
    "SELECT targetid, rank() OVER (PARTITION BY healpix_id ORDER BY z) FROM galaxies OFFSET {rows}",
)
EVERY = "SELECT targetid, ra FROM galaxies OFFSET {rows}"
FEW = "SELECT count(*) FROM few"
RANDOM = "SELECT count(d4000) FROM galaxies WHERE z < 0.25"
RUNS = 5


@dataclass(frozen=True, slots=True)
class PlannerCosts:
    """*unit* in seconds; the others in units, as the planner's parameters of these names.

    The last two are ``cpu_index_tuple_cost`` as an index scan in no order of the table has it,
    and as a bitmap scan has it.
    """

    unit: float
    parallel_tuple_cost: float
    parallel_setup_cost: float
    index_scan_tuple: float
    bitmap_tuple: float


def planner_costs(conninfo: str, rows: int) -> PlannerCosts:
    """Time an analyst's work, rows through workers, a worker for nothing, and index scans."""
    with psycopg.connect(conninfo, autocommit=True, prepare_threshold=None) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS few AS SELECT 1 AS one")
        connection.execute("ANALYZE few")
        work = [query.format(rows=rows) for query in WORK]
        unit = median(
            _seconds(connection, query, SERIAL) / _cost(connection, query, SERIAL) for query in work
        )
        every = EVERY.format(rows=rows)
        scanned = _seconds(connection, every, SERIAL) / WORKERS
        gathered = _seconds(connection, every, SHARED) - scanned
        started = _seconds(connection, FEW, ALONE) - _seconds(connection, FEW, SERIAL)
        return PlannerCosts(
            unit=unit,
            parallel_tuple_cost=gathered / rows / unit,
            parallel_setup_cost=started / unit,
            index_scan_tuple=_index_tuple(connection, unit, BY_INDEX),
            bitmap_tuple=_index_tuple(connection, unit, BY_BITMAP),
        )


def _index_tuple(
    connection: psycopg.Connection[Any], unit: float, scan: Mapping[str, str]
) -> float:
    """Return the cpu_index_tuple_cost at which *scan* costs what it takes."""
    low, high = 0.005, 0.105
    cheap, dear = (
        _cost(connection, RANDOM, {**scan, "cpu_index_tuple_cost": str(value)})
        for value in (low, high)
    )
    taken = _seconds(connection, RANDOM, scan) / unit
    return low + (high - low) * (taken - cheap) / (dear - cheap)


def _seconds(connection: psycopg.Connection[Any], query: str, settings: Mapping[str, str]) -> float:
    """Return the median of a few runs; the first, which fills the caches, does not count."""
    runs = []
    with _set(connection, settings):
        is_gathered = "Gather" in str(_plan(connection, query))
        if is_gathered != (settings in (SHARED, ALONE)):
            raise RuntimeError(f"another plan than was meant: {query}")
        for _ in range(RUNS + 1):
            begin = time.perf_counter()
            connection.execute(query.encode()).fetchall()
            runs.append(time.perf_counter() - begin)
    return median(runs[1:])


def _cost(connection: psycopg.Connection[Any], query: str, settings: Mapping[str, str]) -> float:
    with _set(connection, settings):
        return float(_plan(connection, query)["Total Cost"])


def _plan(connection: psycopg.Connection[Any], query: str) -> dict[str, Any]:
    row = connection.execute(f"EXPLAIN (FORMAT JSON) {query}".encode()).fetchone()
    if row is None:
        raise RuntimeError("no plan")
    plan: dict[str, Any] = row[0][0]["Plan"]
    return plan


@contextmanager
def _set(connection: psycopg.Connection[Any], settings: Mapping[str, str]) -> Iterator[None]:
    for name, value in settings.items():
        connection.execute("SELECT set_config(%s, %s, false)", (name, value))
    try:
        yield
    finally:
        connection.execute("RESET ALL")
