"""Before the first row: lock the tables, make them, and give every file its number."""

from collections.abc import Iterable, Sequence

import psycopg

from labdb.adapters.catalogue import ledger, lock, partitions, tables
from labdb.adapters.catalogue.file_state import sha256
from labdb.adapters.catalogue.tables import Target
from labdb.domain.catalogue.migration import order
from labdb.domain.catalogue.table import Table
from labdb.errors import DeclarationError, RefusedError
from labdb.operations.catalogue.one_file import Loaded
from labdb.operations.catalogue.parts import Fitted


def targets(found: Iterable[Fitted]) -> dict[Target, Table]:
    """Return the tables that rows go into, in a stable order."""
    return {one.part.target: one.part.table for one in found}


def prepare(connection: psycopg.Connection, found: Sequence[Fitted]) -> None:
    """Lock and make the tables, and register the files.

    Raises:
        RefusedError: another load holds a table.
        RefusedError: a table that is there is of another version of the model.
        DeclarationError: a table that is there has other columns than the model.
    """
    wanted = targets(found)
    for target in wanted:
        lock.take(connection, target)
    with connection.transaction():
        for target, table in wanted.items():
            connection.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
                [f"labdb catalogue ledger {target.schema}"],
            )
            _table(connection, target, table)
            names = [one.part.path.name for one in found if one.part.target == target]
            ledger.register(connection, target.schema, target.name, names, table)


def _table(connection: psycopg.Connection, target: Target, table: Table) -> None:
    if not ledger.exists(connection, target.schema):
        ledger.create(connection, target.schema)
    if not tables.exists(connection, target):
        _refuse_without_vectors(connection, target, table)
        tables.create(connection, target, table)
    elif not tables.is_empty(connection, target) or _taken_out(connection, target, table):
        _refuse_version(connection, target, table)
    different = tables.differences(connection, target, table)
    different += _parted_otherwise(connection, target, table)
    if different:
        raise DeclarationError(
            f"{target} is there, and is not the table of model {table.model}",
            why="\n".join(different),
            hint="load into another schema (--schema) or under another name (--as)",
        )
    if tables.is_empty(connection, target) and not _taken_out(connection, target, table):
        # Made just now, or emptied by somebody.
        ledger.forget(connection, target.schema, target.name, table.model_version)


def _refuse_version(connection: psycopg.Connection, target: Target, table: Table) -> None:
    """Refuse a table that another version of the model loaded.

    Raises:
        RefusedError: it is of another version; the hint names the command to run.
    """
    others = {
        version
        for model, version in ledger.versions(connection, target.schema, target.name)
        if model == table.model and version != table.model_version
    }
    if not others:
        return
    newest = max(others, key=order)
    older = order(newest) < order(table.model_version)
    raise RefusedError(
        f"{target} is of version {newest} of model {table.model}, not {table.model_version}",
        why="the ledger of loads says so",
        hint=f"labdb catalogue migrate {table.model} --schema {target.schema} brings it on; an own "
        "model is named by its path"
        if older
        else "load with the newer model, or into another schema (--schema)",
    )


def _refuse_without_vectors(connection: psycopg.Connection, target: Target, table: Table) -> None:
    if not any(column.is_vector for column in table.columns):
        return
    if tables.extension_schema(connection, tables.VECTOR) is None:
        raise RefusedError(
            f"{target} cannot be made: it has vectors",
            why="the extension vector (pgvector) is not in this database",
            hint="CREATE EXTENSION vector, as an administrator, then run the same command again",
        )


def _parted_otherwise(connection: psycopg.Connection, target: Target, table: Table) -> list[str]:
    """Return how the table is partitioned where the model says another way.

    A table that is not partitioned at all, from before its model said so, stays as it is.
    """
    there = partitions.key(connection, target)
    if there is None or table.partition is None:
        return []
    if partitions.column(connection, target) == table.partition.column:
        return []
    return [f"it is partitioned by {there}, wanted RANGE ({table.partition.column})"]


def _taken_out(connection: psycopg.Connection, target: Target, table: Table) -> bool:
    """Tell whether rows of the table are elsewhere, in partitions that were detached."""
    step = table.partition.step if table.partition else None
    return bool(partitions.detached(connection, target, step))


def pending(
    connection: psycopg.Connection, found: Sequence[Fitted], *, replace: bool
) -> tuple[list[Fitted], list[Loaded]]:
    """Return the parts that are still to be loaded, and those that are there.

    Raises:
        RefusedError: a file that was loaded has changed; the message names all of them.
    """
    todo: list[Fitted] = []
    there: list[Loaded] = []
    changed: list[str] = []
    for one in found:
        target, name = one.part.target, one.part.path.name
        entry = ledger.entries(connection, target.schema, target.name)[name]
        if not entry.finished:
            todo.append(one)
        elif entry.sha256 == sha256(one.part.path):
            there.append(Loaded(name, str(target), "there", entry.rows_loaded or 0))
        elif replace:
            todo.append(one)
        else:
            changed.append(f"{name} in {target}")
    if changed:
        raise RefusedError(
            f"{len(changed)} files have changed since they were loaded; nothing was done",
            why="\n".join(changed),
            hint="--replace takes the rows of each old file away and loads the new one, in one "
            "transaction",
        )
    return todo, there
