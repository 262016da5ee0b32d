"""Bring tables that an older version of a model loaded to the version at hand."""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from labdb.adapters.catalogue import alter, ledger, live, loaded, lock, tables
from labdb.adapters.catalogue.connection import connect, told
from labdb.adapters.catalogue.tables import Target
from labdb.domain.catalogue import difference
from labdb.domain.catalogue.migration import Hop, order, route, said
from labdb.domain.catalogue.table import Model, Table
from labdb.errors import RefusedError, UsageError
from labdb.operations.catalogue.complete import complete
from labdb.operations.catalogue.watcher import Watcher
from labdb.report import Change, Effect, Report

COMMAND = "catalogue migrate"


@dataclass(frozen=True, slots=True)
class Way:
    """A table, and the migrations that it needs."""

    target: Target
    name: str
    version: str
    hops: Sequence[Hop]


@dataclass(frozen=True, slots=True)
class Known:
    """A model, and its migrations by the version that they begin with."""

    model: Model
    hops: dict[str, Hop]


def migrate(
    conninfo: str, known: Known, schema: str, watcher: Watcher, *, dry_run: bool = False
) -> Report:
    """Migrate the tables of *schema* that the model loaded, each in a transaction of its own.

    Before the first is touched, all are compared with the version that they were loaded by.

    Raises:
        UsageError: the schema has no table of the model.
        RefusedError: there is no way to the version, a table is newer, or was altered by hand.
        RunError: PostgreSQL refused a step; tables that were done before stay done.
    """
    model = known.model
    with told(f"model {model.name}"), connect(conninfo, schema) as connection:
        connection.autocommit = True
        database = connection.info.dbname
        ways = _ways(connection, known, schema)
        todo = [way for way in ways if way.hops]
        _refuse_altered(connection, todo)
        if not dry_run:
            for way in todo:
                watcher.say(f"{way.target} from {way.version} to {model.version}")
                lock.take(connection, way.target)
                with connection.transaction():
                    _one(connection, way, model)
            wanted = {way.target: _table(model, way.name) for way in todo}
            complete(connection, wanted, set(), watcher)
    done = "would migrate" if dry_run else "migrated"
    return Report(
        COMMAND,
        database,
        f"{done} {len(todo)} tables to version {model.version} of model {model.name}"
        if todo
        else f"nothing to do: {len(ways)} tables are of version {model.version}",
        changes=[change for way in todo for change in _changes(way, model)],
        data={"dry_run": dry_run, "tables": [str(way.target) for way in todo]},
    )


def _table(model: Model, name: str) -> Table:
    return next(table for table in model.tables if table.name == name)


def _ways(connection: psycopg.Connection, known: Known, schema: str) -> list[Way]:
    model = known.model
    found = [one for one in loaded.catalogues(connection, schema) if one.model == model.name]
    if not found:
        raise UsageError(
            f"the schema {schema} has no table of model {model.name}",
            why="the ledger of loads tells which table is of which model",
            hint="name another schema with --schema, or another model",
        )
    ways = []
    for one in found:
        hops = route(known.hops, one.model_version, model.version)
        if hops is None:
            raise _no_way(one.target, model, one.model_version)
        ways.append(Way(one.target, one.model_table, one.model_version, hops))
    return ways


def _no_way(target: Target, model: Model, version: str) -> RefusedError:
    if order(version) > order(model.version):
        return RefusedError(
            f"{target} is of version {version}, the model at hand is {model.version}",
            why="migrations go forward only: what a step dropped is in no file of labdb's",
            hint="take the newer model; to go back, restore a backup or load the files again",
        )
    return RefusedError(
        f"no migration leads from version {version} of model {model.name} to {model.version}",
        why=f"{target} is of version {version}",
        hint="load the files again into another schema (--schema)",
    )


def _refuse_altered(connection: psycopg.Connection, todo: Sequence[Way]) -> None:
    differs = [
        f"{way.target.schema}.{one}"
        for way in todo
        for one in difference.columns(
            _table(way.hops[0].before, way.name), live.read(connection, way.target)
        )
        if not one.is_text
    ]
    if differs:
        raise RefusedError(
            "tables were altered by hand since they were loaded; nothing was done",
            why="\n".join(differs),
            hint="undo what was altered, or load the files again into another schema (--schema)",
        )


def _one(connection: psycopg.Connection, way: Way, model: Model) -> None:
    for number, hop in enumerate(way.hops):
        last = number + 1 == len(way.hops)
        after = _table(model if last else way.hops[number + 1].before, way.name)
        for step in hop.migration.tables.get(way.name, ()):
            alter.take(connection, way.target, step, after)
    table = _table(model, way.name)
    found = difference.columns(table, live.read(connection, way.target))
    left = [one for one in found if not one.is_text]
    if left:
        raise RefusedError(
            f"the migration does not make {way.target} what version {model.version} says",
            why="\n".join(map(str, left)),
            hint="mend the migration's file; the table is as it was",
        )
    tables.describe(connection, way.target, table)
    ledger.migrate(connection, way.target.schema, way.target.name, model.version)


def _changes(way: Way, model: Model) -> list[Change]:
    changes = []
    for hop in way.hops:
        for step in hop.migration.tables.get(way.name, ()):
            column, what = said(step)
            changes.append(
                Change(f"{way.target}.{column}", "column", None, what, Effect.LIVE,
                       hop.migration.reason)
            )  # fmt: skip
    changes.append(Change(str(way.target), "version", way.version, model.version, Effect.LIVE))
    return changes
