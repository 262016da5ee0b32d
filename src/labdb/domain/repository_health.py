"""Judge what a repository host told about itself, and about what lies there.

Nothing there can be read: the host has no passphrase and no pgBackRest. Names, sizes and times of
files tell when each server's newest sets and WAL came; whether they can be restored is proven on
the server, by a drill.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from labdb.domain.backup.age import SLACK, age_finding
from labdb.domain.backup.units import Kind
from labdb.domain.capacity import Sample
from labdb.domain.machine_health import ago, duration, machine_findings
from labdb.domain.repository_host import Storing, folder_of
from labdb.domain.timetable import longest_pause
from labdb.report import Finding
from labdb.spec import RepositoryHost, Server

SERVICES = ("ssh.service", "prometheus-node-exporter.service")
KINDS = {"F": "full", "D": "differential", "I": "incremental"}
"""The last letter of a set's label."""

Seen = Mapping[str, Any]


def judge(
    host: RepositoryHost, storing: Storing, seen: Seen, history: Mapping[str, Sequence[Sample]]
) -> tuple[Finding, ...]:
    """Return a finding for each thing that was looked at.

    Args:
        host: the declaration.
        storing: who stores there, and by which schedule.
        seen: the probe's answer.
        history: samples of each mount point, oldest first.
    """
    servers = {server.name: server for server in storing.servers}
    findings: list[Finding] = []
    for name in (account.name for account in host.access.servers):
        door = _door(host, name, seen["accounts"][name])
        findings.append(door)
        if door.is_problem:
            continue  # the reason for whatever is missing behind it
        if name in servers:
            findings += _stored(host, servers[name], seen)
        else:
            what = f"how old the backups of {name} may be is not known"
            findings.append(Finding("backup", "info", what, storing.unknown[name]))
    return (*findings, *machine_findings(seen, history, mounts=mounts(host)))


def mounts(host: RepositoryHost) -> tuple[str, ...]:
    """Return the mount points whose use is watched."""
    return ("/", host.storage.backup.mount)


def newest_sets(stored: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the newest complete set of each kind that there is."""
    ended = sorted(
        (item for item in stored["sets"] if item["stop"] is not None), key=lambda item: item["stop"]
    )
    newest = {KINDS[item["label"][-1]]: item for item in ended}
    return {kind: newest[kind] for kind in KINDS.values() if kind in newest}


def unfinished(stored: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the sets that are being made, or were cut off."""
    return tuple(item["label"] for item in stored["sets"] if item["stop"] is None)


def _door(host: RepositoryHost, name: str, account: Mapping[str, Any]) -> Finding:
    """Judge whether sshd takes the account, by SFTP and in its own folder alone."""
    again = f"labdb provision {host.name}"
    if not account["exists"]:
        return Finding("account", "critical", f"there is no account {name}", hint=again)
    if not account["command"].startswith("internal-sftp") or account["root"] == "none":
        what = f"sshd does not lock {name} into its own folder"
        why = account["error"] or f"ForceCommand {account['command']}, root {account['root']}"
        return Finding("account", "critical", what, why, again)
    if not account["safe"]:
        what = f"sshd refuses {name}"
        why = f"{account['root']} is not there, or somebody else than root can change it"
        return Finding("account", "critical", what, why, again)
    if not account["key"]:
        what, why = f"{name} cannot store here", "its key is not here"
        hint = f"labdb provision {name} brings it"
        return Finding("account", "warning", what, why, hint)
    return Finding("account", "ok", f"sshd takes {name}, by SFTP and in its own folder alone")


def _stored(host: RepositoryHost, server: Server, seen: Seen) -> list[Finding]:
    path, now = folder_of(host, server.name), float(seen["system"]["now"])
    stored = seen["repositories"].get(path)
    if stored is None:
        what = f"the folder of {server.name} is gone"
        return [Finding("backup", "critical", what, path, f"labdb provision {host.name}")]
    number = server.repository_hosts[host.name]

    def run(kind: Kind) -> str:
        return f"labdb backup run {server.name} --kind {kind} --repository {number}"

    newest = newest_sets(stored)
    if "full" not in newest:
        what = f"there is no full backup of {server.name}"
        return [Finding("backup", "critical", what, hint=run("full"))]
    backup = age_finding(
        server.schedules[number],
        full=now - newest["full"]["stop"],
        newest=now - max(item["stop"] for item in newest.values()),
        being_made=bool(unfinished(stored)),
        where=f" of {server.name}",
        hint=run,
    )
    return [backup, _wal(server, number, stored["wal"], now)]


def _wal(server: Server, number: int, wal: Mapping[str, Any] | None, now: float) -> Finding:
    hint = f"labdb backup check {server.name} follows a segment into every repository"
    if wal is None:
        what, why = f"there is no WAL of {server.name}", "no set can be restored without it"
        return Finding("archive", "critical", what, why, hint)
    schedule, age = server.schedules[number], now - wal["time"]
    limit = longest_pause(schedule.full, schedule.differential).total_seconds()
    if age > limit + SLACK:
        what = f"no WAL of {server.name} has come for {duration(age)}"
        why = f"each backup brings some, and one is due every {duration(limit)}"
        return Finding("archive", "warning", what, why, hint)
    return Finding("archive", "ok", f"last WAL segment of {server.name} {ago(age)}")
