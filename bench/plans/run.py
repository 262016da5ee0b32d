"""Measure what indexes, order and partitions do to the queries of a catalogue, in one run.

python bench/plans/run.py [--rows 1000000] [--no-write]

PostgreSQL 16 of the lab's mirror runs in a container. Pages are counted by EXPLAIN, and do not
depend on the machine; times are the server's own, warm. Figures go to ``result.json`` and, as a
table, to ``docs/explanation/indexes-and-partitions.md``. Needs root, Docker and the extra
``bench``.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

# A script finds its neighbours by the tree that it stands in.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from bench.published import put
from bench.sky import catalogue
from bench.tuning.machine import Limits, Machine

from labdb.domain.catalogue import plan

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "explanation" / "indexes-and-partitions.md"
MEMORY = 4 << 30
CONFIGURATION = """
listen_addresses = ''
unix_socket_directories = '/run/bench'
shared_buffers = 1GB
work_mem = 64MB
maintenance_work_mem = 512MB
max_wal_size = 4GB
random_page_cost = 1.1
jit = off
"""
CENTRES = 25
MATCHED = 1000
PATIENCE = 60
"""Seconds after which a cross-match is stopped."""
PIXELS = 48
NIGHTS = 400
Row = tuple[str, str, str]


def _ran(connection: psycopg.Connection, query: str) -> tuple[int, float]:
    """Return the pages that *query* read the second time, and the server's milliseconds."""
    text = f"EXPLAIN (ANALYZE, BUFFERS, TIMING off, FORMAT json) {query}"
    connection.execute(text.encode())
    row = connection.execute(text.encode()).fetchone()
    assert row is not None
    told = row[0]
    return plan.read(told).buffers, told[0]["Planning Time"] + told[0]["Execution Time"]


def _cones(connection: psycopg.Connection, table: str, radius: float, more: str = "") -> str:
    """Return the median pages and milliseconds of cones in *table*."""
    centres = connection.execute(
        f"SELECT ra, dec, pixel FROM by_q3c ORDER BY hashint8(targetid) LIMIT {CENTRES}".encode()
    ).fetchall()
    found = []
    for ra, dec, pixel in centres:
        where = f"labdb.in_cone(ra, dec, {ra}, {dec}, {radius}){more.format(pixel)}"
        found.append(_ran(connection, f"SELECT count(*) FROM {table} WHERE {where}"))
    pages, times = (statistics.median(values) for values in zip(*found, strict=True))
    return f"{pages:,.0f} pages, {times:.2f} ms"


def _make(connection: psycopg.Connection, rows: int) -> None:
    """Make the catalogue in three orders, and in partitions."""
    catalogue.make(connection, rows, MATCHED)
    orders = {
        "by_q3c": "q3c_ang2ipix(ra, dec)",
        "by_healpix": "labdb.healpix(ra, dec, 13)",
        "shuffled": "hashint8(targetid)",
    }
    for table, order in orders.items():
        connection.execute(
            f"CREATE TABLE {table} AS SELECT *, labdb.healpix(ra, dec, 1) AS pixel"
            f" FROM galaxies ORDER BY {order}".encode()
        )
    connection.execute("CREATE TABLE parted (LIKE by_q3c) PARTITION BY LIST (pixel)")
    for pixel in range(PIXELS):
        connection.execute(
            f"CREATE TABLE parted_{pixel} PARTITION OF parted FOR VALUES IN ({pixel})".encode()
        )
    connection.execute("INSERT INTO parted SELECT * FROM by_q3c")
    for table in (*orders, "parted"):
        connection.execute(f"CREATE INDEX ON {table} (q3c_ang2ipix(ra, dec))".encode())
    connection.execute("VACUUM ANALYZE")


def _order(connection: psycopg.Connection) -> list[Row]:
    called = {"by_q3c": "sorted by q3c's pixels", "by_healpix": "sorted by HEALPix pixels",
              "shuffled": "in no order"}  # fmt: skip
    rows = []
    for table, order in called.items():
        known = connection.execute(
            "SELECT correlation FROM pg_stats WHERE tablename = %s", [f"{table}_q3c_ang2ipix_idx"]
        ).fetchone()
        assert known is not None
        rows.append(("cone of 1 degree", f"{order}; correlation {known[0]:.2f}",
                     _cones(connection, table, 1.0)))  # fmt: skip
    return rows


def _partitions(connection: psycopg.Connection) -> list[Row]:
    what = "cone of 0.1 degree"
    return [
        (what, "one table", _cones(connection, "by_q3c", 0.1)),
        (what, f"{PIXELS} partitions", _cones(connection, "parted", 0.1)),
        (what, f"{PIXELS} partitions, and the pixel given",
         _cones(connection, "parted", 0.1, " AND pixel = {}")),
    ]  # fmt: skip


