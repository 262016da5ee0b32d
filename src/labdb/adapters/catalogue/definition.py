"""What a table is, read from PostgreSQL's catalogues, and a table made of it again."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import psycopg
from psycopg.sql import SQL, Composed, Identifier, Literal

from labdb.adapters.catalogue.tables import Target
from labdb.adapters.content import query
from labdb.domain.catalogue.carried import Carried, carried
from labdb.domain.catalogue.manifest import Definition

PRIVILEGES = (
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "TRUNCATE",
    "REFERENCES",
    "TRIGGER",
    "MAINTAIN",
)


def columns(connection: psycopg.Connection, target: Target) -> list[Carried]:
    """Return how the columns of a table travel; its arrays are measured, in a scan of the table."""
    rows = connection.execute(
        query("catalogue/carried"), {"table": target.quoted(connection)}
    ).fetchall()
    return [
        carried(
            name, kind, _lengths(connection, target, name, kind), not_null=not_null, comment=comment
        )
        for name, kind, not_null, comment in rows
    ]


def _lengths(
    connection: psycopg.Connection, target: Target, name: str, kind: str
) -> tuple[int, ...]:
    """Return the lengths of a column's arrays; none where one is no plain list of numbers."""
    if not kind.endswith("[]"):
        return ()
    row = connection.execute(
        SQL(
            "SELECT min(cardinality(c)), max(cardinality(c)), count(*) FILTER (WHERE"
            " array_ndims(c) <> 1 OR array_lower(c, 1) <> 1 OR array_position(c, NULL) IS NOT NULL)"
            " FROM (SELECT {} AS c FROM {}) AS t"
        ).format(Identifier(name), target.sql)
    ).fetchone()
    if row is None or row[0] is None or row[2]:
        return ()
    return tuple({int(row[0]), int(row[1])})


def definition(connection: psycopg.Connection, target: Target) -> Definition:
    """Return what of the table is not its columns."""
    row = connection.execute(
        query("catalogue/definition"), {"table": target.quoted(connection)}
    ).fetchone()
    if row is None:
        raise psycopg.errors.UndefinedTable(f"{target} is not there")
    return Definition(*row)


def as_listed(found: Definition) -> dict[str, Any]:
    """Return *found* in a form that can be compared: one was in a file, the other was not."""
    told: dict[str, Any] = json.loads(json.dumps(asdict(found)))
    return told


def create_as_text(
    connection: psycopg.Connection, target: Target, wanted: Sequence[Carried]
) -> None:
    """Make a temporary table in which columns that travel as text are texts."""
    parts = [
        SQL("{} {}").format(
            Identifier(one.name),
            SQL("text") if one.by_text else sql_type(connection, one.sql_type),
        )
        for one in wanted
    ]
    connection.execute(
        SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP").format(
            Identifier(target.name), SQL(", ").join(parts)
        )
    )


def from_text(
    connection: psycopg.Connection, source: Target, target: Target, wanted: Sequence[Carried]
) -> None:
    """Fill *target* from the temporary table, in its order."""
    values = [
        SQL("{}::{}").format(Identifier(one.name), sql_type(connection, one.sql_type))
        if one.by_text
        else Identifier(one.name)
        for one in wanted
    ]
    connection.execute(
        SQL("INSERT INTO {} SELECT {} FROM {}").format(
            target.sql, SQL(", ").join(values), source.sql
        )
    )
    connection.execute(SQL("DROP TABLE {}").format(source.sql))


def listed(connection: psycopg.Connection, name: str, target: Target) -> list[str]:
    """Return the answers of the query ``catalogue/<name>``: ``dependents`` or ``peculiar``."""
    rows = connection.execute(query(f"catalogue/{name}"), {"table": target.quoted(connection)})
    return [str(row[0]) for row in rows]


