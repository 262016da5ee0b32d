"""Connections to the database that catalogues are loaded into, by libpq: never with a password."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from labdb.errors import RefusedError, RunError, UnreachableError, UsageError

APPLICATION = "labdb catalogue load"
SECRETS = ("password", "sslpassword")
SETTINGS = {
    # A server that waits for a client that was killed notices it.
    "client_connection_check_interval": "2s",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "lock_timeout": "0",
}
AGAIN = "run the same command again: files that are complete stay, the others are loaded"


def target(service: str | None, conninfo: str | None) -> str:
    """Return the conninfo of *service*, of *conninfo*, or of libpq's own environment.

    Raises:
        UsageError: *conninfo* is none, or holds a password.
    """
    try:
        given = conninfo_to_dict(conninfo or "")
    except psycopg.ProgrammingError as error:
        raise UsageError(
            "the conninfo is not one of libpq",
            why=" ".join(str(error).split()),
            hint="write it like: host=10.25.20.8 dbname=desi user=loader sslmode=verify-full",
        ) from None
    if any(given.get(name) for name in SECRETS):
        raise UsageError(
            "a password does not belong on the command line",
            why="other users of this machine see it in the list of processes",
            hint="put it into ~/.pgpass, or name a service of ~/.pg_service.conf with --service",
        )
    if service:
        given["service"] = service
    return make_conninfo("", **{"connect_timeout": 10, **given})


def connect(conninfo: str, table: str = "") -> psycopg.Connection:
    """Return a connection that commits nothing by itself; *table* is shown to other sessions.

    Raises:
        UnreachableError: PostgreSQL does not answer, or refuses us.
    """
    try:
        connection = psycopg.connect(
            conninfo, application_name=f"{APPLICATION} {table}".strip()[:63]
        )
        with connection.transaction():
            for name, value in SETTINGS.items():
                connection.execute("SELECT set_config(%s, %s, false)", [name, value])
    except psycopg.OperationalError as error:
        raise UnreachableError(
            "PostgreSQL does not let us in",
            why=" ".join(str(error).split()),
            hint="try the same with psql; see docs/how-to/connect.md",
        ) from error
    return connection


@contextmanager
def told(what: str, again: str = AGAIN) -> Iterator[None]:
    """Turn what PostgreSQL complains about into an error of labdb; *what* was being done.

    *again* is what to do once PostgreSQL is well.

    Raises:
        RefusedError: a right is missing.
        RunError: anything else, the lost connection too.
    """
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise RefusedError(
            f"{what}: a right is missing",
            why=_said(error),
            hint="connect as the owner of the schema, or let the owner grant it",
        ) from error
    except psycopg.OperationalError as error:
        lost = error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))
        raise RunError(
            f"{what}: the connection was lost" if lost else f"{what}: PostgreSQL gave up",
            why=_said(error),
            hint=again,
        ) from error
    except psycopg.Error as error:
        raise RunError(f"{what}: PostgreSQL refused", why=_said(error), hint=again) from error


def _said(error: psycopg.Error) -> str:
    parts = (error.diag.message_primary or str(error), error.diag.message_detail or "")
    return " ".join(" ".join(part.split()) for part in parts if part)
