"""The ledger of loads: which file went into which table, when, and what became of its rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.sql import SQL, Composed, Identifier
from psycopg.types.json import Jsonb

from labdb.adapters.content import query
from labdb.domain.catalogue.table import Table

NAME = "load_ledger"


@dataclass(frozen=True, slots=True)
class Entry:
    """The line of a file: *finished* once all its rows are in the table."""

    source_id: int
    file_name: str
    sha256: str | None
    rows_loaded: int | None
    finished: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is written into a file's line when its rows are in the table."""

    sha256: str
    size_bytes: int
    hdus: Sequence[str]
    rows_read: int
    rows_loaded: int
    rejected: dict[str, int]
    nulls: dict[str, dict[str, int]]
    column_map: dict[str, str]
    model_version: str
    code_version: str
    seconds: float


def _sql(name: str, schema: str) -> Composed:
    text: Any = query(f"catalogue/{name}")  # a file of this package
    return SQL(text).format(schema=Identifier(schema))


def create(connection: psycopg.Connection, schema: str) -> None:
    """Make the ledger, and its schema where that is not there either."""
    # IF NOT EXISTS asks for the right to create before it looks.
    place = Identifier(schema).as_string(connection)
    there = connection.execute("SELECT to_regnamespace(%s)", [place]).fetchone()
    if there is None or there[0] is None:
        connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(schema)))
    connection.execute(_sql("ledger", schema))


def exists(connection: psycopg.Connection, schema: str) -> bool:
    """Tell whether the ledger is there."""
    place = Identifier(schema, NAME).as_string(connection)
    found = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [place]).fetchone()
    return found is not None and bool(found[0])


def register(
    connection: psycopg.Connection, schema: str, name: str, files: Sequence[str], table: Table
) -> None:
    """Give each of *files*, which go into *table* called *name*, its number; old ones stay."""
    connection.execute(
        _sql("register", schema),
        {
            "table": name,
            "files": list(files),
            "model": table.model,
            "version": table.model_version,
            "model_table": table.name,
        },
    )


def entries(connection: psycopg.Connection, schema: str, table: str) -> dict[str, Entry]:
    """Return the lines of a table by the name of the file."""
    rows = connection.execute(
        SQL(
            "SELECT source_id, file_name, sha256, rows_loaded, finished_at IS NOT NULL"
            " FROM {} WHERE table_name = %s"
        ).format(Identifier(schema, NAME)),
        [table],
    )
    return {row[1]: Entry(*row) for row in rows}


def forget(connection: psycopg.Connection, schema: str, table: str, version: str) -> None:
    """Let every file of a table count as not loaded: its rows are gone.

    The table is one of *version* of its model then, whatever it was before.
    """
    connection.execute(
        SQL("UPDATE {} SET finished_at = NULL, model_version = %s WHERE table_name = %s").format(
            Identifier(schema, NAME)
        ),
        [version, table],
    )


def versions(connection: psycopg.Connection, schema: str, table: str) -> set[tuple[str, str]]:
    """Return the models, with their versions, that files of a table were loaded by."""
    rows = connection.execute(
        SQL("SELECT DISTINCT model, model_version FROM {} WHERE table_name = %s").format(
            Identifier(schema, NAME)
        ),
        [table],
    )
    return {(model, version) for model, version in rows}


def migrate(connection: psycopg.Connection, schema: str, table: str, version: str) -> None:
    """Take note that a table is of *version* of its model now."""
    connection.execute(
        SQL("UPDATE {} SET model_version = %s WHERE table_name = %s").format(
            Identifier(schema, NAME)
        ),
        [version, table],
    )


def hold(connection: psycopg.Connection, schema: str, table: str, file: str) -> Entry:
    """Return the line of *file*, which nobody else changes until the transaction ends."""
    row = connection.execute(
        SQL(
            "SELECT source_id, file_name, sha256, rows_loaded, finished_at IS NOT NULL"
            " FROM {} WHERE table_name = %s AND file_name = %s FOR UPDATE"
        ).format(Identifier(schema, NAME)),
        [table, file],
    ).fetchone()
    if row is None:
        raise psycopg.errors.NoDataFound(f"{file} is not in the ledger any more")
    return Entry(*row)


def finish(
    connection: psycopg.Connection, schema: str, table: str, source_id: int, outcome: Outcome
) -> None:
    """Write what became of a file."""
    given: dict[str, Any] = {
        name: getattr(outcome, name)
        for name in ("sha256", "size_bytes", "rows_read", "rows_loaded", "model_version",
                     "code_version", "seconds")
    }  # fmt: skip
    connection.execute(
        _sql("finish", schema),
        given
        | {
            "table": table,
            "source_id": source_id,
            "hdus": list(outcome.hdus),
            "rows_rejected": sum(outcome.rejected.values()),
            "rejected": Jsonb(outcome.rejected),
            "nulls": Jsonb(outcome.nulls),
            "column_map": Jsonb(outcome.column_map),
        },
    )
