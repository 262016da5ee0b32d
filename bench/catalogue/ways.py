"""The ways to load: the limit, labdb, ADBC, pandas and CSV, an ORM; each makes its table."""

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import psycopg
from astropy.table import Table as AstropyTable

from labdb.adapters.catalogue import models, tables
from labdb.adapters.catalogue.parquet_out import TYPES
from labdb.adapters.catalogue.tables import Target
from labdb.domain.catalogue import pgcopy
from labdb.domain.catalogue.kind import Kind
from labdb.domain.catalogue.table import Table
from labdb.operations.catalogue.complete import complete
from labdb.operations.catalogue.inspection import inspect
from labdb.operations.catalogue.parts import Asked, Fitted, fitted, open_part, parts
from labdb.operations.catalogue.stream import Stream

MODEL = "fastspecfit"
SCHEMA = "bench_catalogue"
PIECE = 1 << 20
CHUNK = 50_000
"""Rows that DESI's own loader adds to its session at a time."""
ORM_ROWS = 2 * CHUNK


class Silent:
    """A watcher that says nothing."""

    def say(self, what: str) -> None:
        """Say nothing."""

    def expect(self, rows: int) -> None:
        """Say nothing."""

    def advance(self, rows: int) -> None:
        """Say nothing."""


class Peak(threading.Thread):
    """Watches the most memory that a process ever had.

    ``ru_maxrss`` tells no less than what the process that began it had: fork comes before exec.
    """

    def __init__(self, number: int) -> None:
        super().__init__(daemon=True)
        self._status = Path(f"/proc/{number}/status")
        self._kilobytes = 0
        self.start()

    def run(self) -> None:
        """Read VmHWM, which only grows, until the process has gone."""
        with contextlib.suppress(OSError):
            while found := re.search(r"VmHWM:\s+(\d+) kB", self._status.read_text()):
                self._kilobytes = int(found[1])
                time.sleep(0.02)

    def megabytes(self) -> float:
        """Return the last reading, once the process has ended."""
        self.join()
        return self._kilobytes / 1024


def _parts(paths: list[Path]) -> list[Fitted]:
    return fitted(parts(Asked(models.load(MODEL), SCHEMA), paths)[0])


def _fresh(connection: psycopg.Connection) -> None:
    connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE".encode())
    connection.execute(f"CREATE SCHEMA {SCHEMA}".encode())
    connection.execute("CHECKPOINT")


def _made(connection: psycopg.Connection, table: Table) -> Target:
    target = Target(SCHEMA, table.name)
    tables.create(connection, target, table)
    return target


def _encoded(one: Fitted) -> Iterator[bytes]:
    """Yield the whole COPY stream of a file, as a load sends it."""
    source = open_part(one.part)
    yield pgcopy.HEADER
    inspected = inspect(source, one)
    yield from Stream(source, one, inspected.windows, 1, lambda _: None)
    yield pgcopy.TRAILER
    inspected.close()
    source.close()


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    while piece := stream.read(PIECE):
        yield piece


def limit(conninfo: str, paths: list[Path], spent: Callable[[], float]) -> dict[str, float]:
    """Send prepared streams: PostgreSQL's own work, and next to none besides."""
    found = _parts(paths)
    table = found[0].part.table
    seconds = server = 0.0
    with psycopg.connect(conninfo, autocommit=True) as connection:
        _fresh(connection)
        target = _made(connection, table)
        columns = ", ".join(f'"{column.name}"' for column in table.columns)
        statement = f"COPY {target} ({columns}) FROM STDIN (FORMAT binary)".encode()
        for one in found:
            with tempfile.TemporaryFile() as prepared:
                prepared.writelines(_encoded(one))
                prepared.seek(0)
                begin, before = time.monotonic(), spent()
                with connection.cursor() as cursor, cursor.copy(statement) as copying:
                    for piece in _pieces(prepared):
                        copying.write(piece)
                seconds += time.monotonic() - begin
                server += spent() - before
    return {
        "rows": sum(one.rows for one in found),
        "largest": max(one.rows for one in found),
        "bytes": sum(path.stat().st_size for path in paths),
        "columns": len(table.columns),
        "copy": seconds,
        "server_cpu": server,
    }


