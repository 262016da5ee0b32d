"""How fast catalogues load, against the limit: PostgreSQL reading a stream that is ready.

python bench/catalogue/run.py CONNINFO FOLDER [--scale 0.1] [--jobs 1]

FOLDER gets the survey's FITS files once. Both ways write the same rows into tables of the same
form, one after the other, in schemas that are made anew and dropped. Run it on a machine that has
nothing else to do; processor times tell something on a busy one too.
"""

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import psycopg

# A script finds its neighbours by the tree that it stands in.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from bench.desi import fits, galaxies

from labdb.adapters.catalogue import models, tables
from labdb.adapters.catalogue.tables import Target
from labdb.domain.catalogue import pgcopy
from labdb.operations.catalogue.inspection import inspect
from labdb.operations.catalogue.load import Request, load
from labdb.operations.catalogue.one_file import How
from labdb.operations.catalogue.parts import Asked, Fitted, fitted, open_part, parts
from labdb.operations.catalogue.stream import Stream

LIMIT, OURS = "bench_limit", "bench_ours"


@dataclass(frozen=True, slots=True)
class Silent:
    """A watcher that says nothing."""

    def say(self, what: str) -> None:
        """Say nothing."""

    def expect(self, rows: int) -> None:
        """Say nothing."""

    def advance(self, rows: int) -> None:
        """Say nothing."""


def files(folder: Path, scale: float) -> list[Path]:
    """Return the galaxies' files in *folder*, written now where it is empty."""
    folder.mkdir(parents=True, exist_ok=True)
    if not any(folder.glob("fastspec*.fits")):
        how = fits.How(seed=1, scale=scale, quirks=True)
        for piece in galaxies.generate(how.seed, how.scale):
            fits.write_galaxies(folder, piece, how)
    return sorted(folder.glob("fastspec*.fits"))


def encode(one: Fitted) -> Iterator[bytes]:
    """Yield the whole COPY stream of a file, as a load sends it."""
    source = open_part(one.part)
    yield pgcopy.HEADER
    yield from Stream(source, one, inspect(source, one).rows, 1, lambda _: None)
    yield pgcopy.TRAILER
    source.close()


def limit(conninfo: str, found: list[Fitted], scratch: Path) -> dict[str, Any]:
    """Return what encoding alone takes, and what PostgreSQL alone takes."""
    begin = time.process_time()
    for number, one in enumerate(found):
        with (scratch / f"{number}.copy").open("wb") as out:
            out.writelines(encode(one))
    encoding = time.process_time() - begin
    seconds = 0.0
    with psycopg.connect(conninfo, autocommit=True) as connection:
        fresh(connection, LIMIT)
        table = found[0].part.table
        tables.create(connection, Target(LIMIT, table.name), table)
        names = [column.name for column in table.columns]
        for number in range(len(found)):
            prepared = scratch / f"{number}.copy"
            start = time.monotonic()
            with prepared.open("rb") as stream:
                _raw(connection, Target(LIMIT, table.name), names, _pieces(stream))
            seconds += time.monotonic() - start
            prepared.unlink()
        connection.execute(f"DROP SCHEMA {LIMIT} CASCADE".encode())
    return {"encoding_cpu_seconds": encoding, "copy_seconds": seconds}


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    while piece := stream.read(1 << 20):
        yield piece


def _raw(
    connection: psycopg.Connection, target: Target, names: list[str], pieces: Iterator[bytes]
) -> None:
    columns = ", ".join(f'"{name}"' for name in names)
    statement = f"COPY {target} ({columns}) FROM STDIN (FORMAT binary)"
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as copying:
        for piece in pieces:
            copying.write(piece)


def ours(conninfo: str, paths: list[Path], asked: Asked, jobs: int) -> dict[str, Any]:
    """Return what a load takes: rows, then indexes, key and statistics."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        fresh(connection, OURS)
        begin = time.process_time()
        report = load(Request(paths, asked, How(conninfo), jobs), Silent())
        spent = time.process_time() - begin
        connection.execute(f"DROP SCHEMA {OURS} CASCADE".encode())
    return {f"{phase.name}_seconds": phase.seconds for phase in report.phases} | {
        "client_cpu_seconds": spent
    }


def fresh(connection: psycopg.Connection, schema: str) -> None:
    """Make *schema*, empty."""
    connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE".encode())
    connection.execute(f"CREATE SCHEMA {schema}".encode())


def main(arguments: list[str]) -> int:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(prog="python bench/catalogue/run.py")
    parser.add_argument("conninfo")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scale", type=float, default=0.1)
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args(arguments)
    paths = files(given.folder, given.scale)
    asked = Asked(models.load("fastspecfit"), OURS)
    found = fitted(parts(asked, paths)[0])
    rows = sum(one.rows for one in found)
    mine = ours(given.conninfo, paths, asked, given.jobs)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    most = limit(given.conninfo, found, given.folder)
    print(
        json.dumps(
            {
                "rows": rows,
                "columns": len(found[0].part.table.columns),
                "bytes": sum(path.stat().st_size for path in paths),
                "jobs": given.jobs,
                "load_average": os.getloadavg()[0],
                "peak_memory_mb": memory / 1024,
                **mine,
                **most,
                "rows_per_second": rows / mine["rows_seconds"],
                "rows_per_client_cpu_second": rows / mine["client_cpu_seconds"],
                "share_of_the_limit": most["copy_seconds"] / mine["rows_seconds"],
            },
            indent=1,
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
