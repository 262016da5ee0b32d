"""Load the rows of one file into one table: all of them or none, in one transaction."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from labdb import __version__
from labdb.adapters.catalogue import ledger, tables
from labdb.adapters.catalogue.ahead import ahead
from labdb.adapters.catalogue.connection import connect, told
from labdb.adapters.catalogue.file_state import State, changed, sha256, state
from labdb.adapters.catalogue.source import Source
from labdb.domain.catalogue.rejection import Rejections
from labdb.errors import RefusedError, RunError
from labdb.operations.catalogue.inspection import inspect
from labdb.operations.catalogue.parts import Fitted, open_part
from labdb.operations.catalogue.room import make_room
from labdb.operations.catalogue.stream import Stream


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a part: *status* is ``loaded``, ``replaced`` or ``there`` already."""

    file: str
    table: str
    status: str
    rows: int = 0
    rejected: dict[str, int] | None = None
    nulls: dict[str, dict[str, int]] | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class How:
    """How files are loaded."""

    conninfo: str
    replace: bool = False
    max_rejects: int = 0


@dataclass(frozen=True, slots=True)
class _Opened:
    """A part's open file, and the state that the file had before."""

    source: Source
    fitted: Fitted
    before: State


def load(fitted: Fitted, how: How, progress: Callable[[int], None]) -> Loaded:
    """Load a part on a connection of its own.

    Raises:
        RunError: the file is damaged, changed while it was read, or has more bad rows than are
            allowed; or PostgreSQL did not take it. Nothing of it is in the table then.
        RefusedError: the file is another one than the one that was loaded under its name, or it
            has rows of a partition that was detached.
        UnreachableError: there is no connection.
    """
    part = fitted.part
    sent = 0

    def count(rows: int) -> None:
        nonlocal sent
        sent += rows
        progress(rows)

    before = state(part.path.stat())
    source = open_part(part)
    try:
        with told(part.path.name), connect(how.conninfo, str(part.target)) as connection:
            return _load(connection, _Opened(source, fitted, before), how, count)
    except BaseException:
        progress(-sent)
        raise
    finally:
        source.close()


def _load(
    connection: psycopg.Connection, opened: _Opened, how: How, progress: Callable[[int], None]
) -> Loaded:
    source, fitted = opened.source, opened.fitted
    part, target = fitted.part, fitted.part.target
    begin = time.monotonic()
    entry = ledger.hold(connection, target.schema, target.name, part.path.name)
    digest = sha256(part.path)
    if entry.finished and entry.sha256 == digest:
        return Loaded(part.path.name, str(target), "there", entry.rows_loaded or 0)
    if entry.finished and not how.replace:
        raise another(part.path.name, str(target))
    source.verify()
    inspected = inspect(source, fitted)
    refuse_rejections(part.path.name, inspected.rejections, how.max_rejects)
    make_room(part, how.conninfo, inspected.spans)
    if entry.finished:
        tables.delete(connection, target, entry.source_id)
    stream = Stream(source, fitted, inspected.rows, entry.source_id, progress)
    taken = tables.copy(connection, target, stream.columns, ahead(stream))
    if state(part.path.stat()) != opened.before and sha256(part.path) != digest:
        raise changed(part.path)
    wanted = fitted.rows - inspected.rejections.count
    if not taken == stream.rows == wanted:
        raise RunError(
            f"{part.path.name}: PostgreSQL took {taken:,} rows of {wanted:,}",
            hint="run the load again; if it happens again, please report it",
        )
    done = Loaded(
        part.path.name,
        str(target),
        "replaced" if entry.finished else "loaded",
        taken,
        dict(inspected.rejections.reasons),
        {name: dict(causes) for name, causes in stream.nulls.items()},
        time.monotonic() - begin,
    )
    ledger.finish(
        connection,
        target.schema,
        target.name,
        entry.source_id,
        ledger.Outcome(
            sha256=digest,
            size_bytes=fitted.size,
            hdus=fitted.hdus,
            rows_read=fitted.rows,
            rows_loaded=taken,
            rejected=done.rejected or {},
            nulls=done.nulls or {},
            column_map=fitted.column_map,
            model_version=part.table.model_version,
            code_version=__version__,
            seconds=done.seconds,
        ),
    )
    return done


def another(file: str, table: str) -> RefusedError:
    """Return the error that *file* is not the one that was loaded."""
    return RefusedError(
        f"{file} has changed since it was loaded into {table}",
        why="its SHA-256 is another than that in the ledger",
        hint="--replace takes the rows of the old file away and loads the new one, in one "
        "transaction",
    )


def refuse_rejections(file: str, rejections: Rejections, allowed: int) -> None:
    """Raise the error that a file has more bad rows than are *allowed*, if it has.

    Raises:
        RunError: it has; the message tells how many for each reason, and the first ones.
    """
    if rejections.count <= allowed:
        return
    reasons = ", ".join(f"{count:,} x {reason}" for reason, count in rejections.reasons.items())
    first = "\n".join(str(rejected) for rejected in rejections.first)
    raise RunError(
        f"{file}: {rejections.count:,} rows cannot be loaded, {allowed:,} are allowed",
        why=f"{reasons}\n{first}",
        hint="--max-rejects N leaves up to N rows of each file out, and counts them in the ledger",
    )
