"""Backups: what there is, make one now, prove that archiving works, what an expiry would take."""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from labdb.adapters import shell
from labdb.adapters.content import query
from labdb.adapters.inventory import Declaration
from labdb.domain.backup.retention import expired, kept_until, would_expire
from labdb.domain.backup.sets import BackupSet, backup_sets
from labdb.domain.backup.units import FIRST, Kind, backup_unit
from labdb.domain.health import lost
from labdb.domain.machine_health import duration
from labdb.domain.recovery import clock, evidence
from labdb.domain.recovery.choice import repository, unreadable
from labdb.domain.recovery.target import written
from labdb.errors import RunError, UnreachableError, UsageError
from labdb.operations import jobs
from labdb.operations.provision import Watcher
from labdb.report import Finding, Phase, Report
from labdb.size import human_size

FILES_SECONDS = 6 * 3600.0
"""Every file of a repository is read."""
_ARCHIVED = re.compile(r"(?P<segment>[0-9A-F]{24}).*archived to .* on repo(?P<number>\d+)")
_COMPLAINT = re.compile(r"ERROR|WARN|HINT|FATAL")
UNREAD = "WAL waits in pg_wal meanwhile; labdb backup check says more"
NEXT_FULL = "kept until a newer full set is old enough"


def sets(declaration: Declaration) -> Report:
    """Return every backup set with size, duration, WAL, and how long it is kept.

    Raises:
        UnreachableError: the guest does not answer, or pgBackRest does not.
    """
    begin = time.monotonic()
    server = declaration.server
    seen = _look(declaration)
    found, now = backup_sets(_info(seen)), _now(seen)
    ends = kept_until(found, server.retention_days)
    rows = [_row(item, ends[item.repository, item.label], now) for item in found]
    findings = [
        Finding(
            "set",
            "critical",
            f"set {item.label} in repository {item.repository} holds damaged pages",
            "their checksums were wrong when they were copied",
            "nothing is restored from it; look at the data disk, then labdb backup run",
        )
        for item in found
        if item.damaged
    ]
    unread = unreadable(_info(seen))
    findings += [
        Finding("repository", "critical", f"repository {number} cannot be read", said, UNREAD)
        for number, said in unread.items()
    ]
    for number in sorted(server.schedules.keys() - unread.keys()):
        whole = [item for item in found if item.repository == number and not item.damaged]
        if not any(item.kind == "full" for item in whole):
            what = f"repository {number} has no full set that could be restored"
            hint = f"labdb backup run --kind full --repository {number}"
            findings.append(Finding("set", "critical", what, hint=hint))
    points = (*repository(_info(seen)).clock, clock.present(now))
    findings += [
        evidence.clock(jump, "warning" if jump.is_open else "info") for jump in clock.jumps(points)
    ]
    repositories = len({item.repository for item in found})
    summary = (
        f"{len(found)} {'set' if len(found) == 1 else 'sets'} in {repositories} "
        f"{'repository' if repositories == 1 else 'repositories'}"
    )
    return Report(
        "backup list",
        server.name,
        summary,
        findings=tuple(findings),
        phases=(Phase("look", round(time.monotonic() - begin, 3)),),
        data={"sets": rows, "archives": _archives(_info(seen))},
    )


def run(declaration: Declaration, kind: Kind, watcher: Watcher, *, number: int = FIRST) -> Report:
    """Make a backup in repository *number* now, by the unit that its timer starts.

    Raises:
        UsageError: there is no such repository.
        RunError: it failed, in pgBackRest's own words, or one is being made already.
        UnreachableError: the guest does not answer.
    """
    known = declaration.server.schedules
    if number not in known:
        raise UsageError(
            f"{declaration.server.name} has no repository {number}",
            why=f"declared are {', '.join(map(str, known))}",
            hint="backup.repositories declares those off the host",
        )
    unit = f"{backup_unit(kind, number)}.service"
    ended = jobs.run(declaration, unit, watcher, command="backup")
    if not ended.succeeded:
        said = [line for line in ended.lines if _COMPLAINT.search(line)] or ended.lines
        raise RunError(
            f"the {kind} backup failed",
            why="; ".join(said[-3:]),
            hint=f"journalctl -u {unit} has all of it; what was there before is still there",
        )
    made = backup_sets(_info(_look(declaration)))
    newest = [item for item in made if item.repository == number][-1]
    summary = (
        f"set {newest.label}: {human_size(newest.size)}, {human_size(newest.stored)} stored, "
        f"in {duration(newest.seconds)}, in repository {number}"
    )
    return Report(
        "backup run",
        declaration.server.name,
        summary,
        phases=ended.phases,
        data={"set": _values(newest)},
    )


def check(declaration: Declaration, *, files: bool = False) -> Report:
    """Prove for every repository that a WAL segment written now arrives; read all *files* too.

    Raises:
        UnreachableError: the guest does not answer.
    """
    begin = time.monotonic()
    wanted = {"check": ["--log-level-console=info", "check"]}
    if files:
        wanted["verify"] = ["--log-level-console=info", "--output=text", "--verbose", "verify"]
    seen = _look(declaration, commands=wanted, seconds=FILES_SECONDS if files else 0)
    findings = list(_checked(seen["commands"]["check"]))
    # After the check: what waited for a repository that answers again has come.
    findings += _lost(declaration)
    if files:
        findings.append(_verified(seen["commands"]["verify"]))
    bad = sum(item.is_problem for item in findings)
    return Report(
        "backup check",
        declaration.server.name,
        f"{bad} to look at" if bad else "archiving works from end to end",
        findings=tuple(findings),
        phases=(Phase("check", round(time.monotonic() - begin, 3)),),
    )


