"""Judge what a server told about itself: is anything in need of attention?

Thresholds are those of the lab's alerts, each written once, here.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from labdb.domain.access import exporter_ports
from labdb.domain.backup.age import age_finding
from labdb.domain.backup.units import FIRST, Kind, backup_timers, backup_unit
from labdb.domain.capacity import DAY, Sample
from labdb.domain.machine_health import CLOCK_SLACK, ago, duration, machine_findings
from labdb.domain.recovery.archive import lost_wal
from labdb.domain.recovery.choice import unreadable
from labdb.domain.recovery.clock import HINT
from labdb.domain.timetable import longest_pause
from labdb.report import Finding, Severity
from labdb.spec import Schedule, Server

DRILL_SLACK = DAY
"""A drill of a large server takes hours, and may wait for one that is under way."""
ARCHIVE_SLACK = 2.0
"""WAL may wait twice archive_timeout before somebody should look."""
CONNECTIONS_WARNING = 0.80
CERTIFICATE_WARNING = 21 * DAY


FINGERPRINTS = "labdb-fingerprints.service"
"""What each backup starts when it ends."""


def timers(server: Server) -> tuple[str, ...]:
    """Return the timers that must be armed."""
    exports = ("labdb-export.timer",) if server.backup.export else ()
    return (*backup_timers(server), "labdb-drill.timer", *exports)


def jobs(server: Server) -> tuple[str, ...]:
    """Return the services that timers and backups start; at rest in between, never failed."""
    return (*(name.replace(".timer", ".service") for name in timers(server)), FINGERPRINTS)


def service(server: Server) -> str:
    """Return the systemd unit of the PostgreSQL cluster."""
    return f"postgresql@{server.postgresql.major}-{server.postgresql.cluster}.service"


def services(server: Server) -> tuple[str, ...]:
    """Return the systemd units that must run."""
    pooler = ("pgbouncer.service",) if server.pooling else ()
    exporters = (f"prometheus-{name}-exporter.service" for name in exporter_ports(server))
    return (service(server), *pooler, *exporters)


def answer(seen: Mapping[str, Any], name: str) -> Any:
    """Return what query *name* answered; None when it failed."""
    return seen.get("queries", {}).get(name, {}).get("ok")


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
        _archive(seen, now),
        *lost(seen),
        *(_backup(number, schedule, seen, now) for number, schedule in server.schedules.items()),
        _certificate(server, seen, now),
        *machine_findings(seen, history, mounts=mounts(server), at_rest=jobs(server)),
    )


def mounts(server: Server) -> tuple[str, ...]:
    """Return the mount points whose use is watched."""
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


def _archive(seen: Mapping[str, Any], now: float) -> Finding:
    found = answer(seen, "archiver")
    if found is None:
        why = seen.get("queries", {}).get("archiver", {}).get("error", "")
        what = "nothing is known about WAL archiving"
        return Finding("archive", "warning", what, why, "pgbackrest check says whether it works")
    if found["failed_at"] and found["failed_at"] > (found["archived_at"] or 0):
        what = f"archiving fails: {found['failed']}"
        return Finding("archive", "critical", what, hint="pgbackrest check says why")
    if not found["archived_at"]:
        what = "no WAL segment was archived yet"
        return Finding("archive", "warning", what, hint="pgbackrest check says why")
    age = now - found["archived_at"]
    if age < -CLOCK_SLACK:
        what = f"the last WAL segment was archived {ago(age)}"
        why = "the clock went back; until it has passed that, archive_timeout closes no segment"
        return Finding("archive", "warning", what, why, f"{HINT}; then restart PostgreSQL")
    # Without writes there is nothing to archive, however long ago the last segment was.
    if found["waiting"] and age > ARCHIVE_SLACK * found["timeout"]:
        what = f"WAL has not been archived for {duration(age)}"
        return Finding("archive", "warning", what, hint="pgbackrest check says why")
    return Finding("archive", "ok", f"last WAL segment archived {ago(age)}")


def lost(seen: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Return a finding for WAL that a repository lost, where it was asked for."""
    waiting = (answer(seen, "archiver") or {}).get("oldest_waiting")
    info = seen.get("backups", {}).get("ok") or ()
    return lost_wal(info, seen.get("archives", {}), waiting=waiting)


