"""A connection that only reads, and a query of the library on it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from labdb.adapters.catalogue.tables import Target
from labdb.errors import RefusedError, RunError, UnreachableError
from labdb.spec.research_query import Value

APPLICATION = "labdb query"


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of an answer; *more* tells that there are others beyond the limit."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    more: bool


@contextmanager
def reading(conninfo: str, timeout: float) -> Iterator[psycopg.Connection]:
    """Give a connection in a transaction that cannot change anything.

    Args:
        conninfo: where to; no password in it.
        timeout: seconds that a statement may take; 0 for no end.

    Raises:
        UnreachableError: PostgreSQL does not answer, or refuses us.
        RefusedError: a right is missing.
        RunError: the statement took too long, or PostgreSQL refused it.
    """
    try:
        connection = psycopg.connect(conninfo, application_name=APPLICATION)
    except psycopg.OperationalError as error:
        raise UnreachableError(
            "PostgreSQL does not let us in",
            why=" ".join(str(error).split()),
            hint="try the same with psql; see docs/how-to/connect.md",
        ) from error
    try:
        connection.read_only = True
        limit = f"{round(timeout * 1000)}ms"
        connection.execute("SELECT set_config('statement_timeout', %s, true)", [limit])
        yield connection
    except psycopg.errors.QueryCanceled as error:
        raise RunError(
            f"the query was not done after {timeout:g} s",
            why=_said(error),
            hint="ask for a smaller part of the sky, or allow more with --timeout",
        ) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise RefusedError(
            "a right is missing", why=_said(error), hint="let the owner of the schema grant it"
        ) from error
    except psycopg.Error as error:
        raise RunError(
            "PostgreSQL refused the query",
            why=_said(error),
            hint="--explain shows the statement",
        ) from error
    finally:
        connection.close()


def _said(error: psycopg.Error) -> str:
    parts = (error.diag.message_primary or str(error), error.diag.message_hint or "")
    return " ".join(" ".join(part.split()) for part in parts if part)


def has_extension(connection: psycopg.Connection, name: str) -> bool:
    """Tell whether the database has the extension called *name*."""
    asked = "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = %s)"
    found = connection.execute(asked, [name]).fetchone()
    return found is not None and bool(found[0])


def statement(text: str, tables: Mapping[str, Target], limit: int | None) -> Composed:
    """Return the statement of *text*: names in braces become tables, quoted.

    A name that ends with ``_name`` becomes the table's name as a text.
    """
    names: dict[str, Composable] = {}
    for role, target in tables.items():
        quoted = Identifier(target.schema, target.name)
        names |= {role: quoted, f"{role}_name": Literal(quoted.as_string(None))}
    end = SQL("") if limit is None else SQL("\nLIMIT {}").format(Literal(limit))
    return SQL(text).format(**names) + end


def ask(
    connection: psycopg.Connection,
    text: Composed,
    values: Mapping[str, Value],
    limit: int | None,
) -> Answer:
    """Return the answer of *text*, no more than *limit* rows of it."""
    with connection.cursor() as cursor:
        cursor.execute(text, values)
        columns = tuple(column.name for column in cursor.description or ())
        rows = cursor.fetchall()
    return Answer(columns, tuple(rows[:limit]), limit is not None and len(rows) > limit)


def filled(connection: psycopg.Connection, text: Composed, values: Mapping[str, Value]) -> str:
    """Return the statement as psql would take it, with the values in their places."""
    return psycopg.ClientCursor(connection).mogrify(text, values)


def explain(
    connection: psycopg.Connection, text: Composed, values: Mapping[str, Value]
) -> Sequence[str]:
    """Return the plan of *text*; it is not run."""
    return [row[0] for row in connection.execute(SQL("EXPLAIN ") + text, values)]
