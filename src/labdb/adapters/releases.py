"""Releases in PostgreSQL: tables of a release, the views on them, and the history."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.sql import SQL, Composed, Identifier, Literal
from psycopg.types.json import Jsonb

from labdb import __version__
from labdb.adapters.catalogue import definition, ledger
from labdb.adapters.catalogue.tables import Target, exists, extension_schema
from labdb.adapters.content import query
from labdb.domain.releases.history import Action, Done
from labdb.domain.releases.views import Act, Column, Offered, Standing, Step

HISTORY = "release_history"


@dataclass(frozen=True, slots=True)
class Released:
    """A table of a release, with its provenance."""

    offered: Offered
    comment: str
    model_table: str
    files: Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Rights:
    """Who owns a view, and who may do what with it."""

    owner: str
    grants: Sequence[tuple[str, str, bool]]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the history."""

    done: Done
    previous: str | None
    at: str
    by: str
    code_version: str
    tables: Sequence[dict[str, Any]]
    cosmologies: Sequence[dict[str, Any]]


def schemas(connection: psycopg.Connection) -> list[str]:
    """Return the schemas that a catalogue was loaded into."""
    return [str(row[0]) for row in connection.execute(query("catalogue/schemas"))]


def released(connection: psycopg.Connection, release: str) -> list[Released]:
    """Return the tables of the schema *release*."""
    if not ledger.exists(connection, release):
        return []
    columns = _columns(connection, release)
    text = SQL(query("release/tables")).format(schema=Identifier(release))
    return [
        Released(
            Offered(name, columns[name][0], models, versions, unfinished),
            columns[name][1],
            model_table,
            files,
        )
        for name, models, versions, model_table, unfinished, files in connection.execute(
            text, {"schema": release}
        )
        if name in columns
    ]


def _columns(
    connection: psycopg.Connection, schema: str
) -> dict[str, tuple[tuple[Column, ...], str]]:
    rows = connection.execute(query("release/columns"), {"schema": schema})
    return {name: (tuple(Column(*one) for one in found), told) for name, found, told in rows}


def standing(
    connection: psycopg.Connection, views: str, ours: set[str]
) -> tuple[list[Standing], dict[str, Rights]]:
    """Return what stands in the schema *views*, and the rights on it; *ours* were made by labdb."""
    columns = _columns(connection, views)
    found: list[Standing] = []
    rights: dict[str, Rights] = {}
    rows = connection.execute(query("release/standing"), {"schema": views}).fetchall()
    for name, kind, source, invoker, owner, grants, in_place in rows:
        target = Target(views, name)
        found.append(
            Standing(
                name,
                kind,
                columns.get(name, ((), ""))[0],
                tuple(source) if source else None,
                invoker,
                name in ours,
                definition.listed(connection, "dependents", target),
                in_place,
            )
        )
        rights[name] = Rights(owner, [tuple(one) for one in grants])
    return found, rights


def unreadable(connection: psycopg.Connection, view: Target, table: Target) -> list[str]:
    """Return what is missing so that all readers of *view* may read *table*, as statements."""
    rows = connection.execute(
        query("release/unreadable"),
        {"view": view.quoted(connection), "table": table.quoted(connection)},
    )
    told = []
    for role, no_usage in rows:
        who = SQL("PUBLIC") if role == "PUBLIC" else Identifier(role)
        if no_usage:
            told.append(
                SQL("GRANT USAGE ON SCHEMA {} TO {}")
                .format(Identifier(table.schema), who)
                .as_string(connection)
            )
        told.append(SQL("GRANT SELECT ON {} TO {}").format(table.sql, who).as_string(connection))
    return told


def freeze(connection: psycopg.Connection, table: Target) -> None:
    """Keep writers out of *table* until the transaction ends; readers are not stopped."""
    connection.execute(SQL("LOCK TABLE {} IN SHARE MODE").format(table.sql))


def hold(connection: psycopg.Connection, view: Target) -> None:
    """Keep everybody out of *view* until the transaction ends, and out of no table behind it.

    LOCK TABLE would lock the tables, too.
    """
    connection.execute(SQL("ALTER VIEW {} SET (security_invoker = true)").format(view.sql))


def create_schema(connection: psycopg.Connection, views: str) -> None:
    """Make the schema of the views and the history, where they are not there."""
    place = Identifier(views).as_string(connection)
    there = connection.execute("SELECT to_regnamespace(%s)", [place]).fetchone()
    if there is None or there[0] is None:
        connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(views)))
    if not exists(connection, Target(views, HISTORY)):
        connection.execute(SQL(query("release/history")).format(schema=Identifier(views)))


