"""A declaration that cannot keep what it promises is refused before it is tried."""

from pathlib import Path
from typing import Any

import pytest

from labdb.adapters.inventory import load
from labdb.domain.backup.policy import policy_findings
from labdb.domain.timetable import ever_runs, is_readable
from labdb.spec import Server

INVENTORIES = Path(__file__).parents[4] / "inventories"
SERVER = load(INVENTORIES / "lab", "proj-pg01").server


def _said(**backup: Any) -> list[str]:
    declared = SERVER.model_dump(mode="json")
    declared["backup"] |= backup
    found = policy_findings(Server.model_validate(declared))
    assert all(item.severity == "critical" and item.hint for item in found)
    return [item.what for item in found]


@pytest.mark.parametrize("inventory", ["lab", "production"])
def test_what_the_repository_declares_keeps_its_promises(inventory: str) -> None:
    assert policy_findings(load(INVENTORIES / inventory, "proj-pg01").server) == ()


def test_a_schedule_that_never_comes_is_named() -> None:
    never = {"full": "*-02-30 02:00:00", "differential": "Mon *-*-* 02:00:00"}
    assert _said(schedule=never) == ["backup.schedule.full: '*-02-30 02:00:00' never comes"]


def test_words_that_systemd_does_not_read_are_named() -> None:
    assert _said(drill={"schedule": "sundays at six"}) == [
        "backup.drill.schedule: 'sundays at six' is no time that systemd reads"
    ]
    second = [{"kind": "sftp", "host": "proj-bak01", "schedule": {"full": "So *-*-* 02:00:00"}}]
    assert _said(repositories=second) == [
        "backup.repositories.0.schedule.full: 'So *-*-* 02:00:00' is no time that systemd reads"
    ]


def test_a_retention_that_is_shorter_than_the_promise_is_refused() -> None:
    assert _said(retention_days=6, recovery_window_days=7) == [
        "repository 1 keeps 6 days, and 7 are promised"
    ]
    assert _said(recovery_window_days=31) == [
        "repository 1 keeps 30 days, and 31 are promised",
        "repository 2 keeps 30 days, and 31 are promised",
    ]


@pytest.mark.parametrize(
    "expression",
    [
        "daily",
        "*-*-* 02:00",
        "Sun *-*-* 02:00:00",
        "Mon,Tue,Thu..Sun *-*-* 03:00:00",
        "*-*-01,15 04:30:00 UTC",
        "*-*~01 02:00",
        "Mon..Fri 22:30 Europe/Berlin",
        "Sunday *-*-* 02:00",
        "*:0/15",
        "2026-12-24 18:00",
    ],
)
def test_what_systemd_reads_is_read(expression: str) -> None:
    assert is_readable(expression)


@pytest.mark.parametrize("expression", ["", "never", "at 2", "02.00", "Sun..Funday 02:00", "25h"])
def test_what_systemd_does_not_read_is_not(expression: str) -> None:
    assert not is_readable(expression)


def test_a_day_that_some_year_has_comes() -> None:
    assert ever_runs("*-02-29 02:00")
    assert not ever_runs("*-04-31 02:00")


@pytest.mark.parametrize(("rate", "said"), [("2MB", []), ("20MB", ["27 min"])])
def test_an_hour_without_a_repository_is_told_when_it_loses_wal(rate: str, said: list[str]) -> None:
    declared = SERVER.model_dump(mode="json")
    declared["workload"] |= {"wal_rate": rate}
    declared["storage"]["data"]["size"] = "250GB"
    found = policy_findings(Server.model_validate(declared))
    assert [item.severity for item in found] == ["warning"] * len(said)
    assert all(word in item.what for word, item in zip(said, found, strict=True))
