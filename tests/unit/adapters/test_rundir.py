"""A run leaves its documents behind, and one run at a time works on a server."""

import json
import multiprocessing
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labdb.adapters import rundir
from labdb.errors import RefusedError
from labdb.events import RunFinished, TaskStarted

LAB, SERVER = "lab", "proj-pg01"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LABDB_STATE", str(tmp_path))
    return tmp_path


def _lock_file(state: Path) -> Path:
    return state / LAB / SERVER / "lock"


def _hold(ready: Any, done: Any) -> None:
    with rundir.lock(LAB, SERVER):
        ready.set()
        done.wait(30)


def _until(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


def test_a_run_directory_is_private_and_holds_what_was_written() -> None:
    run = rundir.new(LAB, SERVER)
    run.write("plan", {"changes": []})
    run.append(TaskStarted(1, "postgresql", "Install"))
    run.append(RunFinished("successful", 0, 1.5))
    assert stat.S_IMODE(run.path.stat().st_mode) == 0o700
    assert json.loads((run.path / "plan.json").read_text(encoding="utf-8")) == {"changes": []}
    lines = (run.path / "events.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["TaskStarted", "RunFinished"]
    assert run.run_id == run.path.name


def test_two_runs_have_two_directories() -> None:
    assert rundir.new(LAB, SERVER).path != rundir.new(LAB, SERVER).path


def test_task_counts_are_kept_for_each_playbook() -> None:
    assert rundir.last_task_count(LAB, SERVER, "provision") is None
    rundir.new(LAB, SERVER)
    rundir.remember_task_count(LAB, SERVER, "provision", 120)
    rundir.remember_task_count(LAB, SERVER, "guest", 4)
    assert rundir.last_task_count(LAB, SERVER, "provision") == 120
    assert rundir.last_task_count(LAB, SERVER, "guest") == 4


def test_a_second_run_is_refused_and_told_who_is_at_work() -> None:
    spawn = multiprocessing.get_context("spawn")
    ready, done = spawn.Event(), spawn.Event()
    holder = spawn.Process(target=_hold, args=(ready, done))
    holder.start()
    try:
        assert ready.wait(30)
        with pytest.raises(RefusedError) as caught, rundir.lock(LAB, SERVER):
            pass
        assert str(holder.pid) in caught.value.why
        assert "since 20" in caught.value.why
        with rundir.lock(LAB, "another-server"):
            pass
    finally:
        done.set()
        holder.join(30)
    with rundir.lock(LAB, SERVER):
        pass


def test_a_killed_holder_leaves_no_lock_behind() -> None:
    spawn = multiprocessing.get_context("spawn")
    ready, done = spawn.Event(), spawn.Event()
    holder = spawn.Process(target=_hold, args=(ready, done))
    holder.start()
    assert ready.wait(30)
    assert holder.pid is not None
    os.kill(holder.pid, signal.SIGKILL)
    holder.join(30)
    with rundir.lock(LAB, SERVER):
        pass


def test_the_playbook_of_a_killed_run_is_ended_first(state: Path) -> None:
    orphan = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)", "ansible-playbook"]
    )
    try:
        with rundir.lock(LAB, SERVER) as held:
            held.note_playbook(orphan.pid)
            left_behind = _lock_file(state).read_text(encoding="utf-8")
        _lock_file(state).write_text(left_behind, encoding="utf-8")
        with rundir.lock(LAB, SERVER):
            _until(lambda: orphan.poll() is not None)
    finally:
        orphan.kill()
        orphan.wait()


def test_another_process_with_the_number_of_a_playbook_is_left_alone(state: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        with rundir.lock(LAB, SERVER) as held:
            held.note_playbook(other.pid)
            left_behind = _lock_file(state).read_text(encoding="utf-8")
        _lock_file(state).write_text(left_behind, encoding="utf-8")
        with rundir.lock(LAB, SERVER):
            assert other.poll() is None
    finally:
        other.kill()
        other.wait()
