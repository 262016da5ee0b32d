"""The catalogues that a database holds, as the ledgers of its schemas tell."""

from dataclasses import dataclass

import psycopg
from psycopg.sql import SQL, Identifier

from labdb.adapters.catalogue.tables import Target
from labdb.adapters.content import query


@dataclass(frozen=True, slots=True)
class Loaded:
    """A table that was loaded: by which table of which model, and how many rows of its files."""

    target: Target
    model: str
    model_version: str
    model_table: str
    files: int
    rows: int
    complete: bool


def catalogues(connection: psycopg.Connection, schema: str | None = None) -> list[Loaded]:
    """Return the tables that were loaded into *schema*, or into any; those that are still there."""
    places = [row[0] for row in connection.execute(query("catalogue/schemas"))]
    return [each for place in places if schema in (None, place) for each in _of(connection, place)]


def _of(connection: psycopg.Connection, schema: str) -> list[Loaded]:
    text = SQL(query("catalogue/loaded")).format(schema=Identifier(schema))
    return [
        Loaded(Target(schema, name), *rest)
        for name, *rest in connection.execute(text, {"schema": schema})
    ]
