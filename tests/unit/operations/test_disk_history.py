"""What a look leaves behind: a history long enough to tell days, however often one looks."""

from pathlib import Path

import pytest

from labdb.adapters import rundir
from labdb.adapters.inventory import Declaration, load
from labdb.domain.capacity import Sample, days_to_full
from labdb.operations.disk_history import remember

LAB = Path(__file__).parents[3] / "inventories" / "lab"
HOUR, DAY, GB = 3600.0, 86400.0, 1 << 30


@pytest.fixture
def declaration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Declaration:
    monkeypatch.setenv("LABDB_STATE", str(tmp_path))
    return load(LAB, "proj-pg01")


def _look(declaration: Declaration, now: float, used: float) -> list[Sample]:
    mounts = {"/mnt/data": {"used": int(used), "size": 250 * GB}}
    return remember(declaration, {"system": {"now": now}, "mounts": mounts})["/mnt/data"]


def test_a_look_every_five_minutes_does_not_push_yesterday_out(declaration: Declaration) -> None:
    for number in range(0, int(2 * DAY), 300):
        history = _look(declaration, number, 10 * GB + number * GB / DAY)
    assert len(history) < 60
    assert history[0].time == 0
    found = days_to_full(history)
    assert found == pytest.approx(238, abs=1)


def test_the_newest_look_always_counts(declaration: Declaration) -> None:
    _look(declaration, 0, GB)
    _look(declaration, 30, 2 * GB)
    assert _look(declaration, 60, 3 * GB)[-1].used == 3 * GB


def test_a_line_that_a_full_disk_cut_off_is_left_out(declaration: Declaration) -> None:
    _look(declaration, 0, GB)
    path = rundir.server_dir("lab", "proj-pg01") / "disks.jsonl"
    path.write_text(path.read_text(encoding="utf-8") + '{"time": 3', encoding="utf-8")
    assert [sample.time for sample in _look(declaration, HOUR, GB)] == [0, HOUR]


def test_looks_of_a_clock_that_ran_ahead_are_forgotten(declaration: Declaration) -> None:
    _look(declaration, 0, GB)
    _look(declaration, 400 * DAY, 2 * GB)
    assert [sample.time for sample in _look(declaration, DAY, 2 * GB)] == [0, DAY]
