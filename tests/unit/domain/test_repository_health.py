"""A repository host says what lies there without being able to read it."""

import copy
from pathlib import Path
from typing import Any

import pytest

from labdb.adapters.inventory import load
from labdb.domain.capacity import DAY
from labdb.domain.machine_health import HOUR
from labdb.domain.repository_health import SERVICES, judge, newest_sets, unfinished
from labdb.domain.repository_host import Storing
from labdb.report import Finding

DECLARED = load(Path(__file__).parents[3] / "inventories" / "lab", "proj-pg01")
(HOST,) = DECLARED.repository_hosts
KNOWN = Storing((DECLARED.server,), {})
FOLDER = "/mnt/backup/proj-pg01/pgbackrest"
NOW = 1_800_000_000.0
GB = 1 << 30


def _set(label: str, hours: float | None) -> dict[str, Any]:
    stop = None if hours is None else NOW - hours * HOUR
    return {"label": label, "size": GB, "stop": stop}


FULL = "20270103-020000F"
WELL: dict[str, Any] = {
    "system": {"now": NOW},
    "units": {name: {"ActiveState": "active"} for name in SERVICES},
    "mounts": {
        path: {"used": 10 * GB, "size": 100 * GB, "free": 90 * GB} for path in ("/", "/mnt/backup")
    },
    "clock": {"skipped": False, "offset": 0.0001, "leap": "Normal"},
    "texts": {},
    "accounts": {
        "proj-pg01": {
            "exists": True,
            "command": "internal-sftp -u 0027",
            "root": "/mnt/backup/proj-pg01",
            "safe": True,
            "key": True,
            "error": "",
        }
    },
    "repositories": {
        FOLDER: {
            "size": 2 * GB,
            "wal": {"name": "000000010000000000000009", "size": 100, "time": NOW - 60},
            "sets": [_set(FULL, 30), _set(f"{FULL}_20270104-030000D", 6)],
        }
    },
}


@pytest.fixture
def seen() -> dict[str, Any]:
    return copy.deepcopy(WELL)


def _problems(seen: dict[str, Any], storing: Storing = KNOWN) -> list[Finding]:
    return [item for item in judge(HOST, storing, seen, {}) if item.is_problem]


def test_a_host_with_fresh_sets_and_wal_has_no_problem(seen: dict[str, Any]) -> None:
    assert _problems(seen) == []
    said = [item.what for item in judge(HOST, KNOWN, seen, {})]
    assert "last backup of proj-pg01 6 h ago" in said
    assert "last WAL segment of proj-pg01 60 s ago" in said


def test_sets_are_as_old_as_the_servers_schedule_for_this_host_allows(
    seen: dict[str, Any],
) -> None:
    stored = seen["repositories"][FOLDER]
    stored["sets"] = [_set(FULL, 7 * 24 + 1), _set(f"{FULL}_20270104-030000D", 6)]
    assert _problems(seen) == []
    stored["sets"] = [_set(FULL, 7 * 24 + 3), _set(f"{FULL}_20270104-030000D", 6)]
    (found,) = _problems(seen)
    assert (found.severity, found.what) == (
        "critical", "the last full backup of proj-pg01 is 7 d old",
    )  # fmt: skip
    assert found.hint == "labdb backup run proj-pg01 --kind full --repository 2"


def test_a_set_of_the_future_is_critical_here_too(seen: dict[str, Any]) -> None:
    stored = seen["repositories"][FOLDER]
    stored["sets"] = [_set(FULL, -14)]
    (found,) = _problems(seen)
    assert (found.severity, found.what) == (
        "critical", "the last backup of proj-pg01 ended 14 h in the future",
    )  # fmt: skip


def test_a_set_that_is_not_complete_counts_as_none(seen: dict[str, Any]) -> None:
    stored = seen["repositories"][FOLDER]
    stored["sets"] = [_set(FULL, None)]
    assert [item.what for item in _problems(seen)] == ["there is no full backup of proj-pg01"]
    assert newest_sets(stored) == {}
    assert unfinished(stored) == (FULL,)


def test_the_newest_of_each_kind_is_the_one_that_ended_last() -> None:
    sets = [
        _set("20270101-020000F", 72),
        _set("20270103-020000F", 24),
        _set("20270101-020000F_20270102-030000D", 47),
        _set("20270104-020000F", None),
    ]
    newest = newest_sets({"sets": sets})
    assert {kind: item["label"] for kind, item in newest.items()} == {
        "full": "20270103-020000F",
        "differential": "20270101-020000F_20270102-030000D",
    }


def test_wal_that_no_longer_comes_is_a_warning_and_none_at_all_is_critical(
    seen: dict[str, Any],
) -> None:
    stored = seen["repositories"][FOLDER]
    stored["wal"]["time"] = NOW - 3 * DAY
    (found,) = _problems(seen)
    assert (found.severity, found.what) == ("warning", "no WAL of proj-pg01 has come for 3 d")
    stored["wal"] = None
    (found,) = _problems(seen)
    assert (found.severity, found.what) == ("critical", "there is no WAL of proj-pg01")


@pytest.mark.parametrize(
    ("change", "severity", "says"),
    [
        ({"exists": False}, "critical", "there is no account proj-pg01"),
        ({"command": "none"}, "critical", "sshd does not lock proj-pg01 into its own folder"),
        ({"root": "none"}, "critical", "sshd does not lock proj-pg01 into its own folder"),
        ({"safe": False}, "critical", "sshd refuses proj-pg01"),
        ({"key": False}, "warning", "proj-pg01 cannot store here"),
    ],
)
def test_a_server_that_cannot_come_in_is_told_why_and_nothing_else(
    seen: dict[str, Any], change: dict[str, Any], severity: str, says: str
) -> None:
    seen["accounts"]["proj-pg01"] |= change
    seen["repositories"][FOLDER]["sets"] = []
    (found,) = _problems(seen)
    assert (found.severity, found.what) == (severity, says)
    assert found.hint


def test_a_folder_that_is_gone_is_critical(seen: dict[str, Any]) -> None:
    seen["repositories"] = {}
    (found,) = _problems(seen)
    assert (found.severity, found.what) == ("critical", "the folder of proj-pg01 is gone")


def test_of_a_server_that_nobody_declares_no_age_is_judged(seen: dict[str, Any]) -> None:
    seen["repositories"][FOLDER]["sets"] = []
    elsewhere = Storing((), {"proj-pg01": "this inventory does not declare it"})
    assert _problems(seen, elsewhere) == []
    (found,) = [item for item in judge(HOST, elsewhere, seen, {}) if item.check == "backup"]
    assert (found.severity, found.why) == ("info", "this inventory does not declare it")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_that_does_not_run_is_critical(seen: dict[str, Any], name: str) -> None:
    seen["units"][name] = {"ActiveState": "inactive", "Result": "success"}
    assert [item.what for item in _problems(seen)] == [f"{name} does not run"]


def test_a_volume_that_fills_up_or_is_gone_is_told(seen: dict[str, Any]) -> None:
    seen["mounts"]["/mnt/backup"]["used"] = 95 * GB
    assert [item.severity for item in _problems(seen)] == ["critical"]
    del seen["mounts"]["/mnt/backup"]
    assert [item.what for item in _problems(seen)] == ["nothing is mounted at /mnt/backup"]
