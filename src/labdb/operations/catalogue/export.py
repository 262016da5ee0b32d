"""Export a table into Parquet files: one snapshot, little memory, read back before it counts."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import yaml
from psycopg.sql import SQL, Composable, Identifier, Literal

from labdb import __version__
from labdb.adapters.catalogue import (
    copy_out,
    definition,
    ledger,
    loaded,
    lock,
    models,
    parquet_in,
    parquet_out,
    tables,
)
from labdb.adapters.catalogue.connection import connect, told
from labdb.adapters.catalogue.export_folder import filling, free
from labdb.adapters.catalogue.fingerprint import fingerprint, settle
from labdb.adapters.catalogue.tables import Target
from labdb.adapters.content import query
from labdb.domain.catalogue import exported_model, pgcopy_read
from labdb.domain.catalogue import manifest as manifests
from labdb.domain.catalogue.carried import Carried
from labdb.domain.catalogue.manifest import Manifest, Snapshot
from labdb.domain.catalogue.table import Table
from labdb.errors import RefusedError, RunError, UsageError
from labdb.operations.catalogue.watcher import Watcher
from labdb.report import Finding, Phase, Report

COMMAND = "catalogue export"
LOCK_TIMEOUT = "5s"
AGAIN = "nothing is half done: mend what the why says, then run the same command again"


@dataclass(frozen=True, slots=True)
class Form:
    """How files are written; *healpix_order* divides them by the sky."""

    compression: str = "zstd"
    group_rows: int = 1_000_000
    healpix_order: int | None = None
    position: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """Which table, and where to."""

    conninfo: str
    target: Target
    folder: Path
    form: Form = Form()


@dataclass(frozen=True, slots=True)
class Origin:
    """Which table of which model it was loaded by; *table* is None where labdb has it not."""

    entry: loaded.Loaded | None
    table: Table | None

    @property
    def told(self) -> dict[str, str]:
        """The model as the manifest has it."""
        one = self.entry
        if one is None:
            return {}
        return {"name": one.model, "version": one.model_version, "table": one.model_table}


@dataclass(frozen=True, slots=True)
class _Planned:
    """What is known of the table before its first row is read."""

    columns: list[Carried]
    origin: Origin
    pixel: Composable | None
    estimate: int


def export(request: Request, watcher: Watcher, *, dry_run: bool = False) -> Report:
    """Write the table into ``request.folder``, prove it by reading it back, and tell of it.

    Raises:
        UsageError: there is no such table, or the folder is not empty.
        RefusedError: it is being loaded, or its load is not complete.
        RunError: the disk is full, the connection was lost, or the files are not what was written.
    """
    begin = time.monotonic()
    free(request.folder)
    with opened(request.conninfo, request.target, shared=True) as connection:
        database = connection.info.dbname
        with told(str(request.target), AGAIN), snapshot(connection, request.target):
            if dry_run:
                return rehearsed(connection, request)
            made = write(connection, request, watcher)
    return Report(
        COMMAND,
        database,
        summary(made, request.folder),
        findings=findings(made),
        phases=(Phase("all", time.monotonic() - begin),),
        data=data(made, request.folder),
    )


@contextmanager
def opened(conninfo: str, target: Target, *, shared: bool) -> Iterator[psycopg.Connection]:
    """Yield a connection that holds the lock which loads of the table take, until it ends.

    Raises:
        UsageError: there is no such table.
        RefusedError: it is being loaded.
    """
    with connect(conninfo, str(target), "labdb catalogue export") as connection:
        connection.autocommit = True
        with told(str(target), AGAIN):
            connection.execute("SELECT set_config('lock_timeout', %s, false)", [LOCK_TIMEOUT])
            must_be_there(connection, target)
            lock.take(connection, target, shared=shared)
        yield connection


def must_be_there(connection: psycopg.Connection, target: Target) -> None:
    """See that *target* is something with rows.

    Raises:
        UsageError: it is not.
    """
    row = connection.execute(
        "SELECT relkind::text FROM pg_class WHERE oid = to_regclass(%s)",
        [target.quoted(connection)],
    ).fetchone()
    if row is None:
        near = [str(one.target) for one in loaded.catalogues(connection)]
        raise UsageError(
            f"there is no table {target}",
            why=f"loaded are {', '.join(near)}" if near else "nothing is loaded here",
            hint="--schema says which schema it is in; the default is raw_catalogs",
        )
    if row[0] not in ("r", "p"):
        kinds = {"v": "a view", "m": "a materialised view", "i": "an index", "S": "a sequence",
                 "f": "a foreign table", "I": "an index", "c": "a type"}  # fmt: skip
        raise UsageError(
            f"{target} is {kinds.get(row[0], 'no table')}",
            why="a table is exported, not what is made from it",
            hint="name the table that it is made from",
        )


@contextmanager
def snapshot(
    connection: psycopg.Connection, target: Target, *, writing: bool = False
) -> Iterator[None]:
    """Begin a transaction in which the table stays as it is; *writing* keeps writers out, too."""
    mode = "SHARE" if writing else "ACCESS SHARE"
    access = "READ WRITE" if writing else "READ ONLY"
    try:
        with connection.transaction():
            connection.execute(
                SQL("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, {}").format(SQL(access))
            )
            # The lock comes before the snapshot: what is written until then belongs to it.
            connection.execute(SQL("LOCK TABLE {} IN {} MODE").format(target.sql, SQL(mode)))
            settle(connection)
            yield
    except psycopg.errors.LockNotAvailable as error:
        raise held(connection, target) from error


def held(connection: psycopg.Connection, target: Target) -> RefusedError:
    """Return the error that others are at work on the table, and who they are."""
    names = {"names": [target.quoted(connection)]}
    who = [row[0] for row in connection.execute(query("catalogue/lockers"), names)]
    return RefusedError(
        f"{target} is locked by somebody else",
        why="\n".join(who) or "who held the lock has let go of it a moment ago",
        hint="wait until that transaction has ended, then run the same command again",
    )


def origin(connection: psycopg.Connection, target: Target) -> Origin:
    """Return what the table was loaded by.

    Raises:
        RefusedError: files of it are still to be loaded.
    """
    found = [one for one in loaded.catalogues(connection, target.schema) if one.target == target]
    if not found:
        return Origin(None, None)
    entry = found[0]
    if not entry.complete:
        entries = ledger.entries(connection, target.schema, target.name)
        left = [name for name, one in entries.items() if not one.finished]
        raise RefusedError(
            f"the load of {target} is not complete",
            why=f"still to be loaded: {', '.join(left)}",
            hint="run labdb catalogue load again until it says that all is there",
        )
    return Origin(entry, _model_table(entry))


def _model_table(entry: loaded.Loaded) -> Table | None:
    if entry.model not in models.names():
        return None
    model = models.load(entry.model)
    same = (one for one in model.tables if one.name == entry.model_table)
    return next(same, None) if model.version == entry.model_version else None


def _plan(connection: psycopg.Connection, request: Request) -> _Planned:
    target, form = request.target, request.form
    found = origin(connection, target)
    columns = definition.columns(connection, target)
    if not columns:
        raise UsageError(f"{target} has no columns", hint="name a table that has rows to export")
    row = connection.execute(
        "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = to_regclass(%s)",
        [target.quoted(connection)],
    ).fetchone()
    rows = found.entry.rows if found.entry else int(row[0]) if row else 0
    pixel = _pixel(connection, form, columns, found) if form.healpix_order is not None else None
    return _Planned(columns, found, pixel, rows)


def _pixel(
    connection: psycopg.Connection, form: Form, columns: list[Carried], found: Origin
) -> Composable:
    """Return the HEALPix pixel of a row in SQL."""
    position = form.position or (found.table.position if found.table else None)
    names = {one.name for one in columns}
    if position is None or not names.issuperset(position):
        raise UsageError(
            "it is not known which columns are the position",
            why=f"there are {', '.join(sorted(names))}",
            hint="name right ascension and declination: --position ra,dec",
        )
    schema = tables.extension_schema(connection, "labdb")
    if schema is None:
        raise RefusedError(
            "the database cannot tell HEALPix pixels",
            why="the extension labdb, which has the function healpix, is not in this database",
            hint="CREATE EXTENSION labdb CASCADE, as an administrator, or leave --healpix out",
        )
    return SQL("{}({}::float8, {}::float8, {})").format(
        Identifier(schema, "healpix"), *map(Identifier, position), Literal(form.healpix_order)
    )


def write(connection: psycopg.Connection, request: Request, watcher: Watcher) -> Manifest:
    """Write the table in the transaction that stands, and return the manifest of what was proven.

    Raises:
        RunError: the files are not what was written, or the disk does not take them.
    """
    target = request.target
    planned = _plan(connection, request)
    watcher.say(f"fingerprint of {target}")
    begun = Manifest(
        labdb=__version__,
        database=connection.info.dbname,
        schema=target.schema,
        table=target.name,
        rows=0,
        snapshot=_snapshot(connection),
        columns=tuple(planned.columns),
        checksums={},
        files=(),
        fingerprint=fingerprint(connection, target),
        definition=definition.definition(connection, target),
        ledger=lines(connection, target),
        model=planned.origin.told,
        compression=request.form.compression,
        healpix_order=request.form.healpix_order,
    )
    watcher.expect(begun.fingerprint.rows)
    with filling(request.folder) as partial:
        watcher.say(f"{target} to {request.folder}")
        made = _rows(connection, request, planned, (begun, partial), watcher)
        (partial / manifests.NAME).write_text(manifests.written(made), encoding="utf-8")
        _write_model(partial, made, planned.origin)
        watcher.say("reading it back")
        prove(partial, made)
    return made


def _rows(
    connection: psycopg.Connection,
    request: Request,
    planned: _Planned,
    where: tuple[Manifest, Path],
    watcher: Watcher,
) -> Manifest:
    begun, partial = where
    form, columns = request.form, planned.columns
    read = [*columns, copy_out.PIXEL] if planned.pixel is not None else columns
    metadata = {"labdb": __version__, "table": begun.name, "snapshot": begun.snapshot.time}
    metadata |= {f"model_{name}": text for name, text in begun.model.items()}
    writer = parquet_out.Writer(
        partial,
        columns,
        parquet_out.schema(columns, metadata),
        form.compression,
        form.group_rows,
        form.healpix_order,
    )
    try:
        for rows in copy_out.batches(connection, request.target, columns, planned.pixel):
            writer.add(pgcopy_read.columns(rows, read))
            watcher.advance(len(rows))
        writer.close()
    except pgcopy_read.NotThisTable as error:
        raise RunError(
            f"{request.target} cannot be exported", why=str(error), hint="see the why above"
        ) from error
    finally:
        writer.give_up()
    if writer.rows != begun.fingerprint.rows:
        raise RunError(
            f"{writer.rows:,} rows came, {begun.fingerprint.rows:,} are there",
            hint="run the same command again; if that does not help, please report it",
        )
    names = [one.name for one in columns]
    sums = [one.number for one in writer.checksums]
    return replace(
        begun,
        rows=writer.rows,
        files=tuple(writer.files),
        checksums=dict(zip(names, sums, strict=True)),
    )


def _snapshot(connection: psycopg.Connection) -> Snapshot:
    row = connection.execute(query("catalogue/snapshot")).fetchone()
    return Snapshot(*row) if row else Snapshot("", "", "", "")


def lines(connection: psycopg.Connection, target: Target) -> list[dict[str, Any]]:
    """Return the table's lines of the ledger of loads, as a manifest has them."""
    if not ledger.exists(connection, target.schema):
        return []
    rows = connection.execute(
        SQL(
            "SELECT to_jsonb(line) FROM {} AS line WHERE table_name = %s ORDER BY source_id"
        ).format(Identifier(target.schema, ledger.NAME)),
        [target.name],
    )
    return [row[0] for row in rows]


