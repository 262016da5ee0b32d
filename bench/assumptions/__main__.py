"""Measure what the tuning formulas assume: a connection's memory, costs, rates of replay.

python -m bench.assumptions [--rows 2000000] [--json FILE]
"""

import argparse
import json
import os
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from bench.assumptions.connections import connection_cost
from bench.assumptions.costs import planner_costs
from bench.assumptions.replay import LOAD, SCATTERED, replay
from tests.postgres16 import Postgres16, installed

from labdb.domain.tuning import Inputs, tune
from labdb.domain.tuning.inputs import Load, Machine
from labdb.lab.mirror import sources
from labdb.size import human_size
from labdb.spec import WorkloadKind

GB = 1 << 30
CONNECTIONS = 200
NOT_HERE = ("logging_collector", "temp_file_limit")
TABLE = """
CREATE TABLE galaxies AS
SELECT i AS targetid, random() * 360 AS ra, random() * 98 - 19 AS dec, random() * 0.5 AS z,
       random()::real AS z_err, (9 + random() * 3)::real AS logmstar, random()::real AS e1,
       random()::real AS sfr, random()::real AS e2, random()::real AS age_gyr,
       random()::real AS metallicity, random()::real AS d4000, (i % 12)::integer AS healpix_id,
       'fastspec-iron-main-bright-nside1-hp00.fits' AS source_file, now() AS ingestion_timestamp
  FROM generate_series(1, {rows}) AS i
"""


def measure(rows: int) -> dict[str, Any]:
    """Return every figure, measured on one server that is tuned for this machine and 8 GB."""
    machine = Machine(cores=os.cpu_count() or 1, memory=8 * GB, disk=250 * GB)
    load = Load(WorkloadKind.MIXED, connections=CONNECTIONS + 10, analysts=4, data=60 * GB)
    settings = tune(Inputs(machine, load)).settings
    with (
        tempfile.TemporaryDirectory(prefix="labdb-bench-") as top,
        installed(sources.load().postgresql, Path(top)) as server,
    ):
        data = server.initialise("assumptions")
        lines = [f"{item.name} = '{item.value}'" for item in settings if item.name not in NOT_HERE]
        (data / "postgresql.auto.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
        server.start(data)
        try:
            return _measured(server, data, rows)
        finally:
            server.stop(data)


def _measured(server: Postgres16, data: Path, rows: int) -> dict[str, Any]:
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute(TABLE.format(rows=rows).encode())
        connection.execute("ALTER TABLE galaxies ADD PRIMARY KEY (targetid)")
        connection.execute("CREATE INDEX ON galaxies (z)")
        connection.execute("CREATE INDEX ON galaxies (ra)")
        connection.execute("VACUUM ANALYZE galaxies")
        connection.execute("CREATE TABLE loaded (LIKE galaxies)")
    cost = connection_cost(server.conninfo, CONNECTIONS)
    costs = planner_costs(server.conninfo, rows)
    runs = [
        replay(server, data, "bulk load", LOAD.format(rows=rows)),
        replay(server, data, "scattered updates", SCATTERED.format(every=10)),
    ]
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "rows": rows,
        "connection": asdict(cost),
        "costs": asdict(costs),
        "wal": [
            asdict(run) | {"write_rate": run.write_rate, "replay_rate": run.replay_rate}
            for run in runs
        ],
        "wal_per_loaded_row": runs[0].wal / rows,
    }


def main() -> None:
    """Measure, tell, and keep the figures where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found = measure(given.rows)
    cost = found["connection"]
    print(f"a connection: {human_size(cost['idle'])} idle, {human_size(cost['typical'])} after")
    print(f"  typical queries; page tables after all buffers {human_size(cost['tables'])}")
    costs = found["costs"]
    print(f"the planner's unit: {costs['unit'] * 1e6:.1f} microseconds; in units, all cached:")
    for name in ("parallel_setup_cost", "parallel_tuple_cost"):
        print(f"  {name} {costs[name]:.3g}")
    print(
        f"  cpu_index_tuple_cost {costs['bitmap_tuple']:.3g} in a bitmap scan, "
        f"{costs['index_scan_tuple']:.3g} in an index scan"
    )
    for run in found["wal"]:
        print(
            f"{run['work']}: {human_size(run['wal'])} of WAL, written at "
            f"{human_size(run['write_rate'])}/s, replayed at {human_size(run['replay_rate'])}/s"
        )
    print(f"WAL of a loaded row: {found['wal_per_loaded_row']:.0f} bytes")
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
