"""Progress goes to standard error: one line a task in a pipe."""

import re

import pytest

from labdb.cli.watch import Watch
from labdb.events import RunFinished, TaskFinished, TaskStarted
from labdb.report import Report


def _play(watch: Watch) -> None:
    watch.expect(2)
    watch.see(TaskStarted(1, "postgresql", "Install packages"))
    watch.see(TaskFinished("pg01", "postgresql", "Install packages", "changed", 12.3))
    watch.see(TaskStarted(2, "postgresql", "Start it"))
    watch.see(TaskFinished("pg01", "postgresql", "Start it", "failed", 0.5, "[because] it broke"))
    watch.see(RunFinished("failed", 2, 13.0))


def test_a_pipe_gets_one_line_a_task(capsys: pytest.CaptureFixture[str]) -> None:
    with Watch() as watch:
        _play(watch)
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = shown.err.splitlines()
    assert len(lines) == 2
    assert re.search(r"changed +postgresql: Install packages \(12\.3 s\)", lines[0])
    assert re.search(r"failed +postgresql: Start it", lines[1])


def test_verbose_adds_what_the_task_said_word_for_word(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Watch(verbose=1) as watch:
        _play(watch)
    assert "[because] it broke" in capsys.readouterr().err


def test_a_plan_without_changes_needs_no_agreement() -> None:
    assert Watch(quiet=True).agrees(Report("plan", "pg01", "nothing to do"))
