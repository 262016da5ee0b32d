"""Partitions in the database: which are there, which were taken out, made, detached, attached."""

from collections.abc import Iterable
from dataclasses import dataclass

import psycopg
from psycopg.sql import SQL, Composed, Identifier, Literal
from psycopg.types.json import Jsonb

from labdb.adapters.catalogue.tables import Target
from labdb.adapters.content import query
from labdb.domain.catalogue import partition
from labdb.domain.catalogue.layout import index_name
from labdb.domain.catalogue.partition import Span
from labdb.domain.catalogue.table import SOURCE_ID

LEDGER = "partition_ledger"
PREFIX_BYTES = 40
"""So many bytes of a table's name are in any case in the name of its partitions."""


@dataclass(frozen=True, slots=True)
class Attached:
    """A partition; *span* is None for a bound that is no range of whole numbers."""

    name: str
    span: Span | None
    rows: int
    size: int
    half_detached: bool


@dataclass(frozen=True, slots=True)
class Detached:
    """What was taken out; *rows* and *size* are None once it is dropped."""

    name: str
    span: Span
    since: str = ""
    dropped: bool = False
    archive: str | None = None
    rows: int | None = None
    size: int | None = None


def key(connection: psycopg.Connection, target: Target) -> str | None:
    """Return by what a table is partitioned, ``RANGE (night)``; None where it is not."""
    found = connection.execute(
        "SELECT pg_get_partkeydef(to_regclass(%s))", [target.quoted(connection)]
    ).fetchone()
    return None if found is None or found[0] is None else str(found[0])


def column(connection: psycopg.Connection, target: Target) -> str | None:
    """Return the column by whose ranges a table is partitioned; None for any other table."""
    found = connection.execute(
        "SELECT attname FROM pg_partitioned_table JOIN pg_attribute"
        " ON attrelid = partrelid AND attnum = partattrs[0]"
        " WHERE partrelid = to_regclass(%s) AND partstrat = 'r' AND partnatts = 1",
        [target.quoted(connection)],
    ).fetchone()
    return None if found is None else str(found[0])


def attached(connection: psycopg.Connection, target: Target) -> list[Attached]:
    """Return the partitions of a table, the lowest first."""
    rows = connection.execute(query("catalogue/partitions"), {"table": target.quoted(connection)})
    found = [
        Attached(name, partition.read_bound(bound) if bound else None, *rest)
        for name, bound, *rest in rows
    ]
    return sorted(found, key=lambda one: (one.span is None, one.span or Span(0, 0)))


def detached(
    connection: psycopg.Connection, target: Target, step: int | None = None
) -> list[Detached]:
    """Return what was taken out of a table: by the ledger, and by the name of what lies beside it.

    Tables that somebody detached without labdb are told by their names, where the *step* of the
    partitions is known.
    """
    there = {one.name for one in attached(connection, target)}
    beside = {
        name: (rows, size)
        for name, rows, size in connection.execute(
            query("catalogue/namesakes"),
            {
                "schema": Identifier(target.schema).as_string(connection),
                "prefix": target.name[:PREFIX_BYTES],
            },
        )
    }
    found = {}
    if _has_ledger(connection, target.schema):
        text = SQL(query("catalogue/detached")).format(schema=Identifier(target.schema))
        for name, low, high, *rest in connection.execute(text, {"table": target.name}):
            if name not in there:
                since, dropped, archive = rest
                rows, size = beside.get(name, (None, None))
                found[name] = Detached(name, Span(low, high), since, dropped, archive, rows, size)
    for name, (rows, size) in beside.items():
        low = partition.low_in_name(target.name, name)
        if low is not None and step and low % step == 0 and name not in found:
            found[name] = Detached(name, Span(low, low + step), rows=rows, size=size)
    return sorted(found.values(), key=lambda one: one.span)


def _has_ledger(connection: psycopg.Connection, schema: str) -> bool:
    place = Identifier(schema, LEDGER).as_string(connection)
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [place]).fetchone()
    return row is not None and bool(row[0])


def create(
    connection: psycopg.Connection, target: Target, column: str, wanted: Iterable[Span]
) -> list[str]:
    """Make the partitions of *wanted* that are not there, in one transaction; return their names.

    Each is made beside the table and then attached: readers and loads of other partitions go on,
    which ``CREATE TABLE ... PARTITION OF`` would lock out (ALTER TABLE, section "ATTACH
    PARTITION"). Two loads that need the same one come one after the other.
    """
    made = []
    with connection.transaction():
        connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"labdb catalogue partitions {target}"],
        )
        there = {one.span for one in attached(connection, target)}
        for span in sorted(set(wanted) - there):
            part = Target(target.schema, partition.name_of(target.name, span))
            connection.execute(
                SQL("CREATE TABLE {} (LIKE {} INCLUDING DEFAULTS INCLUDING CONSTRAINTS"
                    " INCLUDING COMMENTS INCLUDING STORAGE)").format(part.sql, target.sql)
            )  # fmt: skip
            connection.execute(
                SQL("COMMENT ON TABLE {} IS {}").format(
                    part.sql, Literal(f"{target}, {column} {span}")
                )
            )
            connection.execute(_attach(target, part, span))
            made.append(part.name)
    return made