def _stanza(seen: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (seen.get("backups", {}).get("ok") or [{}])[0]
    return found


def backups(seen: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the backups that pgBackRest lists, oldest first."""
    found: list[dict[str, Any]] = _stanza(seen).get("backup", [])
    return found


def _backup(number: int, schedule: Schedule, seen: Mapping[str, Any], now: float) -> Finding:
    """Judge the newest backups of a repository, where it can be read and has any."""
    where = "" if number == FIRST else f" in repository {number}"
    if said := unreadable(seen.get("backups", {}).get("ok") or ()).get(number):
        what = f"repository {number} cannot be read"
        hint = "WAL waits in pg_wal meanwhile; pgbackrest check on the server says more"
        return Finding("backup", "critical", what, said, hint)
    good = [
        item
        for item in backups(seen)
        if not item.get("error") and item["database"]["repo-key"] == number
    ]
    full = [item for item in good if item["type"] == "full"]
    if not full:
        why = seen.get("backups", {}).get("error", "")
        what = f"there is no full backup{where}"
        return Finding("backup", "critical", what, why, _start("full", number))
    return age_finding(
        schedule,
        full=_age(full, now),
        newest=_age(good, now),
        being_made=_is_being_made(seen),
        where=where,
        hint=lambda kind: _start(kind, number),
    )


def judge_drill(
    server: Server, lines: Sequence[Mapping[str, Any]], seen: Mapping[str, Any]
) -> Finding:
    """Judge the newest restore drill: its verdict, and whether it is as old as may be.

    Args:
        server: the declaration.
        lines: the server's ledger, oldest first.
        seen: the probe's answer, for the server's clock.
    """
    schedule = server.backup.drill.schedule
    if not lines:
        what, hint = "no backup was restored to prove it yet", "labdb drill does it now"
        return Finding("drill", "info", what, f"the timer does it: {schedule}", hint)
    newest = lines[-1]
    if newest["verdict"] != "passed":
        bad = (item["what"] for item in newest["findings"] if item["severity"] != "ok")
        what = f"the newest restore drill is {newest['verdict']}"
        severity: Severity = "warning" if newest["verdict"] == "unproven" else "critical"
        return Finding("drill", severity, what, "; ".join(bad), "labdb drill --history has all")
    begin = datetime.fromisoformat(newest["begin"]).timestamp()
    age, limit = float(seen["system"]["now"]) - begin, longest_pause(schedule).total_seconds()
    if age > limit + DRILL_SLACK:
        what = f"the newest restore drill is {duration(age)} old"
        why = f"one is due every {duration(limit)} (backup.drill.schedule: {schedule})"
        return Finding("drill", "warning", what, why, "journalctl -u labdb-drill.service")
    if age < -CLOCK_SLACK:
        what = f"the newest restore drill was made {ago(age)}"
        return Finding("drill", "warning", what, "the server's clock went back since", HINT)
    return Finding("drill", "ok", f"a backup was restored and proven {ago(age)}")


def _age(items: Sequence[Mapping[str, Any]], now: float) -> float:
    return now - max(float(item["timestamp"]["stop"]) for item in items)


def _is_being_made(seen: Mapping[str, Any]) -> bool:
    lock = _stanza(seen).get("status", {}).get("lock", {})
    return bool(lock.get("backup", {}).get("held"))


def _start(kind: Kind, number: int) -> str:
    return f"systemctl start {backup_unit(kind, number)}.service, and look at its journal"


def _certificate(server: Server, seen: Mapping[str, Any], now: float) -> Finding:
    found, tls = seen.get("certificate", {}), server.postgresql.tls
    if "ends" not in found:
        what, why = "the server certificate cannot be read", found.get("error", "")
        return Finding("certificate", "warning", what, why, "labdb provision puts it there")
    left = float(found["ends"]) - now
    # One of labdb's own is renewed by a provision in its last renew_days, not before.
    own = tls.source == "own-ca"
    if left < (min(CERTIFICATE_WARNING, tls.renew_days * DAY) if own else CERTIFICATE_WARNING):
        what = f"the server certificate ends in {max(left, 0) / DAY:.0f} days"
        hint = "labdb provision renews it" if own else "bring a new one (postgresql.tls)"
        return Finding("certificate", "warning", what, hint=hint)
    return Finding(
        "certificate", "ok", f"the server certificate is valid for {left / DAY:.0f} days"
    )
