"""Restore to a moment beside the running server, compare the two, and take it away again."""

import json
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import Any

from labdb.adapters import clock, shell
from labdb.adapters.content import query
from labdb.adapters.inventory import Declaration
from labdb.domain.health import answer
from labdb.domain.recovery import choice, destination, evidence
from labdb.domain.recovery.records import points
from labdb.domain.recovery.space import Space, must_fit
from labdb.domain.recovery.target import Kind, RecoveryTarget, parse, region, written
from labdb.domain.variables import records_directory, restored_directory
from labdb.errors import RefusedError, UnreachableError
from labdb.operations.comparison import compare
from labdb.operations.provision import Watcher, play_alone
from labdb.report import Finding, Phase, Report

PLAYBOOK = "restore"
UNIT = "labdb-restore.service"


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asked for, as it was typed."""

    kind: Kind = "latest"
    text: str = ""
    exclusive: bool = False
    label: str = ""
    repository: int = 0
    database: str = ""
    port: int = destination.PORT


@dataclass(frozen=True, slots=True)
class Planned:
    """What a restore would do; *done* when the instance that is there was restored by it."""

    target: RecoveryTarget
    asked: Mapping[str, Any]
    report: Report
    done: bool


def plan(declaration: Declaration, request: Request) -> Planned:
    """Say which set and which WAL a restore would take; nothing is changed.

    Raises:
        UsageError: what was typed is no target, or more than one.
        RefusedError: it cannot be restored; says what can.
        UnreachableError: the guest does not answer, or pgBackRest does not.
    """
    begin = time.monotonic()
    server = declaration.server
    target = parse(
        request.kind,
        request.text,
        now=clock.now(),
        zones=zones(declaration),
        exclusive=request.exclusive,
    )
    asked = _asked(request, target)
    directory = restored_directory(server)
    seen = shell.probe(
        shell.guest_of(declaration),
        {
            "port": server.postgresql.port,
            "queries": [{"name": "server", "database": "postgres", "sql": query("server")}],
            "stanza": server.stanza,
            "units": [UNIT],
            "mounts": [server.storage.data.mount],
            "texts": [f"{directory}/request.json", f"{directory}/reached.json"],
            "folders": [records_directory(server)],
            "ports": [request.port],
            "system": True,
        },
    )
    found = chosen(seen, target, request)
    done = _is_there(seen, directory, asked)
    if not done:
        _must_be_free(declaration, seen, request.port)
        must_fit(found.needed, disk_of(declaration, seen))
    report = Report(
        "restore",
        server.name,
        f"{'restored already: ' if done else ''}{found.set.label}, WAL up to {target}",
        findings=tuple(_notes(declaration, seen, found)),
        phases=(Phase("plan", round(time.monotonic() - begin, 3)),),
        data={"plan": _told(declaration, seen, found, request), "restored": done},
    )
    return Planned(target, asked, report, done)


def restore(declaration: Declaration, request: Request, watcher: Watcher) -> Report:
    """Restore beside the running server, and say where the two differ.

    Raises:
        LabdbError: as for :func:`plan`, or the playbook failed; the message is the failing
            task's own.
    """
    watcher.say("which set, which WAL")
    planned = plan(declaration, request)
    watcher.say(planned.report.summary)
    ran = play_alone(
        declaration,
        PLAYBOOK,
        _variables(planned.asked),
        watcher,
        command="restore",
        summary=lambda _: planned.report.summary,
    )
    watcher.say("what differs from the running server")
    begin = time.monotonic()
    found = compare(declaration, planned.target, port=request.port, database=request.database)
    rows = found.tables or []
    differing = f"{len(rows)} {'table differs' if len(rows) == 1 else 'tables differ'}"
    return replace(
        ran,
        summary=f"restored to {planned.target}"
        + (f"; {differing} from the running server" if found.tables is not None else ""),
        findings=(*planned.report.findings, *found.findings),
        phases=(
            *planned.report.phases,
            *ran.phases,
            Phase("comparison", round(time.monotonic() - begin, 3)),
        ),
        data={
            **planned.report.data,
            **ran.data,
            "restored": True,
            "reached": found.reached,
            "tables": rows,
            "next": _next(declaration, request, rows),
        },
    )


def discard(declaration: Declaration, watcher: Watcher) -> Report:
    """Stop the restored instance and remove all of it.

    Raises:
        RunError: the playbook failed; the message is the failing task's own.
    """
    return play_alone(
        declaration,
        PLAYBOOK,
        _variables({"state": "absent"}),
        watcher,
        command="restore",
        summary=lambda changed: (
            "the restored instance is gone" if changed else "there was no restored instance"
        ),
    )


def _variables(values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"pgbackrest_restore_{name}": value for name, value in values.items()}


def _asked(request: Request, target: RecoveryTarget) -> dict[str, Any]:
    """Return the request as the role takes it, and keeps it in ``request.json``."""
    return {
        "type": target.kind,
        "target": target.value,
        "exclusive": target.exclusive,
        "set": request.label,
        "repository": request.repository,
        "database": request.database,
        "port": request.port,
    }


def zones(declaration: Declaration) -> dict[str, tzinfo]:
    """Return the zones in which somebody may mean a time that is typed without one."""
    declared = region(declaration.server.postgresql.timezone)
    there: dict[str, tzinfo] = {"the server": declared} if declared else {}
    return {**there, "this machine": clock.LocalZone()}


def chosen(seen: Mapping[str, Any], target: RecoveryTarget, request: Request) -> choice.Choice:
    """Return the set and the WAL that *target* needs, by what a probe has *seen*.

    Raises:
        RefusedError: it cannot be restored; says what can.
        UnreachableError: pgBackRest does not say what there is.
    """
    if "ok" not in seen["backups"]:
        raise UnreachableError(
            "pgBackRest does not say what can be restored",
            why=seen["backups"].get("error", ""),
            hint="pgbackrest info on the server says more; labdb provision configures it",
        )
    recorded = points(name for names in seen["folders"].values() for name in names)
    return choice.choose(
        choice.repository(seen["backups"]["ok"], recorded),
        target,
        now=now_of(seen),
        label=request.label,
        number=request.repository,
    )


def now_of(seen: Mapping[str, Any]) -> datetime:
    """Return the present by the clock of the server."""
    return datetime.fromtimestamp(int(seen["system"]["now"]), tz=UTC)


def _is_there(seen: Mapping[str, Any], directory: str, asked: Mapping[str, Any]) -> bool:
    """Tell whether what is asked for was restored already.

    Raises:
        RefusedError: something else was.
    """
    texts = seen["texts"]
    if f"{directory}/reached.json" not in texts:
        return False
    before = json.loads(texts.get(f"{directory}/request.json", "{}"))
    if before == asked:
        return True
    raise RefusedError(
        "an instance that was restored for another request stands there",
        why=f"{directory}: {', '.join(f'{name} {value}' for name, value in before.items())}",
        hint="labdb restore SERVER --discard takes it away",
    )


def _must_be_free(declaration: Declaration, seen: Mapping[str, Any], port: int) -> None:
    ours = seen["units"].get(UNIT, {}).get("ActiveState") == "active"
    taken = port in seen["listeners"] and not ours
    if taken or port == declaration.server.postgresql.port:
        raise RefusedError(
            f"port {port} is taken on {declaration.server.name}",
            why="the restored instance stands beside what runs there",
            hint="give another one with --port",
        )


def disk_of(declaration: Declaration, seen: Mapping[str, Any]) -> Space:
    """Return the space on the data disk.

    Raises:
        RefusedError: it is not mounted.
    """
    mount = declaration.server.storage.data.mount
    if mount not in seen["mounts"]:
        raise RefusedError(
            f"nothing is mounted at {mount}",
            why="the restored instance would land on the system disk",
            hint="labdb provision mounts it",
        )
    return destination.space(seen["mounts"][mount]["free"], seen["mounts"][mount]["size"])


def described(found: choice.Choice, free: int) -> dict[str, Any]:
    """Return what a restore takes, as plain values; *free* are the bytes that are free."""
    return {
        "target": str(found.target),
        "set": found.set.label,
        "kind": found.set.kind,
        "stop": written(found.set.stop),
        "repository": found.set.repository,
        "wal_first": found.wal_first,
        "wal_last": found.wal_last,
        "segments": found.segments,
        "needed": found.needed,
        "free": free,
    }


def _told(
    declaration: Declaration, seen: Mapping[str, Any], found: choice.Choice, request: Request
) -> dict[str, Any]:
    return described(found, disk_of(declaration, seen).free) | {
        "database": request.database,
        "directory": restored_directory(declaration.server),
        "port": request.port,
    }


def clock_notes(found: choice.Choice) -> list[Finding]:
    """Return where the clock went back: what could be meant twice was refused before."""
    return [evidence.clock(jump, "info") for jump in found.jumps]


def _notes(
    declaration: Declaration, seen: Mapping[str, Any], found: choice.Choice
) -> Sequence[Finding]:
    notes = clock_notes(found)
    if not found.is_certain:
        notes.append(
            Finding(
                "target",
                "info",
                f"nobody knows when {found.target} was; it is sought from {found.set.label} on",
                "only the WAL tells",
                "if it is not found, give an older set with --set",
            )
        )
    if answer(seen, "server") is None and found.target.kind != "immediate":
        notes.append(
            Finding(
                "archive",
                "warning",
                f"{declaration.server.name} does not answer: the end of its WAL is not archived",
                seen["queries"]["server"].get("error", ""),
                "recovery goes as far as the archive does; --latest takes all of it",
            )
        )
    return notes


def _next(
    declaration: Declaration, request: Request, rows: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """Return the commands that come next; the first two are run on the server."""
    server = declaration.server
    lost = next((row for row in rows if row["kind"] == "gone"), None)
    database = lost["database"] if lost else request.database or "DATABASE"
    table = f'"{lost["schema"]}"."{lost["table"]}"' if lost else "SCHEMA.TABLE"
    as_postgres = "sudo -u postgres"
    return {
        "look": f"{as_postgres} psql --port={request.port} {database}",
        "copy back": f"{as_postgres} pg_dump --port={request.port} --table={shlex.quote(table)} "
        f"{database} | {as_postgres} psql --port={server.postgresql.port} {database}",
        "discard": f"labdb restore {server.name} -i {declaration.inventory} --discard",
    }
