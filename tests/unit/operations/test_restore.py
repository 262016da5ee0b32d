"""A restore says beforehand what it takes, refuses what cannot be, and afterwards what differs."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labdb.adapters import clock, shell
from labdb.adapters.content import query
from labdb.adapters.inventory import Declaration, load
from labdb.domain.recovery.target import parse
from labdb.errors import RefusedError, UnreachableError, UsageError
from labdb.operations import restore
from labdb.operations.comparison import compare
from labdb.operations.restore import Request
from labdb.report import Report

LAB = Path(__file__).parents[3] / "inventories" / "lab"
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
STOP = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
GB = 1 << 30
FOLDER = "/mnt/data/restore"
INFO = [
    {
        "backup": [
            {
                "label": "20261122-015500F",
                "type": "full",
                "error": False,
                "archive": {
                    "start": "000000010000000000000002",
                    "stop": "000000010000000000000002",
                },
                "lsn": {"start": "0/2000028", "stop": "0/2000138"},
                "timestamp": {"start": int(STOP.timestamp()) - 300, "stop": int(STOP.timestamp())},
                "info": {"size": 30 * GB},
                "database": {"id": 1, "repo-key": 1},
            }
        ],
        "archive": [
            {
                "database": {"id": 1, "repo-key": 1},
                "min": "000000010000000000000001",
                "max": "000000010000000000000041",
            }
        ],
        "db": [{"id": 1, "repo-key": 1}],
    }
]
ASKED = {
    "type": "latest",
    "target": "",
    "exclusive": False,
    "set": "",
    "repository": 0,
    "database": "",
    "port": 5433,
}
SEEN: dict[str, Any] = {
    "queries": {"server": {"ok": {"connections": 1}}},
    "backups": {"ok": INFO},
    "units": {restore.UNIT: {"ActiveState": "inactive"}},
    "mounts": {"/mnt/data": {"free": 200 * GB, "size": 250 * GB}},
    "texts": {},
    "folders": {},
    "listeners": [],
    "system": {"now": NOW.timestamp()},
}


@pytest.fixture(scope="module")
def declaration() -> Declaration:
    return load(LAB, "proj-pg01")


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def sees(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the guest answer the plan's questions."""

    def answers(**more: Any) -> None:
        monkeypatch.setattr(shell, "probe", lambda *_, **__: SEEN | more)

    return answers


def test_the_plan_tells_set_wal_space_and_port(
    declaration: Declaration, sees: Callable[..., None]
) -> None:
    sees()
    planned = restore.plan(declaration, Request("time", "2026-11-24 08:12 UTC"))
    assert planned.report.exit_code == 0
    assert planned.report.summary == "20261122-015500F, WAL up to 2026-11-24 08:12:00+00"
    assert planned.report.data["plan"] == {
        "target": "2026-11-24 08:12:00+00",
        "set": "20261122-015500F",
        "kind": "full",
        "stop": "2026-11-22 02:00:00+00",
        "repository": 1,
        "wal_first": "000000010000000000000002",
        "wal_last": "000000010000000000000041",
        "segments": 64,
        "needed": 32 * GB,
        "free": 200 * GB,
        "database": "",
        "directory": FOLDER,
        "port": 5433,
    }


def test_the_plan_tells_where_the_clock_went_back_and_the_names_of_records_say_it(
    declaration: Declaration, sees: Callable[..., None]
) -> None:
    ahead = {"/mnt/backup/fingerprints": ["00000001-0000000005000060-20261125T143000Z.json"]}
    sees(folders=ahead)
    report = restore.plan(declaration, Request("name", "before the load")).report
    assert [(item.check, item.severity) for item in report.findings] == [
        ("clock", "info"), ("target", "info"),
    ]  # fmt: skip
    assert "by 2:30:00" in report.findings[0].what
    with pytest.raises(RefusedError, match="may have come twice"):
        restore.plan(declaration, Request("time", "20 min ago"))


def test_what_is_no_target_is_refused_before_anybody_is_asked(
    declaration: Declaration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell, "probe", lambda *_, **__: pytest.fail("it was asked"))
    with pytest.raises(UsageError, match="has no zone") as caught:
        restore.plan(declaration, Request("time", "2026-11-24 08:12"))
    assert "by the clock of the server" in caught.value.why
    assert "by the clock of this machine" in caught.value.why


def test_an_ago_is_told_to_the_role_as_the_moment_that_it_was(
    declaration: Declaration, sees: Callable[..., None]
) -> None:
    sees()
    planned = restore.plan(declaration, Request("time", "20 min ago"))
    assert planned.asked["target"] == "2026-11-25 11:40:00+00"