def ours(
    conninfo: str, paths: list[Path], jobs: int, spent: Callable[[], float]
) -> dict[str, float]:
    """Run ``labdb catalogue load`` as a process of its own."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        _fresh(connection)
    command = [sys.executable, "-m", "labdb", "catalogue", "load", *map(str, paths), "--model",
               MODEL, "--schema", SCHEMA, "--conninfo", conninfo, "--jobs", str(jobs),
               "--json"]  # fmt: skip
    before = spent()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        peak = Peak(process.pid)
        told = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    answer: dict[str, Any] = json.loads(told)
    if answer["error"] is not None:
        raise RuntimeError(answer["error"])
    phases = {phase["name"]: phase["seconds"] for phase in answer["phases"]}
    return {
        "look": phases["look"],
        "rows": phases["rows"],
        "indexes": phases["indexes"],
        "copy": sum(one["copy_seconds"] for one in answer["data"]["parts"]),
        "client_cpu": usage.ru_utime + usage.ru_stime,
        "server_cpu": spent() - before,
        "memory_mb": peak.megabytes(),
    }


def lab(conninfo: str, paths: list[Path]) -> dict[str, float]:
    """Load by astropy, pandas, CSV and COPY, one file after the other, as the lab's script does."""
    found = _parts(paths)
    table = found[0].part.table
    with psycopg.connect(conninfo, autocommit=True) as connection:
        _fresh(connection)
        target = _made(connection, table)
        begin = time.monotonic()
        for number, one in enumerate(found, start=1):
            frame = _frame(one)
            frame["source_id"] = number
            text = io.StringIO()
            frame.to_csv(text, index=False, header=False)
            columns = ", ".join(f'"{name}"' for name in frame.columns)
            statement = f"COPY {target} ({columns}) FROM STDIN (FORMAT csv)".encode()
            with connection.cursor() as cursor, cursor.copy(statement) as copying:
                copying.write(text.getvalue())
        rows = time.monotonic() - begin
        begin = time.monotonic()
        complete(connection, {target: table}, {target}, Silent())
        return {"rows": rows, "indexes": time.monotonic() - begin}


def adbc(conninfo: str, paths: list[Path]) -> dict[str, float]:
    """Let the ADBC driver encode and COPY Arrow tables that are in memory: its part alone."""
    import pyarrow as pa  # noqa: PLC0415 - only this way needs it
    from adbc_driver_postgresql import dbapi  # noqa: PLC0415 - the same

    found = _parts(paths)
    table = found[0].part.table
    with psycopg.connect(conninfo, autocommit=True) as connection:
        _fresh(connection)
        _made(connection, table)
    seconds = 0.0
    for number, one in enumerate(found, start=1):
        frame = _frame(one).assign(source_id=number)
        kinds = {column.name: TYPES[column.kind] for column in table.columns}
        schema = pa.schema([(name, kinds[name]) for name in frame.columns])
        arrow = pa.Table.from_pandas(frame, schema, preserve_index=False)
        with dbapi.connect(conninfo) as session, session.cursor() as cursor:
            begin = time.monotonic()
            cursor.adbc_ingest(table.name, arrow, mode="append", db_schema_name=SCHEMA)
            session.commit()
            seconds += time.monotonic() - begin
    return {"copy": seconds}


def _frame(one: Fitted) -> Any:
    """Return a file as a table of pandas, its columns called as in the database."""
    import pandas as pd  # noqa: PLC0415 - slow to import, and only this way needs it

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # units that astropy does not know
        pieces = {
            name: AstropyTable.read(one.part.path, hdu=name, unit_parse_strict="silent")
            for name in one.hdus
        }
    given = {}
    for filled in one.filled:
        if filled.source is not None:
            column = pieces[filled.source.hdu][filled.source.name]
            values = column.astype(str) if filled.column.kind is Kind.TEXT else column
            given[filled.column.name] = AstropyTable({"v": values}).to_pandas()["v"]
    frame = pd.DataFrame(given)
    position = one.part.table.position
    if position is not None:
        frame[position[0]] = frame[position[0]] % 360
    return frame.assign(**one.part.constants)


def orm(conninfo: str, paths: list[Path]) -> dict[str, float]:
    """Add objects to a session of SQLAlchemy in chunks, as DESI's loader does; some of the rows."""
    import sqlalchemy as sa  # noqa: PLC0415 - slow to import, and only this way needs it
    from sqlalchemy.orm import Session, declarative_base  # noqa: PLC0415 - the same

    found = _parts(paths)
    table = found[0].part.table
    kinds = {Kind.TEXT: sa.Text, Kind.LONG: sa.BigInteger, Kind.INT: sa.Integer,
             Kind.SHORT: sa.SmallInteger, Kind.FLOAT: sa.REAL, Kind.DOUBLE: sa.Double,
             Kind.BOOLEAN: sa.Boolean, Kind.TIMESTAMP: sa.DateTime}  # fmt: skip
    fields: dict[str, Any] = {
        column.name: sa.Column(kinds[column.kind], primary_key=column.name in table.key)
        for column in table.columns
    }
    base: Any = declarative_base()
    mapped = type("Row", (base,), fields | {
        "__tablename__": table.name, "__table_args__": {"schema": SCHEMA},
    })  # fmt: skip
    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(conninfo))
    with psycopg.connect(conninfo, autocommit=True) as connection:
        _fresh(connection)
        _made(connection, table)
    done, begin = 0, time.monotonic()
    for number, one in enumerate(found, start=1):
        frame = _frame(one).astype(object)
        frame["source_id"] = number
        rows = frame.where(frame.notna(), None).to_dict("records")
        for start in range(0, len(rows), CHUNK):
            chunk = rows[start : start + CHUNK]
            with Session(engine) as session:
                session.add_all([mapped(**row) for row in chunk])
                session.commit()
            done += len(chunk)
            if done >= ORM_ROWS:
                return {"rows": time.monotonic() - begin, "count": done}
    return {"rows": time.monotonic() - begin, "count": done}
