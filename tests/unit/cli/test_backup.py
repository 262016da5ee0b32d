"""``labdb backup`` and ``labdb drill`` print what people decide by, and exit by what is found."""

import json
from pathlib import Path
from typing import Any

import pytest

from labdb.adapters import shell
from labdb.cli.app import run
from labdb.cli.show_backup import _wal
from labdb.operations import drill, export, jobs
from labdb.report import Phase

INVENTORIES = Path(__file__).parents[3] / "inventories"
ONE, TWO = str(INVENTORIES / "production"), str(INVENTORIES / "lab")
"""An inventory whose server has one repository, and one whose server has two."""
NOW = 1_800_000_000
DAY = 86400


def _backup(days_ago: int, *, error: bool = False, repository: int = 1) -> dict[str, Any]:
    stop = NOW - days_ago * DAY
    return {
        "label": f"2026{days_ago:04d}-020000F",
        "type": "full",
        "error": error,
        "archive": {"start": "000000010000000000000002", "stop": "000000010000000000000003"},
        "timestamp": {"start": stop - 90, "stop": stop},
        "info": {"size": 30 << 30, "repository": {"delta": 7 << 30}},
        "database": {"id": 1, "repo-key": repository},
    }


def _seen(*backups: dict[str, Any], **commands: Any) -> dict[str, Any]:
    archive = [
        {
            "id": "16-1",
            "database": {"id": 1, "repo-key": 1},
            "min": "000000010000000000000001",
            "max": "000000010000000000000041",
        }
    ]
    return {
        "backups": {"ok": [{"backup": list(backups), "archive": archive}]},
        "archives": {"1": {"ok": {"16-1": [[1, 65]]}}},
        "system": {"now": NOW},
        "commands": commands,
    }


