"""A report reads well, says everything, and keeps to plain text where colour is not wanted."""

import io
import json

import pytest
from rich.console import Console

from labdb.cli import render
from labdb.report import Change, Effect, Finding, Phase, Report

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
