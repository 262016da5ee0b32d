"""The tables of a catalogue in the database: made, compared with the model, filled, indexed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import psycopg
from psycopg.sql import SQL, Composed, Identifier, Literal

from labdb.adapters.content import query
from labdb.domain.catalogue import layout, pgcopy
from labdb.domain.catalogue.table import Column, Table
from labdb.spec.data_source import Range

VECTOR = "vector"
"""The name of pgvector's extension, and of its type."""


@dataclass(frozen=True, slots=True)
class Target:
    """A table in the database: schema and name."""

    schema: str
    name: str

    @property
    def sql(self) -> Identifier:
        """The table as SQL names it."""
        return Identifier(self.schema, self.name)

    def quoted(self, connection: psycopg.Connection) -> str:
        """Return the table's name as text that ``to_regclass`` reads."""
        return self.sql.as_string(connection)

    def __str__(self) -> str:
        """Return the table's name for a reader."""
        return f"{self.schema}.{self.name}"


def create(connection: psycopg.Connection, target: Target, table: Table) -> None:
    """Make the table with its comments; partitions come with rows, keys and indexes after them."""
    vectors = extension_schema(connection, VECTOR) or ""
    parts = [definition(column, vectors) for column in table.columns]
    parts += [_check(name, allowed) for name, allowed in table.checks.items()]
    by: SQL | Composed = SQL("")
    if table.partition:
        by = SQL(" PARTITION BY RANGE ({})").format(Identifier(table.partition.column))
    connection.execute(SQL("CREATE TABLE {} ({}){}").format(target.sql, SQL(", ").join(parts), by))
    describe(connection, target, table)


def describe(connection: psycopg.Connection, target: Target, table: Table) -> None:
    """Write the COMMENTs of a table and its columns."""
    connection.execute(
        SQL("COMMENT ON TABLE {} IS {}").format(target.sql, Literal(table.description))
    )
    for column in table.columns:
        connection.execute(
            SQL("COMMENT ON COLUMN {} IS {}").format(
                Identifier(target.schema, target.name, column.name), Literal(column.comment)
            )
        )


def definition(column: Column, vectors: str) -> Composed:
    """Return a column as CREATE TABLE has it; *vectors* is the schema of pgvector."""
    null = SQL("") if column.nullable else SQL(" NOT NULL")
    return SQL("{} {}{}").format(Identifier(column.name), type_of(column, vectors), null)


def type_of(column: Column, vectors: str) -> Composed:
    """Return the type of a column; *vectors* is the schema of pgvector."""
    if column.is_vector:
        return SQL("{}({})").format(Identifier(vectors, VECTOR), Literal(column.length))
    return Composed([SQL(column.sql_type)])  # one of an enumeration's


def _check(name: str, allowed: Range) -> Composed:
    column = Identifier(name)
    terms = []
    if allowed.minimum is not None:
        terms.append(SQL("{} >= {}").format(column, Literal(allowed.minimum)))
    if allowed.maximum is not None:
        terms.append(SQL("{} <= {}").format(column, Literal(allowed.maximum)))
    if allowed.values:
        terms.append(SQL("{} = ANY ({})").format(column, Literal(list(allowed.values))))
    return SQL("CHECK ({})").format(SQL(" AND ").join(terms))


def exists(connection: psycopg.Connection, target: Target) -> bool:
    """Tell whether the table is there."""
    found = connection.execute("SELECT to_regclass(%s)", [target.quoted(connection)]).fetchone()
    return found is not None and found[0] is not None


def differences(connection: psycopg.Connection, target: Target, table: Table) -> list[str]:
    """Return where the columns of the table that is there are not those of the model."""
    rows = connection.execute(query("catalogue/columns"), {"table": target.quoted(connection)})
    there = {name: kind for name, kind, _ in rows}
    wanted = {column.name: column.sql_type for column in table.columns}
    told = [f"{name} is missing" for name in wanted if name not in there]
    told += [
        f"{name} is {there[name]}, wanted {kind}"
        for name, kind in wanted.items()
        if name in there and there[name] != kind
    ]
    return told


def copy(
    connection: psycopg.Connection,
    target: Target,
    columns: Sequence[str],
    records: Iterable[bytes],
) -> int:
    """Write *records* into the table; return how many rows it took."""
    statement = SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
        target.sql, SQL(", ").join(map(Identifier, columns))
    )
    with connection.cursor() as cursor:
        with cursor.copy(statement) as copying:
            copying.write(pgcopy.HEADER)
            for record in records:
                copying.write(record)
            copying.write(pgcopy.TRAILER)
        return cursor.rowcount


def delete(connection: psycopg.Connection, target: Target, source_id: int) -> int:
    """Take the rows of one file away; return how many there were."""
    return connection.execute(
        SQL("DELETE FROM {} WHERE source_id = %s").format(target.sql), [source_id]
    ).rowcount


def extension_schema(connection: psycopg.Connection, name: str) -> str | None:
    """Return the schema that the extension called *name* is in; None where it is not there."""
    found = connection.execute(
        "SELECT nspname FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace"
        " WHERE extname = %s",
        [name],
    ).fetchone()
    return None if found is None else str(found[0])


def is_empty(connection: psycopg.Connection, target: Target) -> bool:
    """Tell whether the table has no row."""
    found = connection.execute(SQL("SELECT EXISTS (SELECT FROM {})").format(target.sql)).fetchone()
    return found is not None and not found[0]


def has_index(connection: psycopg.Connection, target: Target, name: str) -> bool:
    """Tell whether the table's schema has an index called *name*."""
    place = Identifier(target.schema, name).as_string(connection)
    found = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [place]).fetchone()
    return found is not None and bool(found[0])


def create_index(
    connection: psycopg.Connection, target: Target, index: layout.Index, extension: str | None
) -> None:
    """Make *index*; *extension* is the schema of q3c or pgvector, whichever it is made with."""
    columns = SQL(", ").join(map(Identifier, index.columns))
    what: Composed = columns
    if index.operators and extension is not None:
        with_these = SQL(", ").join(
            SQL("{} = {}").format(SQL(name), Literal(value)) for name, value in index.parameters
        )
        connection.execute(
            SQL("CREATE INDEX {} ON {} USING hnsw ({} {}) WITH ({})").format(
                Identifier(index.name), target.sql, columns,
                Identifier(extension, index.operators), with_these,
            )
        )  # fmt: skip
        return
    if index.spherical and extension is not None:
        what = SQL("{}({})").format(Identifier(extension, "q3c_ang2ipix"), columns)
    how = SQL(" USING brin") if index.brin else SQL("")
    connection.execute(
        SQL("CREATE INDEX {} ON {}{} ({})").format(Identifier(index.name), target.sql, how, what)
    )


def create_primary_key(
    connection: psycopg.Connection, target: Target, name: str, key: Sequence[str]
) -> None:
    """Make the table's primary key."""
    connection.execute(
        SQL("ALTER TABLE {} ADD CONSTRAINT {} PRIMARY KEY ({})").format(
            target.sql, Identifier(name), SQL(", ").join(map(Identifier, key))
        )
    )


def analyze(connection: psycopg.Connection, target: Target) -> None:
    """Let PostgreSQL take note of what the table holds."""
    connection.execute(SQL("ANALYZE {}").format(target.sql))


def has_statistics(connection: psycopg.Connection, target: Target) -> bool:
    """Tell whether the table was ever analysed."""
    found = connection.execute(
        "SELECT FROM pg_stats WHERE schemaname = %s AND tablename = %s LIMIT 1",
        [target.schema, target.name],
    )
    return found.fetchone() is not None