@pytest.fixture
def guest(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the guest answers."""
    answer: dict[str, Any] = {}
    monkeypatch.setattr(shell, "probe", lambda *_, **__: answer)
    return answer


def _labdb(*words: str) -> int:
    command, *options = words
    inventory = [] if "-i" in options else ["-i", ONE]
    return run([*command.split(), "proj-pg01", *inventory, *options])


def test_sets_are_listed_with_how_long_each_is_kept(
    guest: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    guest |= _seen(_backup(40), _backup(20), _backup(1))
    assert _labdb("backup list") == 0
    out = capsys.readouterr().out
    assert "3 sets in 1 repository" in out
    assert "kept until a newer full set is old enough" in " ".join(out.split())
    assert "1/00/02-03" in out
    assert _labdb("backup list", "--json") == 0
    told = json.loads(capsys.readouterr().out)["data"]["sets"]
    assert [row["label"] for row in told] == [
        "20260040-020000F", "20260020-020000F", "20260001-020000F",
    ]  # fmt: skip
    assert told[2]["kept_until"] is None
    assert told[2]["seconds"] == 90


def test_a_damaged_set_and_none_that_is_whole_are_told(
    guest: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    guest |= _seen(_backup(1, error=True))
    assert _labdb("backup list") == 1
    out = capsys.readouterr().out
    assert "holds damaged pages" in out
    assert "repository 1 has no full set that could be restored" in out


def test_a_set_of_the_future_is_told_with_its_cause(
    guest: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    ahead = _backup(-2) | {"lsn": {"start": "0/2000028", "stop": "0/2000138"}}
    guest |= _seen(ahead)
    guest["backups"]["ok"][0]["db"] = [{"id": 1, "repo-key": 1}]
    assert _labdb("backup list") == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "2 d in the future" in out
    assert "the server's clock is behind its own backups, by 2 days, 0:00:00" in out


def test_each_repository_needs_a_full_set_of_its_own(
    guest: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    guest |= _seen(_backup(1))
    assert _labdb("backup list", "-i", TWO) == 1
    assert "repository 2 has no full set that could be restored" in capsys.readouterr().out
    guest |= _seen(_backup(1), _backup(2, repository=2))
    assert _labdb("backup list", "-i", TWO) == 0
    assert "2 sets in 2 repositories" in capsys.readouterr().out


def test_a_repository_that_cannot_be_read_is_told_with_the_reason(
    guest: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    guest |= _seen(_backup(1))
    said = {"code": 99, "message": "[HostConnectError] no route to host\n and more"}
    well = {"code": 0, "message": "ok"}
    guest["backups"]["ok"][0]["repo"] = [{"key": 1, "status": well}, {"key": 2, "status": said}]
    assert _labdb("backup list", "-i", TWO) == 1
    out = capsys.readouterr().out
    assert "repository 2 cannot be read" in out
    assert "[HostConnectError] no route to host" in out
    assert "has no full set" not in out


def test_a_backup_goes_to_a_repository_that_is_declared(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _labdb("backup run", "--repository", "2") == 2
    assert "proj-pg01 has no repository 2" in capsys.readouterr().err


def test_a_check_names_the_wal_that_was_dropped(
    guest: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    guest |= _seen(_backup(1), check={"code": 0, "out": "", "error": ""})
    guest["backups"]["ok"][0]["backup"][0]["lsn"] = {"start": "0/2000028", "stop": "0/3000000"}
    guest["backups"]["ok"][0]["db"] = [{"id": 1, "repo-key": 1}]
    guest["archives"] = {"1": {"ok": {"16-1": [[1, 9], [11, 65]]}}}
    assert _labdb("backup check") == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "WAL segment 00000001000000000000000A is not in repository 1" in out
    assert "labdb backup run --kind full --repository 1" in out


def test_a_check_names_segment_and_repository_or_what_pgbackrest_said(
    guest: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    out = (
        "P00   INFO: WAL segment 000000010000000000000009 successfully archived to "
        "'/mnt/backup/pgbackrest/archive/x/000000010000000000000009-a.zst' on repo1"
    )
    guest |= _seen(check={"code": 0, "out": out, "error": ""})
    assert _labdb("backup check") == 0
    assert "000000010000000000000009 arrived in repository 1" in capsys.readouterr().out
    words = "P00  ERROR: [082]: WAL segment 000000010000000000000009 was not archived"
    guest |= _seen(check={"code": 82, "out": "", "error": words})
    assert _labdb("backup check") == 1
    assert "was not archived" in capsys.readouterr().out


def test_an_expiry_is_compared_with_what_the_declaration_means(
    guest: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    says = "P00   INFO: [DRY-RUN] repo1: expire time-based backup 20260080-020000F"
    guest |= _seen(_backup(80), _backup(40), expire={"code": 0, "out": says, "error": ""})
    assert _labdb("backup expire", "--dry-run") == 0
    assert "1 of 2 sets would be expired" in capsys.readouterr().out
    guest |= _seen(_backup(80), expire={"code": 0, "out": says, "error": ""})
    assert _labdb("backup expire", "--dry-run") == 1
    assert "no full set would be left" in capsys.readouterr().out


def test_nothing_is_expired_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    assert _labdb("backup expire") == 2
    assert "--dry-run" in capsys.readouterr().err


def test_a_backup_that_failed_says_why_in_pgbackrests_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ("P00   INFO: backup command begin", "P00  ERROR: [050]: unable to acquire lock")
    ended = jobs.Ended("exit-code", 50, lines, (Phase("backup", 1.0),))
    monkeypatch.setattr(jobs, "run", lambda *_, **__: ended)
    assert _labdb("backup run") == 5
    assert "unable to acquire lock" in capsys.readouterr().err


LINE = {
    "begin": "2026-11-22T06:00:00+00:00",
    "stanza": "proj-pg01",
    "findings": [
        {"check": "recovery", "severity": "ok", "what": "it opened", "why": "", "hint": ""}
    ],
    "set": "20261122-020000F",
    "kind": "full",
    "target": "2026-11-22 05:00:00+00",
    "size": 30 << 30,
    "rpo": 12.0,
    "rto": 300.5,
    "phases": {"restore": 300.5},
    "refused": False,
    "verdict": "passed",
}


def _drilled(monkeypatch: pytest.MonkeyPatch, line: dict[str, Any]) -> None:
    ledgers = iter([[], [line]])
    monkeypatch.setattr(drill, "ledger", lambda _: next(ledgers))
    monkeypatch.setattr(jobs, "run", lambda *_, **__: jobs.Ended("success", 0, (), ()))


def test_a_drill_tells_verdict_and_times(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _drilled(monkeypatch, LINE)
    assert _labdb("drill") == 0
    out = capsys.readouterr().out
    assert "passed: 20261122-020000F, RTO 300.5 s, RPO 12.0 s" in out
    assert "it opened" in out


def test_a_drill_that_was_refused_is_a_refusal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    finding = {
        "check": "drill", "severity": "critical", "what": "there is too little space",
        "why": "1 GB are free", "hint": "declare more",
    }  # fmt: skip
    _drilled(monkeypatch, LINE | {"refused": True, "verdict": "refused", "findings": [finding]})
    assert _labdb("drill") == 6
    assert "too little space" in capsys.readouterr().err


def test_the_history_is_a_table_and_its_newest_line_decides(
    guest: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    bad = {"check": "amcheck", "severity": "critical", "what": "index x is corrupt"}
    failed = LINE | {"verdict": "failed", "findings": [bad]}
    guest |= {"texts": {drill.LEDGER: f"{json.dumps(LINE)}\n{json.dumps(failed)}\n"}}
    assert _labdb("drill", "--history") == 1
    out = capsys.readouterr().out
    assert "1 of 2 drills passed" in out
    assert "index x is corrupt" in out


def test_a_range_of_segments_is_short_whatever_it_spans() -> None:
    assert _wal("000000010000000000000002", "000000010000000000000002") == "1/00/02"
    assert _wal("0000000100000000000000FE", "000000010000000100000003") == "1/00/FE-01/03"
    assert _wal("000000010000000000000002", "000000020000000000000003") == "1/00/02-2/00/03"


def test_exports_that_are_not_declared_are_said_to_be_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _labdb("export") == 3
    assert "backup.export is not declared" in capsys.readouterr().err


def test_the_history_of_exports_is_judged_by_the_newest_of_each_database(
    guest: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    bad = {"check": "export", "severity": "critical", "what": "desi was not exported"}
    good: dict[str, Any] = {
        "begin": "2026-11-22T04:00:00+00:00",
        "database": "desi",
        "path": "/mnt/x/y",
    }
    good |= {"size": 1 << 30, "phases": {"export": 60}, "findings": [], "verdict": "passed"}
    failed = good | {"verdict": "failed", "findings": [bad]}
    guest |= {"texts": {export.LEDGER: f"{json.dumps(failed)}\n{json.dumps(good)}\n"}}
    assert _labdb("export", "--history") == 0
    out = capsys.readouterr().out
    assert "1 of 2 exports are proven" in out
    assert "/mnt/x/y" in out
    guest |= {"texts": {export.LEDGER: f"{json.dumps(good)}\n{json.dumps(failed)}\n"}}
    assert _labdb("export", "--history") == 1
