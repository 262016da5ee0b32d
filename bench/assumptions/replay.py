"""How fast WAL is written by a load and by scattered updates, and how fast a crash replays it."""

import re
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg
from tests.postgres16 import Postgres16

LOAD = "INSERT INTO loaded SELECT * FROM galaxies LIMIT {rows}"
SCATTERED = "UPDATE galaxies SET sfr = sfr + 1 WHERE targetid % {every} = 0"
DONE = re.compile(r"redo done at .* elapsed: ([0-9.]+) s")


@dataclass(frozen=True, slots=True)
class Replayed:
    """*wal* bytes that one kind of work wrote in *written* seconds and *replayed* seconds."""

    work: str
    wal: int
    written: float
    replayed: float

    @property
    def write_rate(self) -> float:
        """WAL written, bytes a second."""
        return self.wal / self.written

    @property
    def replay_rate(self) -> float:
        """WAL replayed, bytes a second."""
        return self.wal / self.replayed


def replay(server: Postgres16, data: Path, work: str, statement: str) -> Replayed:
    """Run *statement*, kill the server at once, and read how long its recovery took."""
    log = server.scratch / f"{data.name}.log"
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        first = _position(connection)
        begin = time.monotonic()
        connection.execute(statement.encode())
        seconds = time.monotonic() - begin
        wal = _position(connection) - first
    server.run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
    before = log.stat().st_size
    server.start(data)
    said = log.read_bytes()[before:].decode()
    found = DONE.search(said)
    if found is None:
        raise RuntimeError(f"the log tells of no recovery: {said}")
    return Replayed(work, wal, seconds, float(found[1]))


def _position(connection: psycopg.Connection[tuple[int]]) -> int:
    row = connection.execute("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint").fetchone()
    if row is None:
        raise RuntimeError("no position")
    return row[0]
