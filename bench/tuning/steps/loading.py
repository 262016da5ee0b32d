"""A bulk load as the lab does it: COPY, indexes, VACUUM ANALYZE, by the loader's role."""

import time
from typing import Any

import psycopg
from bench.tuning import cgroup
from bench.tuning.stand import Stand
from bench.tuning.steps.queries import said, wait_until_up

TABLE = "fastspecfit_galaxies"
SOURCE = f"raw_catalogs.{TABLE}"
TARGET = f"loading.{TABLE}"
INDEXES = (
    f"ALTER TABLE {TARGET} ADD PRIMARY KEY (targetid)",
    f"CREATE INDEX ON {TARGET} (q3c_ang2ipix(ra, dec))",
    f"CREATE INDEX ON {TARGET} (z)",
    f"CREATE INDEX ON {TARGET} (logmstar)",
    f"CREATE INDEX ON {TARGET} (sfr)",
)


def measure(stand: Stand) -> dict[str, Any]:
    """Return the seconds of each part of a load; the loaded table is dropped again."""
    table = stand.tables[TABLE]
    figures: dict[str, Any] = {}
    try:
        with cgroup.watch(stand.machine.cgroup) as peak, stand.connect("loader") as connection:
            connection.execute("DROP SCHEMA IF EXISTS loading CASCADE")
            connection.execute("CREATE SCHEMA loading")
            connection.execute(f"CREATE TABLE {TARGET} (LIKE {SOURCE})")
            started = time.perf_counter()
            stand.copy(connection, table, table.copy_statement("loading"))
            figures["copy"] = time.perf_counter() - started
            started = time.perf_counter()
            for statement in INDEXES:
                connection.execute(statement)
            figures["index build"] = time.perf_counter() - started
            started = time.perf_counter()
            connection.execute(f"VACUUM (ANALYZE) {TARGET}")
            figures["vacuum analyze"] = time.perf_counter() - started
            connection.execute("DROP SCHEMA loading CASCADE")
    except psycopg.Error as error:
        figures["failure"] = said(error)
        wait_until_up(stand)
    return figures | {"memory": peak.as_json()}