def expiry(declaration: Declaration) -> Report:
    """Return what an expiry would take now, as pgBackRest says and as the retention means it.

    Raises:
        UnreachableError: the guest does not answer, or pgBackRest does not.
        RunError: pgBackRest could not tell.
    """
    begin = time.monotonic()
    server = declaration.server
    dry = {"expire": ["--dry-run", "--log-level-console=info", "expire"]}
    seen = _look(declaration, commands=dry)
    told = seen["commands"]["expire"]
    if told["code"]:
        raise RunError(
            "pgbackrest expire did not tell",
            why=told["error"] or told["out"],
            hint="labdb backup check says whether the repositories can be read",
        )
    found, now = backup_sets(_info(seen)), _now(seen)
    takes = expired(told["out"])
    meant = would_expire(found, server.retention_days, now)
    left = [item for item in found if item.label not in takes]
    findings = []
    bare = {item.repository for item in found} - {
        item.repository for item in left if item.kind == "full"
    }
    for number in sorted(bare):
        what = f"no full set would be left in repository {number}"
        hint = "declare a longer backup.retention_days, or make a full set first: labdb backup run"
        findings.append(Finding("retention", "critical", what, hint=hint))
    if set(takes) != set(meant):
        what = "pgBackRest would not expire what backup.retention_days means"
        why = f"it takes {', '.join(takes) or 'nothing'}, meant is {', '.join(meant) or 'nothing'}"
        findings.append(Finding("retention", "warning", what, why, "labdb provision configures it"))
    ends = kept_until(found, server.retention_days)
    rows = [_row(item, ends[item.repository, item.label], now) for item in found]
    what = f"{len(takes)} of {len(found)} sets would be expired"
    return Report(
        "backup expire",
        server.name,
        what,
        findings=tuple(findings),
        phases=(Phase("expire", round(time.monotonic() - begin, 3)),),
        data={"expired": list(takes), "sets": rows},
    )


def _look(
    declaration: Declaration,
    *,
    commands: Mapping[str, Sequence[str]] | None = None,
    seconds: float = 0,
) -> dict[str, Any]:
    asked: dict[str, Any] = {"stanza": declaration.server.stanza, "system": True}
    if commands:
        asked["commands"] = {name: list(options) for name, options in commands.items()}
    longest = {"seconds": seconds} if seconds else {}
    return shell.probe(shell.guest_of(declaration), asked | longest, **longest)


def _info(seen: Mapping[str, Any]) -> list[dict[str, Any]]:
    if "ok" not in seen["backups"]:
        raise UnreachableError(
            "pgBackRest does not say what there is",
            why=seen["backups"].get("error", ""),
            hint="pgbackrest info on the server says more; labdb provision configures it",
        )
    info: list[dict[str, Any]] = seen["backups"]["ok"]
    return info


def _now(seen: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(float(seen["system"]["now"]), tz=UTC)


def _values(item: BackupSet) -> dict[str, Any]:
    return asdict(item) | {
        "start": written(item.start),
        "stop": written(item.stop),
        "seconds": item.seconds,
    }


def _row(item: BackupSet, end: datetime | None, now: datetime) -> dict[str, Any]:
    if end is None:
        verdict = NEXT_FULL
    elif end <= now:
        verdict = "expires with the next backup"
    else:
        verdict = f"kept until {end:%Y-%m-%d}"
    return _values(item) | {
        "age": round((now - item.stop).total_seconds()),
        "kept_until": written(end) if end else None,
        "verdict": verdict,
    }


def _archives(info: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"repository": item["database"]["repo-key"], "first": item["min"], "last": item["max"]}
        for item in (info[0] if info else {}).get("archive", ())
        if item["min"]
    ]


def _checked(told: Mapping[str, Any]) -> Sequence[Finding]:
    text = f"{told['out']}\n{told['error']}"
    good = [
        Finding("archive", "ok", f"{match['segment']} arrived in repository {match['number']}")
        for match in _ARCHIVED.finditer(text)
    ]
    if not told["code"]:
        return good
    said = [line for line in text.splitlines() if _COMPLAINT.search(line)]
    what = "a WAL segment that was written now did not arrive in every repository"
    hint = "WAL waits in pg_wal meanwhile; labdb status shows how much"
    return (*good, Finding("archive", "critical", what, "; ".join(said[-3:]), hint))


def _lost(declaration: Declaration) -> Sequence[Finding]:
    """Return what is missing in the archives, now."""
    server = declaration.server
    asked = {
        "port": server.postgresql.port,
        "queries": [{"name": "archiver", "database": "postgres", "sql": query("archiver")}],
        "stanza": server.stanza,
        "archives": True,
    }
    return lost(shell.probe(shell.guest_of(declaration), asked))


def _verified(told: Mapping[str, Any]) -> Finding:
    text = f"{told['out']}\n{told['error']}"
    wrong = [
        line.strip() for line in text.splitlines() if "ERROR" in line or "status: error" in line
    ]
    if wrong or told["code"]:
        what = "a file of a repository is not what was written"
        hint = "labdb drill says what can still be restored; labdb backup run makes a new set"
        return Finding("files", "critical", what, "; ".join(wrong[:3]) or text[-300:], hint)
    return Finding("files", "ok", "every file of every repository is what was written")
