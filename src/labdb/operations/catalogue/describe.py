"""Describe the catalogues of a database in TAP_SCHEMA."""

from collections.abc import Iterable, Mapping, Sequence

import psycopg

from labdb.adapters.catalogue import live, loaded, models, tap_schema
from labdb.adapters.catalogue.connection import connect, told
from labdb.adapters.catalogue.loaded import Loaded
from labdb.adapters.catalogue.tables import Target
from labdb.adapters.catalogue.tap_schema import Content
from labdb.domain.catalogue import tap
from labdb.domain.catalogue.table import Model, Table
from labdb.domain.catalogue.tap import SCHEMA, TapTable
from labdb.report import Change, Effect, Report

COMMAND = "catalogue tap-schema"


def describe(conninfo: str, given: Sequence[Model] = (), *, dry_run: bool = False) -> Report:
    """Let TAP_SCHEMA describe the tables that the ledgers of loads know, and no others.

    What the model says that a table was loaded by is taken, *given* models before labdb's; of a
    table whose model is not at hand, or is another version, its COMMENTs.

    Raises:
        RefusedError: a right is missing.
        UnreachableError: PostgreSQL does not answer.
    """
    known = by_name(given)
    with told("tap_schema"), connect(conninfo, SCHEMA) as connection:
        database = connection.info.dbname
        was_there = tap_schema.is_there(connection)
        tap_schema.ensure(connection)
        found = loaded.catalogues(connection)
        wanted = _content(connection, found, known)
        before = tap_schema.read(connection)
        changes = _changes(before, wanted, made=not was_there)
        if changes and not dry_run:
            tap_schema.write(connection, wanted)
        if dry_run:
            connection.rollback()
    columns = sum(1 for row in wanted.lines["columns"] if not row[12])
    return Report(
        COMMAND,
        database,
        _summary(len(found), columns, changes, dry_run=dry_run),
        changes=changes,
        data={
            "dry_run": dry_run,
            "tables": [
                {
                    "table": str(one.target),
                    "model": one.model,
                    "version": one.model_version,
                    "described_by": "model" if _modelled(one, known) else "comments",
                }
                for one in found
            ],
        },
    )


def by_name(given: Iterable[Model]) -> dict[str, Model]:
    """Return labdb's models and *given* ones by their names."""
    return {name: models.load(name) for name in models.names()} | {one.name: one for one in given}


def _modelled(one: Loaded, known: Mapping[str, Model]) -> Table | None:
    model = known.get(one.model)
    if model is None or model.version != one.model_version:
        return None
    return next((table for table in model.tables if table.name == one.model_table), None)


def _content(
    connection: psycopg.Connection, found: Sequence[Loaded], known: Mapping[str, Model]
) -> Content:
    places = {SCHEMA: tap_schema.comment(connection, SCHEMA) or ""}
    for one in found:
        names = sorted({other.model for other in found if other.target.schema == one.target.schema})
        places[one.target.schema] = (
            tap_schema.comment(connection, one.target.schema)
            or f"Catalogues of the models {', '.join(names)}"
        )
    targets: list[Target] = [*tap_schema.OWN, *(one.target for one in found)]
    loads = {one.target: one for one in found}
    tables: list[TapTable] = []
    for number, target in enumerate(targets, start=1):
        there = live.read(connection, target)
        table = _modelled(loads[target], known) if target in loads else None
        description = table.description if table else there.description
        tables.append(tap.table(there, number, description, table.columns if table else ()))
    return tap_schema.content(connection, list(places.items()), tables, targets)


def _changes(before: Content, wanted: Content, *, made: bool) -> list[Change]:
    """Return what has to be written, a table a line."""
    changes = []
    if made:
        changes.append(_change("tap_schema", None, "made"))
    old, new = _by_table(before), _by_table(wanted)
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) == new.get(name) or (made and name.startswith(f"{SCHEMA}.")):
            continue
        then = f"{len(old[name]) - 1} columns" if name in old else None
        now = f"{len(new[name]) - 1} columns" if name in new else None
        changes.append(_change(name, then, now if now != then else f"{now}, described anew"))
    same = {name: sorted(lines, key=repr) for name, lines in before.lines.items()} == {
        name: sorted(lines, key=repr) for name, lines in wanted.lines.items()
    }
    if not changes and not same:
        changes.append(_change("tap_schema", "schemas and keys", "described anew"))
    return changes


def _change(subject: str, before: str | None, after: str | None) -> Change:
    return Change(subject, "TAP_SCHEMA", before, after, Effect.LIVE)


def _by_table(content: Content) -> dict[str, list[object]]:
    """Return what is said of each table: its own line without its place, and its columns."""
    found: dict[str, list[object]] = {
        row[1]: [(row[0], *row[2:-1])] for row in content.lines["tables"]
    }
    for row in sorted(content.lines["columns"], key=lambda row: (row[0], row[-1])):
        found[row[0]].append(row)
    return found


def _summary(tables: int, columns: int, changes: Sequence[Change], *, dry_run: bool) -> str:
    there = f"{tables} tables with {columns} columns"
    if not changes:
        return f"nothing to do: {there} are described"
    return f"would describe {there}" if dry_run else f"{there} are described"
