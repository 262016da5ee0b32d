"""Tables as the database has them."""

import psycopg
from psycopg.sql import Identifier

from labdb.adapters.catalogue.tables import Target
from labdb.adapters.content import query
from labdb.domain.catalogue import live
from labdb.domain.catalogue.live import LiveIndex, LiveTable


def schema(connection: psycopg.Connection, name: str) -> list[LiveTable]:
    """Return the tables of the schema called *name*, but the ledger of loads."""
    place = Identifier(name).as_string(connection)
    rows = connection.execute(query("catalogue/schema_tables"), {"schema": place}).fetchall()
    return [read(connection, Target(name, row[0])) for row in rows]


def read(connection: psycopg.Connection, target: Target) -> LiveTable:
    """Return the table *target*, which is there."""
    row = connection.execute(
        query("catalogue/live_table"), {"table": target.quoted(connection)}
    ).fetchone()
    if row is None:  # a query without FROM has one row
        raise psycopg.errors.NoDataFound(str(target))
    description, columns, key, indexes = row
    return LiveTable(
        schema=target.schema,
        name=target.name,
        description=description,
        columns=tuple(
            live.column(name, kind, comment, nullable=nullable, indexed=indexed)
            for name, kind, nullable, comment, indexed in columns
        ),
        key=tuple(key),
        indexes=tuple(
            LiveIndex(name, method, tuple(parts), plain) for name, method, parts, plain in indexes
        ),
    )
