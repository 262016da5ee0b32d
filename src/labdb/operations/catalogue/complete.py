"""After the last row: indexes, primary key and statistics, whatever is missing of them."""

from collections.abc import Mapping

import psycopg

from labdb.adapters.catalogue import tables
from labdb.adapters.catalogue.connection import told
from labdb.adapters.catalogue.tables import Target
from labdb.domain.catalogue import layout
from labdb.domain.catalogue.table import Table
from labdb.errors import RunError
from labdb.operations.catalogue.watcher import Watcher
from labdb.report import Finding

Q3C = "q3c"


def complete(
    connection: psycopg.Connection,
    wanted: Mapping[Target, Table],
    fresh: set[Target],
    watcher: Watcher,
) -> tuple[list[str], list[Finding]]:
    """Make what is missing; *fresh* tables have new rows. Return what was made, and findings.

    Raises:
        RunError: a key comes twice, in different files.
    """
    made: list[str] = []
    findings: list[Finding] = []
    for target, table in wanted.items():
        with told(str(target)):
            before = len(made)
            q3c = tables.extension_schema(connection, Q3C)
            vectors = tables.extension_schema(connection, tables.VECTOR)
            if table.position and q3c is None:
                findings.append(_without_q3c(target))
            for index in layout.after_load(table, target.name):
                if index.spherical and q3c is None:
                    continue
                if not tables.has_index(connection, target, index.name):
                    watcher.say(f"index {index.name}")
                    extension = vectors if index.operators else q3c
                    tables.create_index(connection, target, index, extension)
                    made.append(index.name)
            _key(connection, target, table, watcher, made)
            stale = target in fresh or len(made) > before
            if stale or not tables.has_statistics(connection, target):
                watcher.say(f"statistics of {target}")
                tables.analyze(connection, target)
    return made, findings


def _key(
    connection: psycopg.Connection,
    target: Target,
    table: Table,
    watcher: Watcher,
    made: list[str],
) -> None:
    name = layout.primary_key_name(target.name)
    if not table.key or tables.has_index(connection, target, name):
        return
    watcher.say(f"primary key of {target}")
    try:
        tables.create_primary_key(connection, target, name, table.key)
    except psycopg.errors.UniqueViolation as error:
        raise RunError(
            f"{target}: rows of different files have the same key",
            why=error.diag.message_detail or "",
            hint="SELECT source_id FROM the table tells which files; take the rows of one away, "
            "and its line of load_ledger, then run the load again",
        ) from error
    made.append(name)


def _without_q3c(target: Target) -> Finding:
    return Finding(
        "catalogue.q3c",
        "warning",
        f"{target} has no index for the sky",
        why="the extension q3c is not in this database",
        hint="CREATE EXTENSION q3c, as an administrator, then run the same command again",
    )
