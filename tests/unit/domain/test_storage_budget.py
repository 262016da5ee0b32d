"""A volume that will be too small is known before it is full."""

from pathlib import Path
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from labdb.domain.storage_budget import backup_budget, storage_findings
from labdb.domain.tuning import Inputs
from labdb.domain.tuning.space import data_budget, largest_wal, temp_file_limit
from labdb.spec import Server

TOP = Path(__file__).parents[3]
GB = 1 << 30
WEEKLY = "Sun *-*-* 02:00:00"


def _server(**changes: Any) -> Server:
    path = TOP / "inventories/production/host_vars/proj-pg01/server.yml"
    wanted: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))["labdb_server"]
    for key, value in changes.items():
        part = wanted
        *above, last = key.split("__")
        for name in above:
            part = part[name]
        part[last] = value
    return Server.model_validate(wanted)


def test_the_lab_s_data_fit_its_data_disk() -> None:
    assert data_budget(Inputs.of(_server())).fits
    assert "space.data" not in [item.check for item in storage_findings(_server())]


def test_thirty_daily_full_backups_do_not_fit_the_backup_volume() -> None:
    (finding,) = storage_findings(_server(backup__schedule__full="*-*-* 02:00:00"))
    assert finding.check == "space.backup"
    assert finding.severity == "warning"
    assert "backup.schedule.full" in finding.hint


def test_weekly_full_backups_fit_it() -> None:
    assert backup_budget(_server(backup__schedule__full=WEEKLY)).fits
    assert storage_findings(_server(backup__schedule__full=WEEKLY)) == ()


def test_more_data_than_the_disk_is_a_finding() -> None:
    findings = storage_findings(_server(workload__expected_data="200GB"))
    assert "space.data" in [item.check for item in findings]


@given(disk=st.integers(20, 4000), data=st.integers(1, 4000), sessions=st.integers(1, 100))
def test_temporary_files_take_only_the_room_that_is_left(
    disk: int, data: int, sessions: int
) -> None:
    server = _server(
        storage__data__size=f"{disk}GB",
        workload__expected_data=f"{data}GB",
        workload__analytic_sessions=sessions,
    )
    inputs = Inputs.of(server)
    budget = data_budget(inputs)
    assert budget.fits or temp_file_limit(inputs) == GB
    assert temp_file_limit(inputs) <= max(GB, inputs.machine.disk // 8)
    room = inputs.machine.disk - inputs.load.data
    assert GB <= largest_wal(inputs) <= max(GB, room // 4)
