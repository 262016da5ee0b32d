"""What needs attention is said, what is well is said to be well."""

import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from labdb.adapters.inventory import load
from labdb.domain.capacity import DAY, Sample
from labdb.domain.health import judge, judge_drill, service, timers
from labdb.domain.machine_health import HOUR, ago, duration
from labdb.report import Finding
from labdb.spec import Schedule, Server, SftpRepository, Tls

SERVER = load(Path(__file__).parents[3] / "inventories" / "production", "proj-pg01").server
NOW = 1_800_000_000.0
GB = 1 << 30


def _row(kind: str, hours: float) -> dict[str, Any]:
    """A backup as pgBackRest lists it, some hours old."""
    stop = NOW - hours * HOUR
    return {
        "type": kind,
        "label": kind,
        "error": False,
        "timestamp": {"start": stop - 60, "stop": stop},
        "lsn": {"start": "0/2000028", "stop": "0/3000000"},
        "archive": {"start": "000000010000000000000002", "stop": "000000010000000000000002"},
        "info": {"size": GB},
        "database": {"id": 1, "repo-key": 1},
    }


WELL: dict[str, Any] = {
    "system": {"now": NOW},
    "queries": {
        "server": {"ok": {"connections": 10, "max_connections": 200, "slots": []}},
        "archiver": {
            "ok": {
                "archived": "000000010000000000000009",
                "archived_at": NOW - 60,
                "failed": None,
                "failed_at": None,
                "waiting": False,
                "timeout": 300,
            }
        },
    },
    "units": {
        service(SERVER): {"ActiveState": "active"},
        "pgbackrest-full.service": {"ActiveState": "inactive", "Result": "success"},
    },
    "backups": {"ok": [{"backup": [_row("full", 1)]}]},
    "mounts": {
        path: {"used": 10 * GB, "size": 100 * GB, "free": 90 * GB}
        for path in ("/", "/mnt/data", "/mnt/backup")
    },
    "clock": {"skipped": False, "offset": 0.0001, "leap": "Normal"},
    "texts": {},
    "certificate": {"ends": str(NOW + 300 * DAY)},
}


@pytest.fixture
def seen() -> dict[str, Any]:
    return copy.deepcopy(WELL)


def _problems(
    seen: dict[str, Any], history: dict[str, list[Sample]] | None = None
) -> list[Finding]:
    return [item for item in judge(SERVER, seen, history or {}) if item.is_problem]


def test_a_healthy_server_has_no_problem(seen: dict[str, Any]) -> None:
    assert _problems(seen) == []


def test_a_silent_postgresql_is_critical(seen: dict[str, Any]) -> None:
    seen["queries"]["server"] = {"error": "could not connect to server"}
    (found,) = _problems(seen)
    assert (found.severity, found.why) == ("critical", "could not connect to server")


def test_connections_that_run_out_are_a_warning(seen: dict[str, Any]) -> None:
    seen["queries"]["server"]["ok"]["connections"] = 161
    (found,) = _problems(seen)
    assert found.what == "161 of 200 connections are in use"


def test_a_slot_that_nobody_reads_is_named(seen: dict[str, Any]) -> None:
    seen["queries"]["server"]["ok"]["slots"] = ["old_replica"]
    assert "old_replica" in _problems(seen)[0].what


def test_a_unit_that_does_not_run_is_critical(seen: dict[str, Any]) -> None:
    seen["units"]["pgbackrest-full.timer"] = {"ActiveState": "inactive", "Result": "success"}
    (found,) = _problems(seen)
    assert found.what == "pgbackrest-full.timer does not run"


def test_failing_archiving_is_critical_and_names_the_segment(seen: dict[str, Any]) -> None:
    seen["queries"]["archiver"]["ok"] |= {"failed": "00000001000000000000000A", "failed_at": NOW}
    (found,) = _problems(seen)
    assert (found.severity, found.what) == ("critical", "archiving fails: 00000001000000000000000A")


