"""Restore in place: the running data directory gives way to a restored one, and is kept."""

import json
import time
from dataclasses import replace as changed

from labdb.adapters import clock, shell
from labdb.adapters.content import query
from labdb.adapters.inventory import Declaration
from labdb.domain.recovery.replacement import kept, left, places
from labdb.domain.recovery.space import must_fit
from labdb.domain.recovery.target import parse
from labdb.domain.variables import records_directory
from labdb.errors import RefusedError
from labdb.operations import backup, restore
from labdb.operations.confirmation import must_name
from labdb.operations.provision import REPLACEMENT, Watcher, play_alone
from labdb.operations.restore import Request
from labdb.report import Finding, Phase, Report

COMMAND = "restore-in-place"
PLAYBOOK = "replace"


def plan(declaration: Declaration, request: Request) -> Report:
    """Say which set and which WAL would take the place of the running data; change nothing.

    Raises:
        UsageError: what was typed is no target.
        RefusedError: it cannot be restored, or an earlier one is kept still or was cut short.
        UnreachableError: the guest does not answer, or pgBackRest does not.
    """
    begin = time.monotonic()
    server = declaration.server
    target = parse(
        request.kind,
        request.text,
        now=clock.now(),
        zones=restore.zones(declaration),
        exclusive=request.exclusive,
    )
    seen = shell.probe(
        shell.guest_of(declaration),
        {
            "port": server.postgresql.port,
            "queries": [{"name": "server", "database": "postgres", "sql": query("server")}],
            "stanza": server.stanza,
            "mounts": [server.storage.data.mount],
            "files": places(server),
            "folders": [records_directory(server)],
            "system": True,
        },
    )
    earlier = left(server, seen["files"])
    # Restored files that nothing was done with yet are no obstacle: they are gone on with.
    if earlier and earlier.severity != "warning":
        raise RefusedError(earlier.what, why=earlier.why, hint=earlier.hint)
    found = restore.chosen(seen, target, request)
    disk = restore.disk_of(declaration, seen)
    must_fit(found.needed, disk)
    return Report(
        COMMAND,
        server.name,
        f"{found.set.label}, WAL up to {target}, in the place of what runs now",
        findings=tuple(restore.clock_notes(found)),
        phases=(Phase("plan", round(time.monotonic() - begin, 3)),),
        data={
            "plan": restore.described(found, disk.free)
            | {
                "directory": server.postgresql.data_directory,
                "kept": kept(server),
            },
            "variables": {
                "type": target.kind,
                "target": target.value,
                "exclusive": target.exclusive,
                "set": found.set.label,
                "repository": found.set.repository,
            },
        },
    )


def replace(
    declaration: Declaration,
    request: Request,
    watcher: Watcher,
    *,
    confirm_name: str,
    safety_backup: bool = True,
) -> Report:
    """Put what *request* asks for in the place of the running data, and keep those.

    Args:
        declaration: the server.
        request: the target, and the set or the repository that has to be taken.
        watcher: is told what happens.
        confirm_name: the server's name, as somebody typed it.
        safety_backup: make a differential backup before; a server that is down cannot.

    Raises:
        LabdbError: as for :func:`plan`; or the name is another one, the safety backup failed, or
            the playbook did, and then what was there before is back in its place.
    """
    _confirmed(declaration, confirm_name, "running data give way")
    planned = plan(declaration, request)
    watcher.say(planned.summary)
    phases = list(planned.phases)
    if safety_backup:
        watcher.say("safety backup")
        made = backup.run(declaration, "differential", watcher)
        phases += made.phases
    ran = play_alone(
        declaration,
        PLAYBOOK,
        {f"pgbackrest_replace_{key}": value for key, value in planned.data["variables"].items()},
        watcher,
        command=COMMAND,
        summary=lambda _: planned.summary,
    )
    ended = _restored(declaration, ran)
    return changed(
        ended,
        findings=(*planned.findings, *ended.findings),
        phases=(*phases, *ran.phases),
        data={**planned.data, **ended.data},
    )


def resume(declaration: Declaration, watcher: Watcher, *, confirm_name: str) -> Report:
    """Go on with a replacement that was cut short after the two had begun to change places.

    Raises:
        RefusedError: the name is another one.
        RunError: none was cut short, or the playbook failed; then what was there before is back.
    """
    _confirmed(declaration, confirm_name, "running data give way")
    return _restored(declaration, _play(declaration, "resumed", "it went on", watcher))


def undo(declaration: Declaration, watcher: Watcher, *, confirm_name: str) -> Report:
    """Put the kept data back; those that had taken their place are kept in turn.

    Raises:
        RefusedError: the name is another one.
        RunError: nothing is kept, or the playbook failed; the message is the task's own.
    """
    _confirmed(declaration, confirm_name, "running data give way")
    return _play(declaration, "undone", "what was there before is back in its place", watcher)


def forget(declaration: Declaration, watcher: Watcher, *, confirm_name: str) -> Report:
    """Delete the kept data.

    Raises:
        RefusedError: the name is another one.
        RunError: the playbook failed; the message is the task's own.
    """
    _confirmed(declaration, confirm_name, "kept data are deleted")
    return _play(declaration, "forgotten", "nothing is kept any more", watcher)


def _restored(declaration: Declaration, ran: Report) -> Report:
    """Return the report of a playbook that *ran* to its end, with what it reached and what next."""
    server = declaration.server
    where = {"texts": [REPLACEMENT], "files": [kept(server)]}
    seen = shell.probe(shell.guest_of(declaration), where)
    told = json.loads(seen["texts"][REPLACEMENT])
    findings: tuple[Finding, ...] = ()
    again = f"labdb {COMMAND} {server.name} -i {declaration.inventory}"
    coming = {
        "back it up": f"labdb backup run {server.name} -i {declaration.inventory} --kind full",
    }
    # The recovery of a lost server keeps nothing.
    if seen["files"][kept(server)]:
        what = f"what was there before is kept in {kept(server)}"
        findings = (Finding("kept", "info", what, "it takes space on the data disk"),)
        coming |= {
            "take it back": f"{again} --undo --confirm {server.name}",
            "keep it": f"{again} --forget --confirm {server.name}",
        }
    return changed(
        ran,
        summary=f"restored in place from {told['set']}, timeline {int(told['timeline'], 16)}",
        findings=findings,
        data={**ran.data, "reached": told, "next": coming},
    )


def _confirmed(declaration: Declaration, typed: str, what: str) -> None:
    name = declaration.server.name
    must_name(name, typed, what=what, hint=f"type the name, or give --confirm {name}")


def _play(declaration: Declaration, state: str, done: str, watcher: Watcher) -> Report:
    return play_alone(
        declaration,
        PLAYBOOK,
        {"pgbackrest_replace_state": state},
        watcher,
        command=COMMAND,
        summary=lambda number: done if number else "nothing was kept",
    )
