"""TAP_SCHEMA in the database: made, read, and written anew where it differs."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from labdb.adapters.catalogue.tables import Target
from labdb.adapters.content import query
from labdb.domain.catalogue.tap import SCHEMA, TapColumn, TapTable, bare, identifier

OWN = tuple(Target(SCHEMA, name) for name in ("schemas", "tables", "columns", "keys",
                                              "key_columns"))  # fmt: skip
KEYS = "tap_schema.keys", "tap_schema.key_columns"


@dataclass(frozen=True, slots=True)
class Content:
    """All lines of TAP_SCHEMA, by table, each in the order of its columns."""

    lines: dict[str, list[tuple[Any, ...]]]

    def tables(self, lines: str = "tables") -> set[str]:
        """Return the names of the tables that are described."""
        return {row[1] for row in self.lines[lines]}


def ensure(connection: psycopg.Connection) -> None:
    """Make TAP_SCHEMA where it is not there; one session at a time works on it."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('labdb tap_schema', 0))")
    if not is_there(connection):
        connection.execute(query("catalogue/tap_schema"))


def is_there(connection: psycopg.Connection) -> bool:
    """Tell whether TAP_SCHEMA is there."""
    found = connection.execute("SELECT to_regclass('tap_schema.columns') IS NOT NULL").fetchone()
    return found is not None and bool(found[0])


def comment(connection: psycopg.Connection, schema: str) -> str | None:
    """Return the COMMENT of *schema*."""
    place = Identifier(schema).as_string(connection)
    found = connection.execute(
        "SELECT obj_description(to_regnamespace(%s), 'pg_namespace')", [place]
    ).fetchone()
    return None if found is None else found[0]


def content(
    connection: psycopg.Connection,
    schemas: Sequence[tuple[str, str]],
    tables: Sequence[TapTable],
    targets: Sequence[Target],
) -> Content:
    """Return the lines for *schemas* (name and description) and their *tables*."""
    keys: dict[str, tuple[str, str]] = {}
    pairs = []
    names = [target.quoted(connection) for target in targets]
    for key, one, table, two, other, column, far in connection.execute(
        query("catalogue/tap_keys"), {"tables": names}
    ):
        keys[key] = (f"{identifier(one)}.{identifier(table)}",
                     f"{identifier(two)}.{identifier(other)}")  # fmt: skip
        pairs.append((key, identifier(column), identifier(far)))
    return Content(
        {
            "schemas": [(identifier(name), None, told, number)
                        for number, (name, told) in enumerate(schemas, start=1)],
            "tables": [(identifier(one.schema_name), one.table_name, "table", None,
                        one.description, one.table_index) for one in tables],
            "columns": [astuple(column) for one in tables for column in one.columns],
            "keys": [(key, *both, None, None) for key, both in keys.items()],
            "key_columns": pairs,
        }
    )  # fmt: skip


COLUMNS = {
    "schemas": ("schema_name", "utype", "description", "schema_index"),
    "tables": ("schema_name", "table_name", "table_type", "utype", "description", "table_index"),
    "columns": tuple(one.name for one in fields(TapColumn)),
    "keys": ("key_id", "from_table", "target_table", "description", "utype"),
    "key_columns": ("key_id", "from_column", "target_column"),
}
"""In the order in which lines can be written: what others refer to comes first."""


def read(connection: psycopg.Connection) -> Content:
    """Return what TAP_SCHEMA says now."""
    lines = {}
    for name, columns in COLUMNS.items():
        rows = connection.execute(
            SQL("SELECT {} FROM {}").format(
                SQL(", ").join(map(Identifier, columns)), Identifier(SCHEMA, name)
            )
        )
        lines[name] = [tuple(row) for row in rows]
    return Content(lines)


def published(
    connection: psycopg.Connection, schema: str
) -> dict[tuple[str, str], tuple[str | None, bool]]:
    """Return arraysize, and whether it is principal, of each column of *schema*, by names."""
    if not is_there(connection):
        return {}
    rows = connection.execute(
        "SELECT table_name, column_name, arraysize, principal = 1 FROM tap_schema.columns"
        " JOIN tap_schema.tables USING (table_name) WHERE schema_name = %s",
        [identifier(schema)],
    )
    start = len(identifier(schema)) + 1
    return {
        (bare(table[start:]), bare(column)): (size, principal)
        for table, column, size, principal in rows
    }


def write(connection: psycopg.Connection, wanted: Content) -> None:
    """Let TAP_SCHEMA say *wanted* and nothing else, in the transaction that is open."""
    for name in reversed(COLUMNS):
        connection.execute(SQL("DELETE FROM {}").format(Identifier(SCHEMA, name)))
    for name, columns in COLUMNS.items():
        with connection.cursor() as cursor:
            cursor.executemany(
                SQL("INSERT INTO {} ({}) VALUES ({})").format(
                    Identifier(SCHEMA, name),
                    SQL(", ").join(map(Identifier, columns)),
                    SQL(", ").join([SQL("%s")] * len(columns)),
                ),
                wanted.lines[name],
            )
