"""A report reads well, says everything, and keeps to plain text where colour is not wanted."""

import io
import json
from dataclasses import asdict, replace

import pytest
from rich.console import Console

from labdb.cli import render
from labdb.report import Change, Difference, Effect, Finding, Phase, Report

REPORT = Report(
    command="plan",
    server="proj-pg01",
    summary="2 changes: 1 live, 1 restart",
    changes=(
        Change("guest", "protection", "0", "1", Effect.LIVE),
        Change("parameter", "max_connections", "100", "200", Effect.RESTART, "declared"),
    ),
    findings=(
        Finding("node", "ok", "node06 is online"),
        Finding("token", "critical", "the token lacks [VM.Audit]", "why so", "pveum acl"),
    ),
    phases=(Phase("plan", 1.25),),
)


def _text(report: Report, *, terminal: bool = False) -> str:
    out = io.StringIO()
    render.to(Console(file=out, width=120, force_terminal=terminal, highlight=False), report)
    return out.getvalue()


def test_every_change_is_shown_with_when_it_takes_effect() -> None:
    lines = _text(REPORT).splitlines()
    (parameter,) = [line for line in lines if "max_connections" in line]
    assert parameter.split() == ["parameter", "max_connections", "100", "200", "restart"]


def test_a_finding_shows_its_reason_and_remedy_and_brackets_survive() -> None:
    text = _text(REPORT)
    assert "critical the token lacks [VM.Audit]" in text
    assert "why so" in text
    assert "pveum acl" in text


def test_a_reason_of_several_lines_stays_below_what_it_is_the_reason_of() -> None:
    why = "proj-pg01 60 GB\nproj-pg02 70 GB"
    crowded = Finding("space", "warning", "too small", why, "grow it")
    assert _text(replace(REPORT, findings=(crowded,))).splitlines()[-4:] == [
        "warning  too small", "         proj-pg01 60 GB", "         proj-pg02 70 GB",
        "         grow it",
    ]  # fmt: skip


def test_a_pipe_gets_no_colour_and_a_terminal_does() -> None:
    assert "\x1b[" not in _text(REPORT)
    assert "\x1b[" in _text(REPORT, terminal=True)


def test_json_is_the_envelope_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    render.report(REPORT, as_json=True)
    answer = json.loads(capsys.readouterr().out)
    assert answer == REPORT.to_dict()
    assert answer["changes"][1]["effect"] == "restart"


def test_what_is_new_has_a_dash_for_its_past() -> None:
    report = Report(
        "plan", "x", "1", changes=(Change("disk", "scsi2", None, "500G", Effect.CREATE),)
    )
    assert _text(report).splitlines()[-1].split() == ["disk", "scsi2", "-", "500G", "create"]


def test_a_status_does_not_repeat_what_is_well() -> None:
    report = Report(
        "status", "proj-pg01", "all is well",
        findings=(Finding("disk", "ok", "/ is 5% full"),),
        data={"screen": {"postgresql": "16.15, primary"}},
    )  # fmt: skip
    text = _text(report)
    assert "16.15, primary" in text
    assert "5% full" not in text


def test_differences_are_shown_place_by_place_and_empty_places_not_at_all() -> None:
    rows = (
        Difference("parameter", "work_mem", Effect.RELOAD, "4MB", "64MB", "64MB", None, "why"),
        Difference("role x", "work_mem", Effect.NEXT_SESSION, running="1GB"),
    )
    report = Report(
        "drift",
        "proj-pg01",
        "2 differences",
        [row.change for row in rows],
        data={"differences": [asdict(row) for row in rows]},
    )
    head, first, second = _text(report).splitlines()[1:4]
    assert head.split() == [
        "what",
        "field",
        "declared",
        "file",
        "running",
        "takes",
        "effect",
        "why",
    ]
    assert first.split() == ["parameter", "work_mem", "4MB", "64MB", "64MB", "reload", "why"]
    assert second.split() == ["role", "x", "work_mem", "-", "-", "1GB", "next", "session"]


def test_what_mending_a_difference_changes_is_what_the_first_odd_place_has() -> None:
    def change(**places: str) -> tuple[str | None, str | None]:
        row = Difference("parameter", "jit", Effect.RELOAD, **places).change
        return row.before, row.after

    assert change(declared="off", file="on", running="on") == ("on", "off")
    assert change(declared="off", file="on", running="off") == ("on", "off")
    assert change(declared="8", hypervisor="4") == ("4", "8")
    assert change(running="1GB") == ("1GB", None)
    assert change(declared="loader") == (None, "loader")