def _trap(connection: psycopg.Connection) -> list[Row]:
    query = (
        "SELECT count(*) FROM sample AS s, galaxies AS g"
        " WHERE q3c_join(s.ra, s.dec, g.ra, g.dec, 1 / 3600.0)"
    )
    function = "SELECT count(*) FROM labdb.crossmatch_all('sample', 'galaxies', 1 / 3600.0)"
    what = f"cross-match of {MATCHED:,} rows"
    rows = [(what, "with q3c's index", f"{_ran(connection, query)[1]:,.0f} ms")]
    connection.execute("CREATE INDEX bad ON galaxies (ra, dec)")
    connection.execute("ANALYZE galaxies")
    connection.execute(f"SET statement_timeout = '{PATIENCE}s'".encode())
    try:
        took = f"{_ran(connection, query)[1]:,.0f} ms"
    except psycopg.errors.QueryCanceled:
        took = f"stopped after {PATIENCE} s"
    connection.execute("RESET statement_timeout")
    rows.append((what, "and one more on (ra, dec)", took))
    rows.append((what, "the same, by labdb.crossmatch_all",
                 f"{_ran(connection, function)[1]:,.0f} ms"))  # fmt: skip
    connection.execute("DROP INDEX bad")
    return rows


def _blocks(connection: psycopg.Connection, rows: int) -> list[Row]:
    connection.execute(
        f"CREATE TABLE series AS SELECT 59000 + n * {NIGHTS}.0 / {rows} AS mjd, n AS expid,"
        f" repeat('x', 100) AS more FROM generate_series(0, {rows} - 1) AS n".encode()
    )
    found = []
    for name, method in (("B-tree", "btree"), ("block ranges (BRIN)", "brin")):
        connection.execute(f"CREATE INDEX asked ON series USING {method} (mjd)".encode())
        connection.execute("VACUUM ANALYZE series")
        size = connection.execute("SELECT pg_size_pretty(pg_relation_size('asked'))").fetchone()
        assert size is not None
        pages, times = _ran(
            connection, "SELECT count(more) FROM series WHERE mjd BETWEEN 59200 AND 59201"
        )
        found.append(("one night of a sorted series", f"{name}, {size[0]}",
                      f"{pages:,} pages, {times:.2f} ms"))  # fmt: skip
        connection.execute("DROP INDEX asked")
    return found


def _groups(connection: psycopg.Connection) -> list[Row]:
    query = "SELECT floor(z * 100), count(*) FROM galaxies GROUP BY 1"

    def expected() -> str:
        row = connection.execute(f"EXPLAIN (FORMAT json) {query}".encode()).fetchone()
        assert row is not None
        return f"{plan.read(row[0]).planned_rows:,.0f} groups"

    count = connection.execute("SELECT count(DISTINCT floor(z * 100)) FROM galaxies").fetchone()
    assert count is not None
    what = "groups of floor(z * 100), expected"
    rows = [(what, f"no statistics on it; there are {count[0]:,}", expected())]
    connection.execute("CREATE STATISTICS ON (floor(z * 100)) FROM galaxies")
    connection.execute("ANALYZE galaxies")
    rows.append((what, "extended statistics", expected()))
    return rows


def page(result: dict[str, Any]) -> str:
    """Return the figures as Markdown."""
    lines = [
        (
            f"Measured {result['date']} with {result['rows']:,} rows on {result['machine']}; load"
            f" average {result['load']}. Pages do not depend on the machine."
        ),
        "",
        "| Query | Table | |",
        "|---|---|---:|",
        *(f"| {' | '.join(row)} |" for row in result["figures"]),
    ]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Measure, print the table, and write it unless told not to."""
    parser = argparse.ArgumentParser(prog="python bench/plans/run.py")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--no-write", action="store_true")
    given = parser.parse_args(arguments)
    load = os.getloadavg()
    with tempfile.TemporaryDirectory(prefix="labdb-bench-") as folder:
        machine = Machine(Path(folder), Limits(cores=os.cpu_count() or 1, memory=MEMORY))
        with machine.running():
            machine.install_sky_functions()
            machine.initialise()
            machine.serve(CONFIGURATION)
            with psycopg.connect(
                machine.conninfo("postgres", "postgres"), autocommit=True
            ) as connection:
                connection.execute("CREATE EXTENSION labdb CASCADE")
                _make(connection, given.rows)
                figures = [
                    *_order(connection), *_partitions(connection), *_trap(connection),
                    *_blocks(connection, given.rows), *_groups(connection),
                ]  # fmt: skip
            description = machine.description
    result = {
        "date": datetime.now(tz=UTC).strftime("%Y-%m-%d"),
        "machine": f"{description}, Linux {platform.machine()}",
        "load": f"{load[0]:.1f} before, {os.getloadavg()[0]:.1f} after",
        "rows": given.rows,
        "figures": figures,
    }
    print(page(result))
    if not given.no_write:
        (HERE / "result.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        put(PAGE, page(result))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