def apply(
    connection: psycopg.Connection,
    views: str,
    release: str,
    step: Step,
    told: tuple[str, Rights | None],
) -> None:
    """Do *step*; *told* are the comment of the table and the rights on the view that stood."""
    view, table = Target(views, step.name), Target(release, step.name)
    comment, rights = told
    if step.act in (Act.DROP, Act.RECREATE):
        connection.execute(SQL("DROP VIEW {} RESTRICT").format(view.sql))
    if step.act is Act.DROP:
        return
    connection.execute(
        SQL("CREATE OR REPLACE VIEW {} WITH (security_invoker = true) AS SELECT {} FROM {}").format(
            view.sql,
            SQL(", ").join(Identifier(one.name) for one in step.columns),
            table.sql,
        )
    )
    connection.execute(
        SQL("COMMENT ON VIEW {} IS {}").format(
            view.sql, Literal(f"{comment} (release {release})".strip())
        )
    )
    for one in step.columns:
        connection.execute(
            SQL("COMMENT ON COLUMN {} IS {}").format(
                Identifier(views, step.name, one.name), Literal(one.comment or None)
            )
        )
    if step.act is Act.RECREATE and rights is not None:
        _give(connection, view, rights)


def _give(connection: psycopg.Connection, view: Target, rights: Rights) -> None:
    """Give a view that was made anew exactly the rights that it had."""
    _, now = standing(connection, view.schema, set())
    given = now[view.name]
    for grantee in sorted({one[0] for one in given.grants}):
        connection.execute(SQL("REVOKE ALL ON {} FROM {}").format(view.sql, _role(grantee)))
    for grantee, privilege, grantable in rights.grants:
        connection.execute(
            SQL("GRANT {} ON {} TO {}{}").format(
                SQL(privilege),  # a word of PostgreSQL's own
                view.sql,
                _role(grantee),
                SQL(" WITH GRANT OPTION" if grantable else ""),
            )
        )
    if given.owner != rights.owner:
        connection.execute(
            SQL("ALTER VIEW {} OWNER TO {}").format(view.sql, Identifier(rights.owner))
        )


def _role(name: str) -> Composed:
    return SQL("{}").format(Identifier(name) if name else SQL("PUBLIC"))


def lockers(connection: psycopg.Connection, targets: Sequence[Target]) -> list[str]:
    """Return who holds locks of *targets*, one line each."""
    names = {"names": [one.quoted(connection) for one in targets]}
    return [str(row[0]) for row in connection.execute(query("catalogue/lockers"), names)]


def cosmologies(connection: psycopg.Connection) -> list[dict[str, Any]]:
    """Return the cosmologies that distances are computed with, where the extension labdb is."""
    schema = extension_schema(connection, "labdb")
    if schema is None or not exists(connection, Target(schema, "cosmology")):
        return []
    rows = connection.execute(
        SQL("SELECT to_jsonb(one) FROM {} AS one ORDER BY name").format(
            Identifier(schema, "cosmology")
        )
    )
    return [row[0] for row in rows]


def history(connection: psycopg.Connection, views: str) -> list[Line]:
    """Return what was done to the views, oldest first."""
    if not exists(connection, Target(views, HISTORY)):
        return []
    rows = connection.execute(
        SQL(
            "SELECT release, action, previous, to_char(done_at AT TIME ZONE 'UTC',"
            ' \'YYYY-MM-DD"T"HH24:MI:SS"Z"\'), done_by, code_version, tables, cosmologies'
            " FROM {} ORDER BY promotion_id"
        ).format(Identifier(views, HISTORY))
    )
    return [Line(Done(row[0], row[1]), *row[2:]) for row in rows]


def write(
    connection: psycopg.Connection,
    views: str,
    done: tuple[str, Action, str | None],
    tables: Sequence[dict[str, Any]],
) -> None:
    """Add a line to the history."""
    release, action, previous = done
    connection.execute(
        SQL(
            "INSERT INTO {} (release, action, previous, code_version, tables, cosmologies)"
            " VALUES (%s, %s, %s, %s, %s, %s)"
        ).format(Identifier(views, HISTORY)),
        [release, action, previous, __version__, Jsonb(tables), Jsonb(cosmologies(connection))],
    )
