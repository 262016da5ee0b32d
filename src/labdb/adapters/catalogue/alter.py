"""Steps of a migration, as statements."""

import psycopg
from psycopg.sql import SQL, Composed, Identifier, Literal

from labdb.adapters.catalogue import tables
from labdb.adapters.catalogue.tables import Target
from labdb.domain.catalogue.table import Table
from labdb.spec.data_migration import Add, Drop, Rename, Retype, Step


def take(connection: psycopg.Connection, target: Target, step: Step, table: Table) -> None:
    """Take one *step*; *table* is the version that it leads to.

    Raises:
        KeyError: the version has no column of that name.
    """
    for clause in _clauses(connection, step, table):
        connection.execute(SQL("ALTER TABLE {} {}").format(target.sql, clause))


def _clauses(connection: psycopg.Connection, step: Step, table: Table) -> list[Composed]:
    vectors = tables.extension_schema(connection, tables.VECTOR) or ""
    match step:
        case Add(add=name, value=value):
            added = SQL("ADD COLUMN {}").format(tables.definition(table.column(name), vectors))
            if value is None:
                return [added]
            return [
                SQL("{} DEFAULT {}").format(added, Literal(value)),
                SQL("ALTER COLUMN {} DROP DEFAULT").format(Identifier(name)),
            ]
        case Rename(rename=name, to=other):
            return [SQL("RENAME COLUMN {} TO {}").format(Identifier(name), Identifier(other))]
        case Drop(drop=name):
            return [SQL("DROP COLUMN {}").format(Identifier(name))]
        case Retype(retype=name):
            column = table.column(name)
            kind = tables.type_of(column, vectors)
            null = "DROP NOT NULL" if column.nullable else "SET NOT NULL"
            return [
                SQL("ALTER COLUMN {0} TYPE {1} USING {0}::{1}").format(Identifier(name), kind),
                SQL("ALTER COLUMN {} {}").format(Identifier(name), SQL(null)),
            ]
