"""What a connection costs beside work_mem: its own memory, and its share of the page tables."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

import psycopg

TYPICAL = (
    "SELECT count(*) FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid",
    "SELECT * FROM galaxies WHERE targetid = 4711",
    "SELECT count(*) FROM galaxies WHERE z BETWEEN 0.1 AND 0.1001",
    "SELECT avg(logmstar) FROM galaxies WHERE ra BETWEEN 100 AND 100.01",
    "SELECT * FROM information_schema.columns WHERE table_schema = 'public'",
    "PREPARE one AS SELECT * FROM galaxies WHERE targetid = $1",
    "EXECUTE one (42)",
)


@dataclass(frozen=True, slots=True)
class ConnectionCost:
    """Bytes of one backend, 95th percentile of all: *idle*, after *typical* queries, *tables*.

    *tables* are the page tables of a backend that has read every shared buffer once.
    """

    connections: int
    idle: int
    typical: int
    tables: int


def connection_cost(conninfo: str, connections: int) -> ConnectionCost:
    """Open *connections*, let each run what a session runs, and look into /proc."""
    with ExitStack() as stack:
        opened: list[psycopg.Connection[Any]] = [
            stack.enter_context(psycopg.connect(conninfo, autocommit=True))
            for _ in range(connections)
        ]
        idle = _own(opened)
        for connection in opened:
            for query in TYPICAL:
                connection.execute(query.encode())
        typical = _own(opened)
        opened[0].execute("SELECT sum(ra + dec + z) FROM galaxies")
        opened[0].execute("CREATE EXTENSION IF NOT EXISTS pg_buffercache")
        opened[0].execute("SELECT count(*) FROM pg_buffercache WHERE isdirty")
        tables = _field(opened[0].info.backend_pid, "VmPTE")
    return ConnectionCost(connections, idle, typical, tables)


def _own(opened: list[psycopg.Connection[Any]]) -> int:
    sizes = [_field(connection.info.backend_pid, "RssAnon") for connection in opened]
    return round(quantiles(sizes, n=20)[-1])


def _field(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise KeyError(name)
