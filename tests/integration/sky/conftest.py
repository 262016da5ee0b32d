"""A real PostgreSQL 16 with q3c, cube and the sky functions, in a container without a network."""

import io
import math
import os
import shutil
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from bench import postgresql16

from labdb.lab.engine import engine

PROGRAMS = "/usr/lib/postgresql/16/bin"
START = f"""
chmod 777 /sockets
su postgres -c '{PROGRAMS}/initdb -D /var/lib/postgresql/sky -A trust -U postgres' > /dev/null
su postgres -c '{PROGRAMS}/pg_ctl -D /var/lib/postgresql/sky -l /tmp/log -w -o \
  "-c listen_addresses= -c fsync=off -c jit=off -k /sockets" start' > /dev/null
"""


def _archive(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, text in files.items():
            content = text.encode()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(content), 0o644, int(time.time())
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


class Container:
    """The container: programs in it, and connections to its server."""

    def __init__(self, container: Any, sockets: Path) -> None:
        self._container = container
        self._sockets = sockets

    def run(self, command: str) -> str:
        status, output = self._container.exec_run(["/bin/sh", "-ec", command])
        assert status == 0, output.decode()
        text: str = output.decode()
        return text

    def connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(
            f"host={self._sockets} user=postgres dbname={database}", autocommit=True
        )


@pytest.fixture(scope="session")
def container() -> Iterator[Container]:
    # Short: a socket path has 107 bytes.
    sockets = Path("/tmp") / f"labdb-sky-{os.getpid()}"
    sockets.mkdir(mode=0o700)
    started = engine().containers.run(
        postgresql16.image(),
        ["sleep", "infinity"],
        detach=True,
        init=True,
        network_mode="none",
        shm_size="1g",
        volumes={str(sockets): {"bind": "/sockets", "mode": "rw"}},
    )
    try:
        started.put_archive(postgresql16.EXTENSIONS, _archive(postgresql16.sky_functions()))
        found = Container(started, sockets)
        found.run(START)
        with found.connect("postgres") as connection:
            connection.execute("CREATE DATABASE sky")
        with found.connect("sky") as connection:
            connection.execute("CREATE EXTENSION labdb CASCADE")
        yield found
    finally:
        started.remove(force=True)
        shutil.rmtree(sockets)


class Sky:
    """A connection that fills tables and answers with arrays."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection

    def table(self, name: str, **columns: Any) -> None:
        """Make a temporary table of numbers; its key is the number of the row."""
        kinds = {"i": "bigint", "f": "double precision"}
        typed = [f"{key} {kinds[np.asarray(value).dtype.kind]}" for key, value in columns.items()]
        self.connection.execute(f"DROP TABLE IF EXISTS {name}")
        self.connection.execute(f"CREATE TEMP TABLE {name} (targetid bigint, {', '.join(typed)})")
        rows = zip(*(np.asarray(value).tolist() for value in columns.values()), strict=True)
        with self.connection.cursor().copy(f"COPY {name} FROM STDIN") as copy:
            for number, row in enumerate(rows):
                copy.write_row((number, *(None if math.isnan(value) else value for value in row)))

    def index(self, name: str) -> None:
        self.connection.execute(f"CREATE INDEX ON {name} (q3c_ang2ipix(ra, dec))")
        self.connection.execute(f"ANALYZE {name}")

    def rows(self, query: str, *arguments: Any) -> list[tuple[Any, ...]]:
        return self.connection.execute(query, arguments or None).fetchall()

    def array(self, query: str, *arguments: Any) -> Any:
        return np.array(self.rows(query, *arguments), dtype=float)

    def plan(self, query: str) -> str:
        return "\n".join(row[0] for row in self.rows(f"EXPLAIN {query}"))


@pytest.fixture
def sky(container: Container) -> Iterator[Sky]:
    with container.connect("sky") as connection:
        yield Sky(connection)
