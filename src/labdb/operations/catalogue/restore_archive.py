"""Bring an archived table back: all of it in one transaction, equal to what was archived."""

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb

from labdb.adapters.catalogue import (
    archive_ledger,
    definition,
    ledger,
    lock,
    parquet_in,
    partitions,
    tables,
)
from labdb.adapters.catalogue.ahead import ahead
from labdb.adapters.catalogue.connection import connect, told
from labdb.adapters.catalogue.fingerprint import fingerprint, settle
from labdb.adapters.catalogue.tables import Target
from labdb.domain.catalogue.manifest import Manifest
from labdb.errors import RefusedError, RunError
from labdb.operations.catalogue.export import AGAIN, manifest_of, manifest_sha256
from labdb.operations.catalogue.watcher import Watcher
from labdb.report import Finding, Phase, Report

COMMAND = "catalogue restore-from-archive"


def restore(
    conninfo: str, folder: Path, watcher: Watcher, *, trusted: bool = False, dry_run: bool = False
) -> Report:
    """Make the table of the archive in *folder* again; *trusted* says that its SQL is believed.

    Raises:
        UsageError: the folder is no archive.
        RefusedError: a table of the name stands, or this database does not know the archive.
        RunError: files are missing or changed, all of them named, or the rows are not what was
            archived; nothing is in the database then.
    """
    begin = time.monotonic()
    made = manifest_of(folder)
    target = Target(made.schema, made.table)
    watcher.say(f"checksums of {len(made.files)} files")
    _whole(folder, made)
    with connect(conninfo, str(target), f"labdb {COMMAND}") as connection:
        connection.autocommit = True
        database = connection.info.dbname
        with told(str(target), AGAIN):
            lock.take(connection, target)
            _refuse(connection, made, manifest_sha256(folder), trusted=trusted)
            left: list[tuple[str, str]] = []
            if not dry_run:
                watcher.expect(made.rows)
                left = _restore(connection, folder, made, watcher)
    return Report(
        COMMAND,
        database,
        f"{target} would come back with {made.rows:,} rows"
        if dry_run
        else f"{target} is back: {made.rows:,} rows, equal to what was archived",
        findings=[_without(what, why) for what, why in left],
        phases=(Phase("all", time.monotonic() - begin),),
        data={
            "dry_run": dry_run,
            "table": made.name,
            "rows": made.rows,
            "fingerprint": made.fingerprint.hash,
        },
    )


def _whole(folder: Path, made: Manifest) -> None:
    wrong = parquet_in.missing_or_changed(folder, made)
    if wrong:
        raise RunError(
            f"{len(wrong)} files of the archive are not what they were; nothing was restored",
            why="\n".join(wrong),
            hint="get them from another copy of the folder",
        )


def _refuse(connection: psycopg.Connection, made: Manifest, sha256: str, *, trusted: bool) -> None:
    target = Target(made.schema, made.table)
    if tables.exists(connection, target):
        raise RefusedError(
            f"{target} is there; nothing was done",
            why="a table of that name stands, and none is ever overwritten",
            hint="rename it, or archive it into another folder",
        )
    known = archive_ledger.lines(connection, made.schema, made.table)
    if not trusted and sha256 not in {one.manifest_sha256 for one in known}:
        raise RefusedError(
            f"this database did not archive {target} into that folder",
            why=f"no line of its ledger of archives has the manifest {sha256}; the definitions of "
            "indexes and checks in a manifest are SQL, which runs with your rights",
            hint="read the member definition of manifest.json; if you trust it: --trusted",
        )


def _restore(
    connection: psycopg.Connection, folder: Path, made: Manifest, watcher: Watcher
) -> list[tuple[str, str]]:
    target = Target(made.schema, made.table)
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE")
        settle(connection)
        _schema(connection, made)
        definition.create(connection, target, made.columns)
        watcher.say(f"{folder} to {target}")
        _rows(connection, folder, made, watcher)
        watcher.say(f"indexes and keys of {target}")
        left = definition.finish(connection, target, made.definition)
        _ledger(connection, made)
        tables.analyze(connection, target)
        watcher.say(f"fingerprint of {target}")
        now = fingerprint(connection, target)
        if now != made.fingerprint:
            differ = ", ".join(made.fingerprint.changed_columns(now))
            raise RunError(
                f"{target} would not be what was archived; nothing was restored",
                why=f"{now.rows:,} rows of {made.rows:,}; hash {now.hash}, not "
                f"{made.fingerprint.hash}; columns that differ: {differ or 'none with numbers'}",
                hint="get the folder from another copy; if it happens again, please report it",
            )
        archive_ledger.came_back(connection, made.schema, manifest_sha256(folder))
        partitions.came_back(connection, target)
    return left


def _schema(connection: psycopg.Connection, made: Manifest) -> None:
    place = Identifier(made.schema).as_string(connection)
    there = connection.execute("SELECT to_regnamespace(%s)", [place]).fetchone()
    if there is None or there[0] is None:
        connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(made.schema)))
    if made.ledger and not ledger.exists(connection, made.schema):
        ledger.create(connection, made.schema)


def _rows(connection: psycopg.Connection, folder: Path, made: Manifest, watcher: Watcher) -> None:
    target = Target(made.schema, made.table)
    names = [one.name for one in made.columns]

    def counted() -> Iterator[bytes]:
        for rows, block in parquet_in.copied(folder, made):
            if block:
                yield block
            watcher.advance(rows)

    into = target
    if any(one.by_text for one in made.columns):
        into = Target("pg_temp", "labdb_restored")
        definition.create_as_text(connection, into, made.columns)
    tables.copy(connection, into, names, ahead(counted(), depth=2))
    if into != target:
        definition.from_text(connection, into, target, made.columns)


def _ledger(connection: psycopg.Connection, made: Manifest) -> None:
    """Write the lines of the ledger of loads again; those of a table that is gone make room."""
    if not made.ledger:
        return
    place = Identifier(made.schema, ledger.NAME)
    connection.execute(SQL("DELETE FROM {} WHERE table_name = %s").format(place), [made.table])
    for line in made.ledger:
        connection.execute(
            SQL("INSERT INTO {} SELECT * FROM jsonb_populate_record(NULL::{}, %s)").format(
                place, place
            ),
            [Jsonb({**line, "table_name": made.table})],
        )


def _without(what: str, why: str) -> Finding:
    return Finding(
        "catalogue.rights",
        "warning",
        f"the table came back without {what}",
        why=why,
        hint="make the role, or ask somebody who may, then GRANT or ALTER TABLE ... OWNER TO",
    )