@pytest.mark.parametrize(
    ("request_", "seen", "words"),
    [
        (Request("time", "2026-11-20 08:12Z"), {}, "before the oldest"),
        (Request(label="20200101-000000F"), {}, "no backup set 20200101-000000F"),
        (Request(repository=2), {}, "repository 2"),
        (Request(), {"listeners": [5433]}, "port 5433 is taken"),
        (Request(port=5432), {}, "port 5432 is taken"),
        (
            Request(),
            {"mounts": {"/mnt/data": {"free": 40 * GB, "size": 250 * GB}}},
            "too little space",
        ),
        (Request(), {"mounts": {}}, "nothing is mounted at /mnt/data"),
        (
            Request(),
            {
                "texts": {
                    f"{FOLDER}/request.json": json.dumps(ASKED | {"type": "immediate"}),
                    f"{FOLDER}/reached.json": "{}",
                }
            },
            "another request",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_a_way_out(
    declaration: Declaration,
    sees: Callable[..., None],
    request_: Request,
    seen: Mapping[str, Any],
    words: str,
) -> None:
    sees(**seen)
    with pytest.raises(RefusedError, match=words) as caught:
        restore.plan(declaration, request_)
    assert caught.value.hint


def test_a_restore_that_was_cut_short_is_no_obstacle(
    declaration: Declaration, sees: Callable[..., None]
) -> None:
    sees(
        texts={f"{FOLDER}/request.json": json.dumps(ASKED | {"type": "immediate"})},
        listeners=[5433],
        units={restore.UNIT: {"ActiveState": "active"}},
    )
    assert not restore.plan(declaration, Request()).done


def test_the_same_request_is_done_already_however_full_the_disk_is_now(
    declaration: Declaration, sees: Callable[..., None]
) -> None:
    sees(
        texts={f"{FOLDER}/request.json": json.dumps(ASKED), f"{FOLDER}/reached.json": "{}"},
        listeners=[5433],
        mounts={"/mnt/data": {"free": GB, "size": 250 * GB}},
    )
    planned = restore.plan(declaration, Request())
    assert planned.done
    assert planned.report.summary.startswith("restored already")


def test_a_repository_that_does_not_answer_is_unreachable_in_its_own_words(
    declaration: Declaration, sees: Callable[..., None]
) -> None:
    sees(backups={"error": "unable to open /etc/pgbackrest.conf"})
    with pytest.raises(UnreachableError) as caught:
        restore.plan(declaration, Request())
    assert caught.value.why == "unable to open /etc/pgbackrest.conf"


def test_a_transaction_is_sought_and_a_silent_server_has_wal_that_nobody_has(
    declaration: Declaration, sees: Callable[..., None]
) -> None:
    sees(queries={"server": {"error": "connection refused"}})
    report = restore.plan(declaration, Request("xid", "757", exclusive=True)).report
    assert [item.check for item in report.findings] == ["target", "archive"]
    assert report.exit_code == 1


def _print(table: str, rows: int) -> dict[str, Any]:
    return {
        "schema": "public",
        "table": table,
        "rows": rows,
        "hash": str(rows),
        "sums": {},
        "minima": {},
        "maxima": {},
    }


REACHED = {"lsn": "0/5000028", "time": NOW.timestamp(), "timeline": "00000002"}


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let two servers answer the comparison's questions, each by its port."""

    def answers(
        restored: Mapping[str, Any], running: Mapping[str, Any], closed: str | None = "0/5000000"
    ) -> None:
        told = {"reached": REACHED, "closed": closed and {"lsn": closed, "segment": "x"}}
        servers = {5433: restored, 5432: running}

        def probe(_: object, wanted: Mapping[str, Any], *, seconds: float) -> dict[str, Any]:
            assert seconds > 3600
            tables = servers[wanted["port"]]
            found: dict[str, Any] = {}
            for item in wanted["queries"]:
                if "error" in tables:
                    found[item["name"]] = tables
                elif item["sql"] == query("databases"):
                    found[item["name"]] = {"ok": list(tables)}
                else:
                    held = tables[item["database"]]
                    found[item["name"]] = {"error": held} if held == "no" else {"ok": held}
            texts = {path: json.dumps(told) for path in wanted["texts"]}
            return {"queries": found, "texts": texts}

        monkeypatch.setattr(shell, "probe", probe)

    return answers


def _compare(declaration: Declaration, request: Request | None = None, **how: Any) -> Any:
    asked = request or Request()
    target = parse(asked.kind, asked.text, now=NOW, zones={})
    return compare(declaration, target, port=asked.port, **how)


def test_every_table_that_differs_is_told_with_its_database(
    declaration: Declaration, both: Callable[..., None]
) -> None:
    both(
        {"desi": [_print("galaxies", 7), _print("voids", 2)], "old": [_print("t", 1)]},
        {"desi": [_print("voids", 3)], "postgres": []},
    )
    found = _compare(declaration)
    assert [
        (row["database"], row["table"], row["kind"], row["restored_rows"], row["running_rows"])
        for row in found.tables
    ] == [
        ("desi", "galaxies", "gone", 7, None),
        ("desi", "voids", "changed", 2, 3),
        ("old", "t", "gone", 1, None),
    ]
    assert [item.severity for item in found.findings] == ["ok"]


def test_one_database_is_compared_when_one_was_restored(
    declaration: Declaration, both: Callable[..., None]
) -> None:
    both(
        {"desi": [_print("galaxies", 7)], "other": "no"},
        {"desi": [], "other": [_print("t", 1)]},
    )
    found = _compare(declaration, database="desi")
    assert [row["database"] for row in found.tables] == ["desi"]
    assert [item.check for item in found.findings] == ["recovery"]


def test_a_database_that_cannot_be_read_is_named_and_the_others_are_compared(
    declaration: Declaration, both: Callable[..., None]
) -> None:
    both({"a": "no", "b": [_print("t", 1)]}, {"a": [], "b": []})
    found = _compare(declaration)
    assert [row["database"] for row in found.tables] == ["b"]
    (problem,) = [item for item in found.findings if item.is_problem]
    assert problem.what == "database a was not compared"


def test_a_server_that_does_not_answer_is_not_the_same_as_no_difference(
    declaration: Declaration, both: Callable[..., None]
) -> None:
    both({"a": []}, {"error": "connection refused"})
    found = _compare(declaration)
    assert found.tables is None
    (problem,) = [item for item in found.findings if item.is_problem]
    assert problem.why == "connection refused"


def test_a_latest_that_ends_before_what_was_written_is_a_warning(
    declaration: Declaration, both: Callable[..., None]
) -> None:
    both({}, {}, closed="0/5000029")
    assert _compare(declaration).findings[0].severity == "warning"
    both({}, {}, closed="0/5000028")
    assert _compare(declaration).findings[0].severity == "ok"
    both({}, {}, closed=None)
    assert _compare(declaration).findings[0].severity == "ok"


def test_an_earlier_target_may_end_where_it_ends(
    declaration: Declaration, both: Callable[..., None]
) -> None:
    both({}, {}, closed="0/6000000")
    found = _compare(declaration, Request("time", "2026-11-24 08:12Z"))
    assert found.findings[0].severity == "ok"


def test_the_report_tells_what_came_of_it_and_what_comes_next(
    declaration: Declaration, sees: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    sees()
    asked: dict[str, Any] = {}

    def plays(
        _: object, playbook: str, variables: Mapping[str, Any], *__: object, **how: Any
    ) -> Report:
        asked.update(variables, playbook=playbook)
        return Report("restore", "proj-pg01", how["summary"](3), data={"changed_tasks": 3})

    row = {
        "database": "desi", "schema": "public", "table": "galaxies", "kind": "gone",
        "restored_rows": 7, "running_rows": None, "columns": (),
    }  # fmt: skip
    monkeypatch.setattr(restore, "play_alone", plays)
    monkeypatch.setattr(
        restore,
        "compare",
        lambda *_, **__: SimpleNamespace(reached=REACHED, tables=[row], findings=()),
    )
    watcher: Any = SimpleNamespace(say=lambda _: None)
    report = restore.restore(declaration, Request("lsn", "0/4000000"), watcher)
    assert asked == {
        "playbook": "restore",
        **{f"pgbackrest_restore_{name}": value for name, value in ASKED.items()},
        "pgbackrest_restore_type": "lsn",
        "pgbackrest_restore_target": "0/4000000",
    }
    assert report.summary == "restored to LSN 0/4000000; 1 table differs from the running server"
    assert report.data["tables"] == [row]
    assert report.data["next"]["copy back"] == (
        """sudo -u postgres pg_dump --port=5433 --table='"public"."galaxies"' desi"""
        " | sudo -u postgres psql --port=5432 desi"
    )
    assert [phase.name for phase in report.phases] == ["plan", "comparison"]


@pytest.mark.parametrize(("changed", "words"), [(3, "is gone"), (0, "was no restored instance")])
def test_a_discard_says_whether_there_was_anything(
    declaration: Declaration, monkeypatch: pytest.MonkeyPatch, changed: int, words: str
) -> None:
    def plays(_: object, __: str, variables: Mapping[str, Any], *___: object, **how: Any) -> Report:
        assert variables == {"pgbackrest_restore_state": "absent"}
        return Report("restore", "proj-pg01", how["summary"](changed))

    monkeypatch.setattr(restore, "play_alone", plays)
    watcher: Any = SimpleNamespace()
    assert words in restore.discard(declaration, watcher).summary


def test_the_zones_are_those_of_the_server_and_of_this_machine(declaration: Declaration) -> None:
    assert list(restore.zones(declaration)) == ["the server", "this machine"]
    unknown = declaration.server.postgresql.model_copy(update={"timezone": "Nowhere/At-all"})
    server = declaration.server.model_copy(update={"postgresql": unknown})
    assert list(restore.zones(replace(declaration, machine=server))) == ["this machine"]