def _attach(target: Target, part: Target, span: Span) -> Composed:
    return SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
        target.sql, part.sql, Literal(span.low), Literal(span.high)
    )


def remember(connection: psycopg.Connection, target: Target, name: str, span: Span) -> None:
    """Write into the ledger that a partition is being taken out, before it is.

    The rows that it has of each file go along: what the ledger of loads counts is known to be gone.
    """
    with connection.transaction():
        connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"labdb catalogue partition ledger {target.schema}"],
        )
        if not _has_ledger(connection, target.schema):
            text = SQL(query("catalogue/partition_ledger")).format(schema=Identifier(target.schema))
            connection.execute(text)
        connection.execute(
            SQL("INSERT INTO {} (table_name, partition_name, low, high, rows_of_files)"
                " VALUES (%s, %s, %s, %s, %s)"
                " ON CONFLICT (table_name, partition_name) DO UPDATE"
                " SET detached_at = now(), dropped_at = NULL, archive = NULL,"
                " rows_of_files = excluded.rows_of_files").format(
                Identifier(target.schema, LEDGER)
            ),
            [target.name, name, span.low, span.high,
             Jsonb(_rows_of_files(connection, Target(target.schema, name)))],
        )  # fmt: skip


def _rows_of_files(connection: psycopg.Connection, part: Target) -> dict[int, int]:
    """Return the rows of each file by ``source_id``; nothing of a table that labdb did not make."""
    labelled = connection.execute(
        "SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attname = %s",
        [part.quoted(connection), SOURCE_ID],
    ).fetchone()
    if labelled is None:
        return {}
    file = Identifier(SOURCE_ID)
    text = SQL("SELECT {}, count(*) FROM {} GROUP BY 1").format(file, part.sql)
    return dict(connection.execute(text).fetchall())


def taken_out(connection: psycopg.Connection, target: Target) -> dict[int, int]:
    """Return the rows of each file, by ``source_id``, that left a table with its partitions."""
    if not _has_ledger(connection, target.schema):
        return {}
    text = SQL(query("catalogue/taken_out")).format(schema=Identifier(target.schema))
    there = [one.name for one in attached(connection, target) if not one.half_detached]
    return dict(connection.execute(text, {"table": target.name, "attached": there}).fetchall())


def detach(connection: psycopg.Connection, target: Target, one: Attached) -> None:
    """Take a partition out while others go on reading and writing; it stays, under its name.

    The connection must not be in a transaction. What was broken off is brought to its end.
    """
    part = Target(target.schema, one.name)
    how = "FINALIZE" if one.half_detached else "CONCURRENTLY"
    connection.execute(
        SQL("ALTER TABLE {} DETACH PARTITION {} {}").format(target.sql, part.sql, SQL(how))
    )


def attach(connection: psycopg.Connection, target: Target, column: str, one: Detached) -> None:
    """Take a table in again. Its rows are looked at first, while others may use both tables.

    PostgreSQL then believes the CHECK, and the lock that attaching takes is held for a moment.

    Raises:
        psycopg.errors.CheckViolation: it has rows that are not of its span; nothing was changed.
    """
    part = Target(target.schema, one.name)
    check = Identifier(index_name(one.name, "span", suffix="check"))
    field = Identifier(column)
    drop = SQL("ALTER TABLE {} DROP CONSTRAINT IF EXISTS {}").format(part.sql, check)
    connection.execute(drop)  # an earlier attempt may have left it
    connection.execute(
        SQL("ALTER TABLE {} ADD CONSTRAINT {} CHECK ({} IS NOT NULL AND {} >= {} AND {} < {})"
            " NOT VALID").format(part.sql, check, field, field, Literal(one.span.low), field,
                                 Literal(one.span.high))
    )  # fmt: skip
    try:
        connection.execute(SQL("ALTER TABLE {} VALIDATE CONSTRAINT {}").format(part.sql, check))
        connection.execute(_attach(target, part, one.span))
    finally:
        if not connection.broken:
            connection.execute(drop)
    if _has_ledger(connection, target.schema):
        connection.execute(
            SQL("DELETE FROM {} WHERE table_name = %s AND partition_name = %s").format(
                Identifier(target.schema, LEDGER)
            ),
            [target.name, one.name],
        )


def drop(connection: psycopg.Connection, target: Target) -> None:
    """Drop a table that was detached, and write that down, in one transaction."""
    with connection.transaction():
        connection.execute(SQL("DROP TABLE {}").format(target.sql))
        went(connection, target, None)


def went(connection: psycopg.Connection, target: Target, archive: str | None) -> None:
    """Write down that *target* is dropped, and where its *archive* is, if it was a partition."""
    if _has_ledger(connection, target.schema):
        connection.execute(
            SQL("UPDATE {} SET dropped_at = now(), archive = %s WHERE partition_name = %s").format(
                Identifier(target.schema, LEDGER)
            ),
            [archive, target.name],
        )


def came_back(connection: psycopg.Connection, target: Target) -> None:
    """Write down that *target* is there again and can be attached, if it was a partition."""
    if _has_ledger(connection, target.schema):
        connection.execute(
            SQL("UPDATE {} SET dropped_at = NULL, archive = NULL WHERE partition_name = %s").format(
                Identifier(target.schema, LEDGER)
            ),
            [target.name],
        )