def _write_model(folder: Path, made: Manifest, found: Origin) -> None:
    """Write a data model beside the files, by which labdb catalogue load takes them."""
    if not exported_model.can_be_loaded(made.table, made.columns):
        return
    version = made.model.get("version", "1.0")
    key = list(found.table.key) if found.table else []
    schema = exported_model.schema(made.table, version, made.definition.comment, made.columns, key)
    for name, content in (
        ("model.yaml", schema),
        ("model.labdb.yaml", exported_model.sources(made.table, made.columns, found.table)),
    ):
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
        (folder / name).write_text("---\n" + text, encoding="utf-8")


def prove(folder: Path, made: Manifest) -> None:
    """Read the files of an export back.

    Raises:
        RunError: they are not what was written; the message lists all that differs.
    """
    wrong = parquet_in.missing_or_changed(folder, made) or parquet_in.not_what_was_written(
        folder, made
    )
    if wrong:
        raise RunError(
            f"the files of {made.name} are not what was written",
            why="\n".join(wrong),
            hint="look at the disk that they are on; then run it again with another folder",
        )


def rehearsed(connection: psycopg.Connection, request: Request) -> Report:
    """Return what an export would write."""
    planned = _plan(connection, request)
    columns = [{"name": one.name, "type": one.sql_type, "parquet": one.parquet}
               for one in planned.columns]  # fmt: skip
    return Report(
        COMMAND,
        connection.info.dbname,
        f"would write about {planned.estimate:,} rows of {request.target} to {request.folder}",
        data={"dry_run": True, "rows": planned.estimate, "columns": columns, "files": []},
    )


