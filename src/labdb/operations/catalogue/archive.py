"""Archive a table: its export is proven, and only then, in the same transaction, it goes.

At any moment the table is there, or its archive is whole, or both: the folder has its name before
the table is dropped, and a run that was killed between the two is taken up by the next.
"""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

from labdb.adapters.catalogue import archive_ledger, definition, ledger, partitions
from labdb.adapters.catalogue.connection import told
from labdb.adapters.catalogue.export_folder import free
from labdb.adapters.catalogue.fingerprint import fingerprint
from labdb.adapters.catalogue.tables import Target
from labdb.domain.catalogue.manifest import NAME, Manifest
from labdb.errors import RefusedError
from labdb.operations.catalogue import export as exporting
from labdb.operations.catalogue.export import AGAIN, Request
from labdb.operations.catalogue.watcher import Watcher
from labdb.operations.confirmation import must_name
from labdb.report import Finding, Phase, Report

COMMAND = "catalogue archive"


@dataclass(frozen=True, slots=True)
class How:
    """Whether it is only looked at, and the name that was typed."""

    confirm: str = ""
    dry_run: bool = False


def archive(request: Request, how: How, watcher: Watcher) -> Report:
    """Export the table, prove the files, drop the table with its lines of the ledger of loads.

    A folder that holds a proven archive of the very same table is taken as it is.

    Raises:
        UsageError: there is no such table, or the folder holds something else.
        RefusedError: another name was typed, something depends on the table, an archive could not
            bring all of it back, or somebody is at work on it.
        RunError: the files are not what was written; the table stays.
    """
    begin = time.monotonic()
    target, folder = request.target, request.folder
    if not how.dry_run:
        hint = f"labdb catalogue archive {target.name} --to {folder} --confirm {target.name}"
        must_name(target.name, how.confirm, what="it is archived", hint=hint, whose="table")
    there = _there(request)
    with exporting.opened(request.conninfo, target, shared=False) as connection:
        database = connection.info.dbname
        with told(str(target), AGAIN):
            _refuse_partitioned(connection, target)
            refuse_dependents(connection, target)
            if how.dry_run:
                return _rehearsed(connection, request, there)
            with exporting.snapshot(connection, target, writing=True):
                made = there or exporting.write(connection, request, watcher)
                if there is not None:
                    watcher.say(f"comparing {target} with {folder}")
                    _same(connection, request, there)
                watcher.say(f"dropping {target}")
                _drop(connection, made, folder)
    return Report(
        COMMAND,
        database,
        f"{target} is archived: {made.rows:,} rows, {len(made.files)} files in {folder}",
        findings=[*exporting.findings(made), _way_back(made, folder)],
        phases=(Phase("all", time.monotonic() - begin),),
        data=exporting.data(made, folder) | {"dropped": True},
    )


def into(conninfo: str, parent: Path, watcher: Watcher) -> Callable[[Target], str]:
    """Return what archives a table into a folder of its name below *parent*, and tells where."""

    def one(target: Target) -> str:
        folder = parent / target.name
        archive(Request(conninfo, target, folder), How(confirm=target.name), watcher)
        return str(folder.absolute())

    return one


def _refuse_partitioned(connection: psycopg.Connection, target: Target) -> None:
    """See that *target* is one table.

    Raises:
        RefusedError: it is partitioned; each partition is a table of its own, and so its archive.
    """
    if partitions.key(connection, target) is None:
        return
    names = [one.name for one in partitions.attached(connection, target)]
    raise RefusedError(
        f"{target} is partitioned; nothing was done",
        why=f"its partitions are archived one by one: {', '.join(names) or 'it has none'}",
        hint=f"old ones: labdb catalogue partitions expire {target} --keep N --archive-to "
        "DIRECTORY; all rows at once, and the table stays: labdb catalogue export",
    )


def refuse_dependents(connection: psycopg.Connection, target: Target) -> None:
    """See that nothing needs the table, and that an archive of it would be all of it.

    Raises:
        RefusedError: something does, or it would not; the message names everything.
    """
    dependents = definition.listed(connection, "dependents", target)
    if dependents:
        raise RefusedError(
            f"{len(dependents)} things depend on {target}; nothing was done",
            why="\n".join(dependents),
            hint="ask their owners to drop them or to make them from another table; labdb never "
            "drops them",
        )
    peculiar = definition.listed(connection, "peculiar", target)
    if peculiar:
        raise RefusedError(
            f"an archive would not bring all of {target} back; nothing was done",
            why="\n".join(peculiar),
            hint="take that away first (a partition: labdb catalogue partitions detach), or use "
            "labdb catalogue export, which leaves the table",
        )


def _there(request: Request) -> Manifest | None:
    """Return the manifest of an archive that a killed run left whole; the folder is free else."""
    if not (request.folder / NAME).is_file():
        free(request.folder)
        return None
    made = exporting.manifest_of(request.folder)
    if (made.schema, made.table) != (request.target.schema, request.target.name):
        free(request.folder)
    return made


def _same(connection: psycopg.Connection, request: Request, there: Manifest) -> None:
    """See that the archive in the folder is one of the table as it is now.

    Raises:
        RefusedError: it is not; the message says in what.
        RunError: its files are damaged.
    """
    target = request.target
    exporting.prove(request.folder, there)
    now = {
        "rows": fingerprint(connection, target),
        "columns": tuple(definition.columns(connection, target)),
        "indexes, keys or grants": definition.as_listed(definition.definition(connection, target)),
        "lines of the ledger": exporting.lines(connection, target),
    }
    then = {
        "rows": there.fingerprint,
        "columns": there.columns,
        "indexes, keys or grants": definition.as_listed(there.definition),
        "lines of the ledger": list(there.ledger),
    }
    wrong = [what for what, value in now.items() if value != then[what]]
    if wrong:
        raise RefusedError(
            f"{request.folder} holds an archive of another state of {target}",
            why=f"other are: {', '.join(wrong)}",
            hint="name another folder",
        )


def _drop(connection: psycopg.Connection, made: Manifest, folder: Path) -> None:
    target = Target(made.schema, made.table)
    archive_ledger.add(
        connection, made, exporting.manifest_sha256(folder), folder, socket.gethostname()
    )
    if made.ledger:
        connection.execute(
            SQL("DELETE FROM {} WHERE table_name = %s").format(
                Identifier(made.schema, ledger.NAME)
            ),
            [made.table],
        )
    partitions.went(connection, target, str(folder.absolute()))
    try:
        connection.execute(SQL("DROP TABLE {} RESTRICT").format(target.sql))
    except psycopg.errors.DependentObjectsStillExist as error:
        raise RefusedError(
            f"something came to depend on {target} meanwhile; it stays",
            why=error.diag.message_detail or "",
            hint="the archive is whole; see what depends on it, then run the same command again",
        ) from error


def _way_back(made: Manifest, folder: Path) -> Finding:
    return Finding(
        "catalogue.archive",
        "info",
        f"{made.name} comes back from {folder.absolute()}",
        hint=f"labdb catalogue restore-from-archive {folder}",
    )


def _rehearsed(connection: psycopg.Connection, request: Request, there: Manifest | None) -> Report:
    planned = exporting.rehearsed(connection, request)
    what = "is archived there already, and would be dropped" if there else "would be written there"
    return Report(
        COMMAND,
        planned.server,
        f"nothing depends on {request.target}; about {planned.data['rows']:,} rows: {what}",
        data=planned.data | {"dropped": False},
    )
