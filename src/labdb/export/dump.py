"""Export one database, restore the export into an empty instance, and compare the two.

Dump and fingerprints see the same snapshot: a session keeps it open for both.
"""

import json
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from labdb.domain.recovery import evidence
from labdb.domain.recovery.export import Export, is_expired
from labdb.domain.recovery.fingerprint import fingerprints
from labdb.domain.recovery.records import Contents, Record
from labdb.domain.recovery.space import Space, must_fit
from labdb.drill.instance import OPEN, Instance
from labdb.drill.process import ask, query, run
from labdb.drill.record import Session
from labdb.errors import LabdbError
from labdb.export.settings import Settings
from labdb.report import Finding

COMPRESSION = "zstd:3"
SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT pg_export_snapshot();"

Tell = Callable[[str], None]


def export(settings: Settings, database: str, tell: Tell) -> Export:
    """Export *database*, prove the export, and return the ledger's line of it.

    An export that does not prove itself is removed; the ones before it stay.
    """
    begin = datetime.now(tz=UTC)
    kept = settings.folder / database / f"{begin:%Y%m%dT%H%M%SZ}"
    partial = kept.with_suffix(".partial")
    phases: dict[str, float] = {}
    findings: list[Finding] = []
    try:
        _must_fit(settings, database)
        tell(f"{database}: export")
        wanted = _dump(settings, database, partial, phases)
        tell(f"{database}: restore")
        findings += _prove(settings, database, partial, wanted, phases)
    except LabdbError as error:
        what = f"{database} was not exported: {error.what}"
        findings.append(Finding("export", "critical", what, error.why, error.hint))
    made = Export(
        begin=begin.isoformat(timespec="seconds"),
        database=database,
        path=str(kept),
        size=_size(partial),
        phases=phases,
        findings=findings,
    )
    if made.verdict == "passed":
        partial.replace(kept)
        _expire(settings, database, begin)
    else:
        shutil.rmtree(partial, ignore_errors=True)
    return made


def _must_fit(settings: Settings, database: str) -> None:
    size = ask(
        [f"--port={settings.drill.port}"],
        "SELECT pg_database_size(current_database())",
        database,
    )
    for folder in (settings.folder, settings.drill.directory):
        there = shutil.disk_usage(folder)
        must_fit(int(size), Space(there.free, there.total, settings.drill.most_used))


def _dump(settings: Settings, database: str, path: Path, phases: dict[str, float]) -> Record:
    """Write the export to *path*, and return what the database held in the same snapshot."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # What a killed export left is nobody's.
    for left in path.parent.glob("*.partial"):
        shutil.rmtree(left)
    session = Session(settings.drill.port, database)
    try:
        snapshot = session.ask(SNAPSHOT)
        begin = time.monotonic()
        run(
            str(settings.drill.programs / "pg_dump"),
            f"--port={settings.drill.port}",
            "--format=directory",
            f"--jobs={settings.jobs}",
            f"--snapshot={snapshot}",
            f"--compress={COMPRESSION}",
            f"--file={path}",
            database,
        )
        phases["export"] = round(time.monotonic() - begin, 3)
        begin = time.monotonic()
        held = {
            "extensions": json.loads(session.ask(query("extensions"))),
            "tables": json.loads(session.ask(query("fingerprint"))),
        }
        phases["fingerprints"] = round(time.monotonic() - begin, 3)
    finally:
        session.close()
    now = datetime.now(tz=UTC).isoformat()
    point = {"name": "its export", "time": now, "lsn": "0/0", "timeline": ""}
    return Record.of(point | {"databases": {database: held}})


def _prove(
    settings: Settings, database: str, path: Path, wanted: Record, phases: dict[str, float]
) -> list[Finding]:
    """Restore the export at *path* into an empty instance, and return where it differs."""
    instance = Instance(settings.drill)
    instance.clear()
    begin = time.monotonic()
    try:
        instance.create()
        instance.start({"fsync": "off"})
        instance.wait(OPEN)
        run(
            str(settings.drill.programs / "pg_restore"),
            *instance.where,
            "--create",
            "--dbname=postgres",
            f"--jobs={settings.jobs}",
            "--exit-on-error",
            # Roles are not part of a database; the scratch instance has none.
            "--no-owner",
            "--no-privileges",
            str(path),
        )
        restored = Contents(
            fingerprints(instance.ask(query("fingerprint"), database)),
            instance.ask(query("extensions"), database),
        )
    finally:
        instance.kill()
        instance.clear()
        phases["restore"] = round(time.monotonic() - begin, 3)
    return evidence.contents(wanted, {database: restored})


def _expire(settings: Settings, database: str, now: datetime) -> None:
    for path in (settings.folder / database).iterdir():
        if is_expired(path.name, settings.days, now):
            shutil.rmtree(path)


def _size(path: Path) -> int:
    return sum(item.stat().st_size for item in path.rglob("*") if item.is_file())