def summary(made: Manifest, folder: Path) -> str:
    """Return what was written in one line."""
    return (
        f"{made.rows:,} rows of {made.name} in {len(made.files)} files, read back and equal: "
        f"{folder}"
    )


def findings(made: Manifest) -> list[Finding]:
    """Return what is worth to be known of an export."""
    by_text = [f"{one.name} ({one.sql_type})" for one in made.columns if one.by_text]
    found = []
    if by_text:
        found.append(
            Finding(
                "catalogue.by-text",
                "info",
                f"{len(by_text)} columns are written as PostgreSQL's texts: {', '.join(by_text)}",
                why="Parquet has no such type",
            )
        )
    return found


def data(made: Manifest, folder: Path) -> dict[str, Any]:
    """Return the export as JSON has it."""
    return {
        "directory": str(folder.absolute()),
        "table": made.name,
        "rows": made.rows,
        "bytes": made.size,
        "manifest_sha256": manifest_sha256(folder),
        "fingerprint": made.fingerprint.hash,
        "snapshot": asdict(made.snapshot),
        "files": [asdict(one) for one in made.files],
    }


def manifest_sha256(folder: Path) -> str:
    """Return the SHA-256 that the manifest says of itself."""
    told: dict[str, str] = json.loads((folder / manifests.NAME).read_text(encoding="utf-8"))
    return told["sha256"]


def manifest_of(folder: Path) -> Manifest:
    """Return the manifest of an exported folder.

    Raises:
        UsageError: there is none.
        RunError: it is damaged, or was edited.
    """
    path = folder / manifests.NAME
    try:
        return manifests.read(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{folder} is no export of labdb",
            why=f"{manifests.NAME} cannot be read: {getattr(error, 'strerror', error)}",
            hint="name the folder that labdb catalogue export or archive made",
        ) from error
    except manifests.NotAManifest as error:
        raise RunError(
            f"{path} is not as labdb wrote it",
            why=str(error),
            hint="get the folder from a copy that nobody has touched",
        ) from error