def test_wal_that_was_dropped_is_critical_although_nothing_failed(seen: dict[str, Any]) -> None:
    _listed(seen, ("full", 1))
    stanza = seen["backups"]["ok"][0]
    stanza["db"] = [{"id": 1, "repo-key": 1}]
    stanza["archive"] = [
        {
            "id": "16-1",
            "database": {"id": 1, "repo-key": 1},
            "min": "000000010000000000000002",
            "max": "000000010000000000000009",
        }
    ]
    seen["archives"] = {"1": {"ok": {"16-1": [[2, 9]]}}}
    assert _problems(seen) == []
    seen["archives"] = {"1": {"ok": {"16-1": [[2, 4], [6, 9]]}}}
    (found,) = _problems(seen)
    assert "000000010000000000000005 is not in repository 1" in found.what
    seen["queries"]["archiver"]["ok"]["oldest_waiting"] = "000000010000000000000005"
    assert _problems(seen) == []


def test_an_old_archive_is_a_problem_only_while_wal_waits(seen: dict[str, Any]) -> None:
    archiver = seen["queries"]["archiver"]["ok"]
    archiver["archived_at"] = NOW - 3600
    assert _problems(seen) == []
    archiver["waiting"] = True
    assert _problems(seen)[0].what == "WAL has not been archived for 60 min"


def _listed(seen: dict[str, Any], *made: tuple[str, float], held: bool = False) -> None:
    """Let pgBackRest list backups, each of a kind and some hours old."""
    lock = {"backup": {"held": held}}
    rows = [_row(kind, hours) for kind, hours in made]
    seen["backups"]["ok"] = [{"backup": rows, "status": {"code": 0, "lock": lock}}]


def _scheduled(full: str, differential: str = "Mon..Sat *-*-* 02:00:00") -> Server:
    schedule = Schedule(full=full, differential=differential)
    backup = SERVER.backup.model_copy(update={"schedule": schedule})
    return SERVER.model_copy(update={"backup": backup})


def _backup_problem(seen: dict[str, Any], server: Server = SERVER) -> tuple[str, str] | None:
    (found,) = [item for item in judge(server, seen, {}) if item.check == "backup"]
    return (found.severity, found.what) if found.is_problem else None


@pytest.mark.parametrize("hours", [1, 24, 6 * 24, 7 * 24 + 1])
def test_a_weekly_full_backup_is_good_for_the_whole_week(
    seen: dict[str, Any], hours: float
) -> None:
    _listed(seen, ("full", hours), ("diff", 0.5))
    assert _backup_problem(seen) is None


def test_a_weekly_full_backup_that_was_missed_is_critical(seen: dict[str, Any]) -> None:
    _listed(seen, ("full", 7 * 24 + 3), ("diff", 25))
    assert _backup_problem(seen) == ("critical", "the last full backup is 7 d old")


def test_a_differential_backup_that_was_missed_is_a_warning(seen: dict[str, Any]) -> None:
    _listed(seen, ("full", 51), ("diff", 27))
    assert _backup_problem(seen) == ("warning", "the last backup of any kind is 27 h old")


def test_the_day_of_the_full_backup_needs_no_differential_one(seen: dict[str, Any]) -> None:
    _listed(seen, ("full", 7 * 24), ("diff", 24), ("full", 0.5))
    assert _backup_problem(seen) is None


def test_a_fresh_server_with_its_first_full_backup_alone_is_well(seen: dict[str, Any]) -> None:
    _listed(seen, ("full", 20))
    assert _backup_problem(seen) is None


def test_daily_full_backups_are_missed_after_a_day(seen: dict[str, Any]) -> None:
    daily = _scheduled("*-*-* 02:00:00", "*-*-* 08,14,20:00:00")
    _listed(seen, ("full", 25), ("diff", 1))
    assert _backup_problem(seen, daily) is None
    _listed(seen, ("full", 27), ("diff", 1))
    assert _backup_problem(seen, daily) == ("critical", "the last full backup is 27 h old")
    _listed(seen, ("full", 10), ("diff", 9))
    assert _backup_problem(seen, daily) == ("warning", "the last backup of any kind is 9 h old")


