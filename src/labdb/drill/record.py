"""Fingerprints of every table at a restore point: what a restore to that point must give back.

A snapshot and a position in the WAL show the same rows only where no transaction was under way
between the two. So a restore point is made, a snapshot is opened in every database, and both
count where no transaction number was given out meanwhile and none was in use; else once more.
"""

import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, cast

from labdb.domain.recovery.records import FILES, Record, is_still
from labdb.drill.process import ask, query
from labdb.drill.settings import Settings
from labdb.errors import RunError

TRIES = 120
PAUSE_SECONDS = 0.5
KEPT = 100
"""A record for each backup of a month and more."""


class Session:
    """A psql that stays open, asked one question after the other."""

    def __init__(self, port: int, database: str) -> None:
        options = ("--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1")
        self.database = database
        self.process = subprocess.Popen(
            ["psql", *options, f"--port={port}", f"--dbname={database}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        pipes = (self.process.stdin, self.process.stdout, self.process.stderr)
        self.question, self.answer, self.complaint = (cast("IO[str]", pipe) for pipe in pipes)

    def ask(self, sql: str) -> str:
        """Return the line that *sql* answers with.

        Raises:
            RunError: PostgreSQL refused, in its own words.
        """
        self.question.write(f"{sql}\n")
        self.question.flush()
        line = self.answer.readline()
        if not line:
            said = self.complaint.read().strip()
            raise RunError(
                f"database {self.database} does not answer",
                why=said,
                hint="systemctl start labdb-fingerprints.service when it does",
            )
        return line.strip()

    def close(self) -> None:
        """End the session, and with it its transaction."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate()


@contextmanager
def _sessions(port: int, databases: Sequence[str]) -> Iterator[list[Session]]:
    with ExitStack() as stack:
        opened = []
        for database in databases:
            session = Session(port, database)
            stack.callback(session.close)
            opened.append(session)
        yield opened


def record(settings: Settings) -> Path:
    """Make a restore point, write what every table holds there, and return the file.

    Raises:
        RunError: PostgreSQL does not answer, or was never still for a moment.
    """
    databases = ask([f"--port={settings.port}"], query("databases"))
    for _ in range(TRIES):
        with _sessions(settings.port, databases) as sessions:
            point = _restore_point(sessions)
            if point is not None:
                return _write(settings, point, sessions)
        time.sleep(PAUSE_SECONDS)
    raise RunError(
        "fingerprints were not taken",
        why=f"at none of {TRIES} tries was PostgreSQL without a transaction that writes",
        hint="systemctl start labdb-fingerprints.service when no load runs",
    )


def _restore_point(sessions: Sequence[Session]) -> dict[str, str] | None:
    """Return a restore point that every session's snapshot shows; None when it does not."""
    # The clock that commits are stamped by.
    told = json.loads(sessions[0].ask("SELECT to_json(clock_timestamp());"))
    now = datetime.fromisoformat(told).astimezone(UTC)
    # Recovery stops at the first point of a name: no two tries may share one.
    name = f"labdb {now:%Y-%m-%d %H:%M:%S.%f}"
    before = sessions[0].ask("SELECT pg_current_snapshot();")
    lsn = sessions[0].ask(f"SELECT pg_create_restore_point('{name}');")
    timeline = sessions[0].ask("SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8);")
    begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT pg_current_snapshot();"
    seen = [session.ask(begin) for session in sessions]
    if not is_still(before, seen):
        return None
    return {"name": name, "time": now.isoformat(), "lsn": lsn, "timeline": timeline}


def _write(settings: Settings, point: dict[str, str], sessions: Sequence[Session]) -> Path:
    # The query begins a transaction of its own kind; in one of the same kind that is a warning.
    holds: dict[str, Any] = {
        session.database: {
            "extensions": json.loads(session.ask(query("extensions"))),
            "tables": json.loads(session.ask(query("fingerprint"))),
        }
        for session in sessions
    }
    made = Record.of(point | {"databases": holds})
    settings.records.mkdir(parents=True, exist_ok=True)
    path = settings.records / made.file_name
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(point | {"databases": holds}), encoding="utf-8")
    partial.replace(path)
    for old in sorted(settings.records.glob(FILES))[:-KEPT]:
        old.unlink()
    return path


def records(settings: Settings) -> tuple[Record, ...]:
    """Return what was recorded, oldest first."""
    return tuple(
        Record.of(json.loads(path.read_text(encoding="utf-8")))
        for path in sorted(settings.records.glob(FILES))
    )
