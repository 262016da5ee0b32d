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
from labdb.operations.catalogue.inspection import Inspected, inspect
from labdb.operations.catalogue.parts import Fitted, open_part
from labdb.operations.catalogue.room import make_room
from labdb.operations.catalogue.stream import Stream


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a part: *status* is ``loaded``, ``replaced`` or ``there`` already.

    *seconds* are those of reading and sending, *copy_seconds* those in which COPY took rows.
    """

    file: str
    table: str
    status: str
    rows: int = 0
    rejected: dict[str, int] | None = None
    nulls: dict[str, dict[str, int]] | None = None
    seconds: float = 0.0
    copy_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class How:
    """How files are loaded."""

    conninfo: str
    replace: bool = False
    max_rejects: int = 0


@dataclass(frozen=True, slots=True)
class Ready:
    """A part that was read once: its open file, the state and sum of that, and what it found."""

    source: Source
    fitted: Fitted
    before: State
    digest: str
    inspected: Inspected
    seconds: float


def read(fitted: Fitted, how: How) -> Ready:
    """Read a part once, without a database: other parts may be sent meanwhile.

    Raises:
        RunError: the file is damaged, or has more bad rows than are allowed.
    """
    begin = time.monotonic()
    part = fitted.part
    before = state(part.path.stat())
    source = open_part(part)
    try:
        digest = sha256(part.path)
        source.verify()
        inspected = inspect(source, fitted)
    except BaseException:
        source.close()
        raise
    try:
        refuse_rejections(part.path.name, inspected.rejections, how.max_rejects)
    except BaseException:
        source.close()
        inspected.close()
        raise
    return Ready(source, fitted, before, digest, inspected, time.monotonic() - begin)


def leave(ready: Ready) -> None:
    """Let go of a part's file, and of what was kept of its rows."""
    ready.source.close()
    ready.inspected.close()


def send(ready: Ready, how: How, progress: Callable[[int], None]) -> Loaded:
    """Load a part on a connection of its own, and let go of its file.

    Raises:
        RunError: the file changed while it was read, or PostgreSQL did not take it. Nothing of
            it is in the table then.
        RefusedError: the file is another one than the one that was loaded under its name, or it
            has rows of a partition that was detached.
        UnreachableError: there is no connection.
    """
    part = ready.fitted.part
    sent = 0

    def count(rows: int) -> None:
        nonlocal sent
        sent += rows
        progress(rows)

    try:
        with told(part.path.name), connect(how.conninfo, str(part.target)) as connection:
            return _send(connection, ready, how, count)
    except BaseException:
        progress(-sent)
        raise
    finally:
        leave(ready)


def _send(
    connection: psycopg.Connection, ready: Ready, how: How, progress: Callable[[int], None]
) -> Loaded:
    fitted, inspected = ready.fitted, ready.inspected
    part, target = fitted.part, fitted.part.target
    begin = time.monotonic()
    entry = ledger.hold(connection, target.schema, target.name, part.path.name)
    if entry.finished and entry.sha256 == ready.digest:
        return Loaded(part.path.name, str(target), "there", entry.rows_loaded or 0)
    if entry.finished and not how.replace:
        raise another(part.path.name, str(target))
    make_room(part, how.conninfo, inspected.spans)
    if entry.finished:
        tables.delete(connection, target, entry.source_id)
    stream = Stream(ready.source, fitted, inspected.windows, entry.source_id, progress)
    copying = time.monotonic()
    taken = tables.copy(connection, target, stream.columns, ahead(stream))
    copied = time.monotonic()
    if state(part.path.stat()) != ready.before and sha256(part.path) != ready.digest:
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
        ready.seconds + time.monotonic() - begin,
        copied - copying,
    )
    ledger.finish(
        connection,
        target.schema,
        target.name,
        entry.source_id,
        ledger.Outcome(
            sha256=ready.digest,
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
