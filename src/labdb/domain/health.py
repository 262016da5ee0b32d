"""Judge what a guest told about itself: is anything in need of attention?

Thresholds are those of the lab's alerts, each written once, here.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from labdb.domain.capacity import DAY, Sample, days_to_full
from labdb.report import Finding, Severity
from labdb.size import human_size
from labdb.spec import Server

HOUR = 3600.0
FULL_BACKUP_AGE = 26 * HOUR
"""A full backup a day, and two hours for it to run."""
ARCHIVE_SLACK = 2.0
"""WAL may wait twice archive_timeout before somebody should look."""
DISK_WARNING, DISK_CRITICAL = 0.80, 0.90
DAYS_WARNING = 14.0
CONNECTIONS_WARNING = 0.80
CERTIFICATE_WARNING = 21 * DAY


def timers() -> tuple[str, ...]:
    """Return the timers that must be armed."""
    return ("pgbackrest-full.timer", "pgbackrest-differential.timer")


def service(server: Server) -> str:
    """Return the systemd unit of the PostgreSQL cluster."""
    return f"postgresql@{server.postgresql.major}-{server.postgresql.cluster}.service"


def answer(seen: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """Return what query *name* answered; None when it failed."""
    found: dict[str, Any] | None = seen.get("queries", {}).get(name, {}).get("ok")
    return found


def judge(
    server: Server, seen: Mapping[str, Any], history: Mapping[str, Sequence[Sample]]
) -> tuple[Finding, ...]:
    """Return a finding for each thing that was looked at.

    Args:
        server: the declaration.
        seen: the probe's answer.
        history: samples of each mount point, oldest first.
    """
    now = float(seen["system"]["now"])
    return (
        *_database(server, seen),
        *_units(seen),
        _archive(seen, now),
        _backup(seen, now),
        *(finding for mount in _mounts(server) for finding in _disk(mount, seen, history)),
        _certificate(seen, now),
    )


def _mounts(server: Server) -> tuple[str, ...]:
    return ("/", server.storage.data.mount, server.storage.backup.mount)


def _database(server: Server, seen: Mapping[str, Any]) -> list[Finding]:
    found = answer(seen, "server")
    if found is None:
        why = seen.get("queries", {}).get("server", {}).get("error", "")
        hint = f"journalctl -u {service(server)}"
        return [Finding("postgresql", "critical", "PostgreSQL does not answer", why, hint)]
    used, most = found["connections"], found["max_connections"]
    severity: Severity = "warning" if used > most * CONNECTIONS_WARNING else "ok"
    findings = [Finding("connections", severity, f"{used} of {most} connections are in use")]
    if found["slots"]:
        what = f"replication slots that nobody reads: {', '.join(found['slots'])}"
        hint = "they keep WAL until the disk is full; drop them with pg_drop_replication_slot"
        findings.append(Finding("slots", "warning", what, hint=hint))
    return findings


def _units(seen: Mapping[str, Any]) -> list[Finding]:
    findings = []
    for name, state in seen.get("units", {}).items():
        active = state.get("ActiveState", "unknown")
        if active != "active":
            why = f"systemd calls it {active} ({state.get('Result', '')})"
            hint = f"journalctl -u {name}"
            findings.append(Finding("unit", "critical", f"{name} does not run", why, hint))
    return findings or [Finding("units", "ok", "every service runs and every timer is armed")]


def _archive(seen: Mapping[str, Any], now: float) -> Finding:
    found = answer(seen, "archiver")
    if found is None:
        return Finding("archive", "warning", "nothing is known about WAL archiving")
    if found["failed_at"] and found["failed_at"] > (found["archived_at"] or 0):
        what = f"archiving fails: {found['failed']}"
        return Finding("archive", "critical", what, hint="pgbackrest check says why")
    if not found["archived_at"]:
        return Finding("archive", "warning", "no WAL segment was archived yet")
    age = now - found["archived_at"]
    # Without writes there is nothing to archive, however long ago the last segment was.
    if found["waiting"] and age > ARCHIVE_SLACK * found["timeout"]:
        what = f"WAL has not been archived for {duration(age)}"
        return Finding("archive", "warning", what, hint="pgbackrest check says why")
    return Finding("archive", "ok", f"last WAL segment archived {duration(age)} ago")


def backups(seen: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the backups that pgBackRest lists, oldest first."""
    stanzas = seen.get("backups", {}).get("ok") or [{}]
    found: list[dict[str, Any]] = stanzas[0].get("backup", [])
    return found


def _backup(seen: Mapping[str, Any], now: float) -> Finding:
    hint = "systemctl start pgbackrest-full.service, and look at its journal"
    full = [item for item in backups(seen) if item["type"] == "full" and not item.get("error")]
    if not full:
        why = seen.get("backups", {}).get("error", "")
        return Finding("backup", "critical", "there is no full backup", why, hint)
    age = now - full[-1]["timestamp"]["stop"]
    if age > FULL_BACKUP_AGE:
        what = f"the last full backup is {duration(age)} old"
        return Finding("backup", "critical", what, hint=hint)
    return Finding("backup", "ok", f"last full backup {duration(age)} ago")


def _disk(
    mount: str, seen: Mapping[str, Any], history: Mapping[str, Sequence[Sample]]
) -> list[Finding]:
    disk = seen.get("mounts", {}).get(mount)
    if disk is None:
        what = f"nothing is mounted at {mount}"
        return [] if mount == "/" else [Finding("disk", "critical", what)]
    share = disk["used"] / disk["size"]
    days = days_to_full(history.get(mount, ()))
    what = f"{mount} is {share:.0%} full, {human_size(disk['free'])} left"
    hint = "declare a larger size and provision; disks grow while the server runs"
    if share >= DISK_CRITICAL:
        return [Finding("disk", "critical", what, hint=hint)]
    if share >= DISK_WARNING:
        return [Finding("disk", "warning", what, hint=hint)]
    if days is not None and days < DAYS_WARNING:
        return [Finding("disk", "warning", f"{what}; full in {days:.0f} days", hint=hint)]
    return [Finding("disk", "ok", what)]


def _certificate(seen: Mapping[str, Any], now: float) -> Finding:
    found = seen.get("certificate", {})
    if "ends" not in found:
        why = found.get("error", "")
        return Finding("certificate", "warning", "the server certificate cannot be read", why)
    left = float(found["ends"]) - now
    if left < CERTIFICATE_WARNING:
        what = f"the server certificate ends in {max(left, 0) / DAY:.0f} days"
        return Finding("certificate", "warning", what, hint="labdb provision renews it")
    return Finding(
        "certificate", "ok", f"the server certificate is valid for {left / DAY:.0f} days"
    )


def duration(seconds: float) -> str:
    """Return *seconds* for a reader: the largest unit that gives a whole number.

    >>> duration(5400)
    '90 min'
    """
    for name, size, least in (("d", DAY, 2), ("h", HOUR, 2), ("min", 60.0, 2)):
        if seconds >= size * least:
            return f"{seconds / size:.0f} {name}"
    return f"{max(seconds, 0):.0f} s"
