"""One load of a table at a time: an advisory lock, and who holds it."""

import time

import psycopg

from labdb.adapters.catalogue.tables import Target
from labdb.adapters.content import query
from labdb.errors import RefusedError

PATIENCE = 5.0
"""Seconds in which the server notices that the program of an earlier load was killed."""
PAUSE = 0.2


def take(
    connection: psycopg.Connection,
    target: Target,
    patience: float = PATIENCE,
    *,
    shared: bool = False,
) -> None:
    """Take the lock of *target* until the connection ends; *shared* lets others share it, too.

    Raises:
        RefusedError: another load has it; the message says which.
    """
    name = f"labdb catalogue load {target}"
    end = time.monotonic() + patience
    while not _try(connection, name, shared=shared):
        if time.monotonic() > end:
            raise _held(connection, target, name)
        time.sleep(PAUSE)


def _try(connection: psycopg.Connection, name: str, *, shared: bool) -> bool:
    query = (
        "SELECT pg_try_advisory_lock_shared(hashtextextended(%s, 0))"
        if shared
        else "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
    )
    row = connection.execute(query, [name]).fetchone()
    return row is not None and bool(row[0])


def _held(connection: psycopg.Connection, target: Target, name: str) -> RefusedError:
    row = connection.execute(query("catalogue/holder"), {"name": name}).fetchone()
    if row is None:
        why = "the other load ended a moment ago"
    else:
        pid, who, program, place, since = row
        why = f"{who} from {place} holds it since {since} UTC: {program} (pid {pid})"
    return RefusedError(
        f"{target} is being loaded by somebody else",
        why=why,
        hint="wait until that load has ended, then run this one again",
    )