def create(connection: psycopg.Connection, target: Target, wanted: Sequence[Carried]) -> None:
    """Make the table, without keys and indexes, with the comments of its columns."""
    parts = [
        SQL("{} {}{}").format(
            Identifier(one.name),
            sql_type(connection, one.sql_type),
            SQL(" NOT NULL" if one.not_null else ""),
        )
        for one in wanted
    ]
    connection.execute(SQL("CREATE TABLE {} ({})").format(target.sql, SQL(", ").join(parts)))
    for one in wanted:
        if one.comment:
            connection.execute(
                SQL("COMMENT ON COLUMN {} IS {}").format(
                    Identifier(target.schema, target.name, one.name), Literal(one.comment)
                )
            )


def sql_type(connection: psycopg.Connection, name: str) -> Composed:
    """Return the type called *name* as PostgreSQL itself writes it, its modifier kept.

    Raises:
        psycopg.errors.UndefinedObject: it has none of that name; an extension may be missing.
    """
    plain, bracket, rest = name.partition("(")
    inside, _, after = rest.partition(")")
    if bracket and not all(one.strip().lstrip("-").isdigit() for one in inside.split(",")):
        raise psycopg.errors.UndefinedObject(f"there is no type {name!r}")
    row = connection.execute("SELECT format_type(to_regtype(%s), NULL)", [plain + after]).fetchone()
    if row is None or row[0] is None:
        raise psycopg.errors.UndefinedObject(f"there is no type {name!r} in this database")
    if not bracket:
        return SQL("{}").format(SQL(row[0]))  # PostgreSQL's own words
    return SQL("{}").format(SQL(name))  # a known type with numbers in its brackets


def finish(
    connection: psycopg.Connection, target: Target, wanted: Definition
) -> list[tuple[str, str]]:
    """Give the table what it had besides its rows; return what its roles would not allow.

    Each text of the definition is sent as one statement: a second one in it is an error.
    """
    if wanted.comment:
        connection.execute(
            SQL("COMMENT ON TABLE {} IS {}").format(target.sql, Literal(wanted.comment))
        )
    for option in wanted.options:
        name, _, value = option.partition("=")
        connection.execute(
            SQL("ALTER TABLE {} SET ({} = {})").format(target.sql, Identifier(name), Literal(value))
        )
    for text in wanted.indexes:
        _one(connection, SQL(text))
    for name, text, *_ in wanted.constraints:
        _one(
            connection,
            SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(
                target.sql, Identifier(name), SQL(text)
            ),
        )
    for text in wanted.statistics:
        _one(connection, SQL(text))
    return _rights(connection, target, wanted)


def _one(connection: psycopg.Connection, statement: Any) -> None:
    connection.execute(statement, binary=True)  # the protocol that takes one statement alone


def _rights(
    connection: psycopg.Connection, target: Target, wanted: Definition
) -> list[tuple[str, str]]:
    """Grant what was granted, then hand the table to its owner; return what could not be done."""
    left: list[tuple[str, str]] = []
    for grantee, privilege, grantable in wanted.grants:
        if privilege not in PRIVILEGES:
            left.append((f"{privilege} for {grantee or 'PUBLIC'}", "labdb knows no such right"))
            continue
        statement = SQL("GRANT {} ON {} TO {}{}").format(
            SQL(privilege),
            target.sql,
            Identifier(grantee) if grantee else SQL("PUBLIC"),
            SQL(" WITH GRANT OPTION" if grantable else ""),
        )
        left += _tried(connection, statement, f"{privilege} for {grantee or 'PUBLIC'}")
    now = connection.execute("SELECT current_user").fetchone()
    if now is not None and now[0] != wanted.owner:
        statement = SQL("ALTER TABLE {} OWNER TO {}").format(target.sql, Identifier(wanted.owner))
        left += _tried(connection, statement, f"{wanted.owner} as its owner")
    return left


def _tried(connection: psycopg.Connection, statement: Composed, what: str) -> list[tuple[str, str]]:
    try:
        with connection.transaction():
            connection.execute(statement)
    except (psycopg.errors.UndefinedObject, psycopg.errors.InsufficientPrivilege) as error:
        return [(what, error.diag.message_primary or "")]
    return []
