"""Measure the sky functions on a catalogue of the lab's shape, in one run.

python bench/sky/run.py [--rows 100000 1000000 6400000 20000000] [--no-write]

PostgreSQL 16 of the lab's mirror runs in a container with 2 GB of shared buffers. For each size a
catalogue is made, sorted and indexed; then everything is asked warm. Times are the server's own
(planning and execution). Figures go to ``result.json`` and, as tables, to
``docs/explanation/sky-speed.md``. Needs root, Docker and the extra ``bench``.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

# A script finds its neighbours by the tree that it stands in.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from bench.sky import catalogue, report
from bench.tuning.machine import Limits, Machine

HERE = Path(__file__).resolve().parent
MEMORY = 8 << 30
CONFIGURATION = """
listen_addresses = ''
unix_socket_directories = '/run/bench'
shared_buffers = 2GB
effective_cache_size = 5GB
work_mem = 64MB
maintenance_work_mem = 1GB
max_wal_size = 8GB
random_page_cost = 1.1
jit = off
"""
CONES = 300
RADII = {"1 arcmin": 1 / 60, "0.1 degree": 0.1, "1 degree": 1.0}
METHODS = {
    "labdb.in_cone": "labdb.in_cone(ra, dec, {0}, {1}, {2})",
    "q3c_join": "q3c_join({0}, {1}, ra, dec, {2})",
    "q3c_radial_query": "q3c_radial_query(ra, dec, {0}, {1}, {2})",
}
SAMPLE = 200_000
ARCSECOND = 1 / 3600
NEIGHBOURS, CROWD = 5, 50_000
SEARCHED = 1_200_000
"""Galaxies that the search for members alone is measured with."""
SEARCH = """
SELECT count(*)
  FROM (SELECT * FROM voids ORDER BY labdb.cell(position, 100)) AS v
  JOIN searched AS g ON g.position <@ cube_enlarge(v.position, v.radius, 3)
                    AND cube_distance(g.position, v.position) <= v.radius
"""


def _asked(connection: psycopg.Connection, query: str) -> float:
    """Return the milliseconds that the server planned and executed *query* for."""
    row = connection.execute(f"EXPLAIN (ANALYZE, TIMING off, FORMAT json) {query}").fetchone()
    assert row is not None
    told = row[0][0]
    return float(told["Planning Time"] + told["Execution Time"])


def _timed(connection: psycopg.Connection, query: str) -> tuple[float, Any]:
    begin = time.monotonic()
    row = connection.execute(query).fetchone()
    assert row is not None
    return time.monotonic() - begin, row


def _cones(connection: psycopg.Connection) -> dict[str, dict[str, list[float]]]:
    """Return for each method and radius the median and the 95th percentile in milliseconds."""
    centres = connection.execute(
        f"SELECT ra, dec FROM galaxies ORDER BY hashint8(targetid) LIMIT {CONES}"
    ).fetchall()
    found: dict[str, dict[str, list[float]]] = {}
    for method, condition in METHODS.items():
        found[method] = {}
        for name, radius in RADII.items():
            times = []
            for ra, dec in centres:
                where = condition.format(ra, dec, radius)
                query = f"SELECT * FROM galaxies WHERE {where}"
                _asked(connection, query)
                times.append(_asked(connection, query))
            found[method][name] = [float(np.percentile(times, share)) for share in (50, 95)]
    return found


def _matches(connection: psycopg.Connection) -> dict[str, float]:
    """Return matches in a second, of a sample beside itself with the whole catalogue."""
    found = {}
    queries = {
        name: f"SELECT count(*) FROM labdb.{name}('sample', 'galaxies', {ARCSECOND})"
        for name in ("crossmatch_all", "crossmatch_best")
    }
    queries["q3c_join"] = (
        "SELECT count(*) FROM sample AS s, galaxies AS g "
        f"WHERE q3c_join(s.ra, s.dec, g.ra, g.dec, {ARCSECOND})"
    )
    for name, query in queries.items():
        _timed(connection, query)
        seconds, (count,) = _timed(connection, query)
        found[name] = count / seconds
    return found


def _space(connection: psycopg.Connection) -> dict[str, float]:
    """Return what the members of all voids and the densities of neighbours take."""
    catalogue.space(connection)
    connection.execute(
        "CREATE TABLE searched AS SELECT * FROM nearby WHERE targetid IN"
        f" (SELECT targetid FROM nearby ORDER BY hashint8(targetid) LIMIT {SEARCHED})"
    )
    connection.execute("CREATE INDEX ON searched USING gist (position)")
    connection.execute("VACUUM ANALYZE searched")
    _timed(connection, SEARCH)
    search, (pairs,) = _timed(connection, SEARCH)
    connection.execute("SELECT labdb.create_membership('members')")
    refresh = "SELECT * FROM labdb.refresh_membership('members', 'voids', 'nearby')"
    seconds, row = _timed(connection, refresh)
    again, _ = _timed(connection, refresh)
    connection.execute("DELETE FROM voids WHERE void_id = 0")
    one, _ = _timed(connection, refresh)
    query = f"SELECT count(density) FROM labdb.neighbour_density('crowd', {NEIGHBOURS})"
    connection.execute(f"CREATE TABLE crowd AS SELECT * FROM nearby LIMIT {CROWD}")
    connection.execute("CREATE INDEX ON crowd USING gist (position)")
    dense, (count,) = _timed(connection, query)
    sizes = connection.execute(
        "SELECT (SELECT count(*) FROM nearby), (SELECT count(*) FROM voids),"
        " (SELECT count(*) FROM searched)"
    ).fetchone()
    assert sizes is not None
    return {
        "searched": sizes[2], "pairs": pairs, "search": search,
        "galaxies": sizes[0], "voids": sizes[1] + 1, "members": row[2], "all voids": seconds,
        "nothing new": again, "one void": one, "densities in a second": count / dense,
    }  # fmt: skip


def _measure(machine: Machine, rows: int) -> dict[str, Any]:
    machine.stop()
    machine.initialise()
    machine.serve(CONFIGURATION)
    with psycopg.connect(machine.conninfo("postgres", "postgres"), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION labdb CASCADE")
        seconds = catalogue.make(connection, rows, SAMPLE)
        return {
            "rows": rows,
            "made": {name: round(value, 2) for name, value in seconds.items()},
            "cones": _cones(connection),
            "matches": _matches(connection),
            "space": _space(connection),
        }


def main(arguments: list[str]) -> int:
    """Measure, print the tables and the goals, and write both unless told not to."""
    parser = argparse.ArgumentParser(prog="python bench/sky/run.py")
    parser.add_argument(
        "--rows", type=int, nargs="+", default=[100_000, 1_000_000, 6_400_000, 20_000_000]
    )
    parser.add_argument("--no-write", action="store_true")
    given = parser.parse_args(arguments)
    load = os.getloadavg()
    with tempfile.TemporaryDirectory(prefix="labdb-bench-") as folder:
        machine = Machine(Path(folder), Limits(cores=os.cpu_count() or 1, memory=MEMORY))
        sizes = []
        with machine.running():
            machine.install_sky_functions()
            for rows in given.rows:
                sizes.append(_measure(machine, rows))
                print(json.dumps(sizes[-1], indent=1))
    result = {
        "date": datetime.now(tz=UTC).strftime("%Y-%m-%d"),
        "machine": f"{machine.description}, Linux {platform.machine()}",
        "load": f"{load[0]:.1f} before, {os.getloadavg()[0]:.1f} after",
        "sizes": sizes,
    }
    print(report.page(result))
    if not given.no_write:
        report.write(result, HERE / "result.json")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
