"""``labdb restore`` takes one target, and prints what a person needs to go on."""

import json
from pathlib import Path
from typing import Any

import pytest

from labdb.cli.app import run
from labdb.operations import restore
from labdb.operations.restore import Planned, Request
from labdb.report import Finding, Report

LAB = str(Path(__file__).parents[3] / "inventories" / "lab")
PLAN = {
    "target": "transaction 757, without it",
    "set": "20261122-015500F",
    "kind": "full",
    "stop": "2026-11-22 02:00:00+00",
    "repository": 1,
    "wal_first": "000000010000000000000002",
    "wal_last": "000000010000000000000041",
    "segments": 64,
    "needed": 32 << 30,
    "free": 200 << 30,
    "database": "",
    "directory": "/mnt/data/restore",
    "port": 5433,
}
TABLES = [
    {
        "database": "desi",
        "schema": "public",
        "table": "galaxies [old]",
        "kind": "gone",
        "restored_rows": 7,
        "running_rows": None,
        "columns": (),
    },
    {
        "database": "desi",
        "schema": "public",
        "table": "voids",
        "kind": "changed",
        "restored_rows": 2,
        "running_rows": 3,
        "columns": ("radius",),
    },
]
RESTORED = Report(
    "restore",
    "proj-pg01",
    "restored to transaction 757, without it; 2 tables differ from the running server",
    findings=(Finding("recovery", "ok", "recovered to LSN 0/5000028"),),
    data={"plan": PLAN, "tables": TABLES, "next": {"discard": "labdb restore x --discard"}},
)


def _restore(*options: str) -> int:
    return run(["restore", "proj-pg01", "-i", LAB, *options])


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Let every operation answer, and remember what it was asked."""
    seen: list[Any] = []

    def restored(_: object, request: Request, __: object) -> Report:
        seen.append(request)
        return RESTORED

    def planned(_: object, request: Request) -> Planned:
        seen.append(("plan", request))
        report = Report("restore", "proj-pg01", "20261122-015500F", data={"plan": PLAN})
        return Planned(None, {}, report, done=False)  # type: ignore[arg-type]

    def discarded(*_: object) -> Report:
        seen.append("discard")
        return Report("restore", "proj-pg01", "the restored instance is gone")

    monkeypatch.setattr(restore, "restore", restored)
    monkeypatch.setattr(restore, "plan", planned)
    monkeypatch.setattr(restore, "discard", discarded)
    return seen


@pytest.mark.parametrize(
    ("options", "request_"),
    [
        (("--to", "20 min ago"), Request("time", "20 min ago")),
        (("--xid", "757", "--exclusive"), Request("xid", "757", exclusive=True)),
        (("--lsn", "0/3000060"), Request("lsn", "0/3000060")),
        (("--name", "before"), Request("name", "before")),
        (("--latest",), Request("latest")),
        (
            ("--immediate", "--set", "L", "--repository", "2", "--database", "d", "--port", "5999"),
            Request("immediate", label="L", repository=2, database="d", port=5999),
        ),
    ],
)
def test_each_kind_of_target_has_its_option(
    asked: list[Any], options: tuple[str, ...], request_: Request
) -> None:
    assert _restore(*options) == 0
    assert _restore(*options, "--plan") == 0
    assert asked == [request_, ("plan", request_)]


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--plan",),
        ("--latest", "--xid", "757"),
        ("--to", "20 min ago", "--discard"),
        ("--discard", "--plan"),
        ("--latest", "--port", "80"),
        ("--latest", "--repository", "0"),
    ],
)
def test_what_is_not_one_thing_to_do_is_usage_and_does_nothing(
    asked: list[Any], options: tuple[str, ...]
) -> None:
    assert _restore(*options) == 2
    assert asked == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--to", "2026-11-24 08:12"), "has no zone"),
        (("--to", "2222-11-24 08:12Z"), "in the future"),
        (("--xid", "two"), "number of a transaction"),
        (("--lsn", "3000060"), "position in the WAL"),
        (("--name", "it's"), "restore point"),
        (("--latest", "--exclusive"), "left out"),
    ],
)
def test_a_target_that_means_nothing_is_usage(
    capsys: pytest.CaptureFixture[str], options: tuple[str, ...], words: str
) -> None:
    assert _restore(*options, "--plan") == 2
    assert words in capsys.readouterr().err


def test_people_read_the_plan_the_tables_and_what_comes_next(
    asked: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _restore("--xid", "757", "--exclusive") == 0
    out = capsys.readouterr().out
    assert "2 tables differ" in out
    assert "20261122-015500F (full), ended 2026-11-22 02:00:00+00, repository 1" in out
    assert "32.0 GB at most, 200.0 GB are free" in out
    (gone,) = [line for line in out.splitlines() if "galaxies [old]" in line]
    assert "7 rows" in gone
    assert "only in the restored instance" in gone
    (changed,) = [line for line in out.splitlines() if "voids" in line]
    assert changed.split()[-1] == "radius"
    assert "labdb restore x --discard" in out
    assert asked


def test_programs_read_the_envelope(asked: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert _restore("--latest", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["data"]["tables"][0]["table"] == "galaxies [old]"
    assert asked


def test_a_discard_is_asked_for_by_its_own_option(
    asked: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _restore("--discard") == 0
    assert asked == ["discard"]
    assert "is gone" in capsys.readouterr().out