def test_a_backup_that_is_being_made_may_take_its_time(seen: dict[str, Any]) -> None:
    _listed(seen, ("full", 7 * 24 + 5), ("diff", 29), held=True)
    assert _backup_problem(seen) is None
    _listed(seen, ("full", 7 * 24 + 9), ("diff", 33), held=True)
    assert _backup_problem(seen) == ("critical", "the last full backup is 7 d old")


def test_a_server_without_a_good_full_backup_is_critical(seen: dict[str, Any]) -> None:
    _listed(seen, ("full", 1), ("diff", 1))
    seen["backups"]["ok"][0]["backup"][0]["error"] = True
    assert _backup_problem(seen) == ("critical", "there is no full backup")
    seen["backups"] = {"error": "unable to open /etc/pgbackrest.conf"}
    assert _backup_problem(seen) == ("critical", "there is no full backup")


def test_each_repository_has_backups_of_its_own_schedule(seen: dict[str, Any]) -> None:
    server = _with_a_second_repository()
    _listed(seen, ("full", 1), ("full", 100))
    rows = seen["backups"]["ok"][0]["backup"]
    assert _second(server, seen) == ("critical", "there is no full backup in repository 2")
    rows[1]["database"]["repo-key"] = 2
    assert _second(server, seen) == (
        "warning", "the last backup of any kind in repository 2 is 4 d old",
    )  # fmt: skip
    rows[1]["timestamp"]["stop"] = NOW - 20 * HOUR
    assert _second(server, seen) == ("ok", "last backup in repository 2 20 h ago")


def test_a_repository_that_cannot_be_read_is_critical_and_says_why(seen: dict[str, Any]) -> None:
    said = "[HostConnectError] unable to connect\n [HostConnectError] on retry"
    seen["backups"]["ok"][0]["repo"] = [{"key": 2, "status": {"code": 99, "message": said}}]
    found = [item for item in judge(_with_a_second_repository(), seen, {}) if item.is_problem]
    assert [item.what for item in found] == ["repository 2 cannot be read"]
    assert found[0].why == "[HostConnectError] unable to connect"


def test_every_repository_has_its_timers() -> None:
    armed = timers(_with_a_second_repository())
    assert [name for name in armed if name.endswith("-repo2.timer")] == [
        "pgbackrest-full-repo2.timer", "pgbackrest-differential-repo2.timer",
    ]  # fmt: skip


def _with_a_second_repository() -> Server:
    backup = SERVER.backup.model_copy(
        update={"repositories": (SftpRepository(kind="sftp", host="away"),)}
    )
    return SERVER.model_copy(update={"backup": backup})


def _second(server: Server, seen: dict[str, Any]) -> tuple[str, str]:
    _, found = [item for item in judge(server, seen, {}) if item.check == "backup"]
    return found.severity, found.what


def test_a_backup_that_failed_is_critical_at_once(seen: dict[str, Any]) -> None:
    seen["units"]["pgbackrest-full.service"] = {"ActiveState": "failed", "Result": "exit-code"}
    (found,) = _problems(seen)
    assert (found.severity, found.what) == ("critical", "pgbackrest-full.service failed")
    assert "exit-code" in found.why


@pytest.mark.parametrize(("used", "severity"), [(79, None), (85, "warning"), (95, "critical")])
def test_a_filling_disk_is_told_in_time(
    seen: dict[str, Any], used: int, severity: str | None
) -> None:
    seen["mounts"]["/mnt/data"]["used"] = used * GB
    assert [item.severity for item in _problems(seen)] == ([severity] if severity else [])


def test_a_disk_that_will_be_full_soon_is_a_warning(seen: dict[str, Any]) -> None:
    history = {
        "/mnt/data": [Sample(NOW - DAY, 0, 100 * GB), Sample(NOW, 10 * GB, 100 * GB)],
    }
    assert "full in 9 days" in _problems(seen, history)[0].what


def test_a_missing_data_disk_is_critical(seen: dict[str, Any]) -> None:
    del seen["mounts"]["/mnt/data"]
    assert _problems(seen)[0].what == "nothing is mounted at /mnt/data"


def test_a_certificate_near_its_end_is_a_warning(seen: dict[str, Any]) -> None:
    seen["certificate"]["ends"] = str(NOW + 5 * DAY)
    assert _problems(seen)[0].what == "the server certificate ends in 5 days"


def test_a_certificate_is_told_only_when_the_remedy_would_help(seen: dict[str, Any]) -> None:
    seen["certificate"]["ends"] = str(NOW + 15 * DAY)
    own = SERVER.postgresql.model_copy(update={"tls": Tls(renew_days=10)})
    later = SERVER.model_copy(update={"postgresql": own})
    assert not [item for item in judge(later, seen, {}) if item.is_problem]
    given = Tls(source="given", certificate_file="a.crt", key_file="a.key")
    postgresql = SERVER.postgresql.model_copy(update={"tls": given})
    brought = SERVER.model_copy(update={"postgresql": postgresql})
    (found,) = [item for item in judge(brought, seen, {}) if item.is_problem]
    assert found.hint == "bring a new one (postgresql.tls)"


def test_a_backup_of_the_future_is_critical_and_its_cause_is_named(seen: dict[str, Any]) -> None:
    """pgBackRest makes no other before the clock has passed it."""
    _listed(seen, ("full", 30), ("diff", -14))
    (found,) = _problems(seen)
    assert (found.severity, found.what) == (
        "critical", "the last backup ended 14 h in the future",
    )  # fmt: skip
    assert "clock went back" in found.why
    _listed(seen, ("full", -0.01))
    assert _problems(seen) == []


def test_after_a_jump_back_a_failure_of_archiving_is_not_hidden(seen: dict[str, Any]) -> None:
    archiver = seen["queries"]["archiver"]["ok"]
    archiver |= {"archived_at": NOW + 3600, "failed": "00000001000000000000000A", "failed_at": NOW}
    (found,) = _problems(seen)
    assert (found.severity, found.what) == (
        "warning", "the last WAL segment was archived 60 min in the future",
    )  # fmt: skip


def test_nothing_is_older_than_nothing() -> None:
    assert [ago(value) for value in (90, 5, -5, -7200)] == [
        "90 s ago", "5 s ago", "0 s ago", "2 h in the future",
    ]  # fmt: skip


def test_durations_are_read_easily() -> None:
    assert [duration(value) for value in (5, 90, 7200, 3 * DAY)] == ["5 s", "90 s", "2 h", "3 d"]


@pytest.mark.parametrize(
    ("verdict", "days", "severity"),
    [
        ("passed", 6, "ok"),
        ("passed", 9, "warning"),
        ("passed", -1, "warning"),
        ("unproven", 1, "warning"),
        ("failed", 1, "critical"),
        ("refused", 1, "critical"),
    ],
)
def test_a_drill_counts_by_its_verdict_and_by_its_age(
    seen: dict[str, Any], verdict: str, days: int, severity: str
) -> None:
    begin = datetime.fromtimestamp(NOW - days * DAY, tz=UTC).isoformat()
    line = {"verdict": verdict, "begin": begin, "findings": []}
    assert judge_drill(SERVER, [line], seen).severity == severity


def test_a_server_without_a_drill_is_told_to_have_none(seen: dict[str, Any]) -> None:
    finding = judge_drill(SERVER, [], seen)
    assert finding.severity == "info"
    assert "labdb drill" in finding.hint
