"""Whether a drill or a restore will find room is known before anybody asks for one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from labdb.adapters.inventory import load
from labdb.domain.recovery import destination
from labdb.domain.recovery.space import must_fit, restored
from labdb.domain.second_copy import copy_finding, largest_data, smallest_disk
from labdb.domain.tuning import Inputs
from labdb.domain.tuning.inputs import Load, Machine
from labdb.domain.tuning.space import lasting
from labdb.errors import RefusedError
from labdb.spec import Server, WorkloadKind

SERVER = load(Path(__file__).parents[3] / "inventories" / "production", "proj-pg01").server
GB = 1 << 30


def _server(data: str, disk: str = "250GB", **backup: Any) -> Server:
    wanted = SERVER.model_dump(mode="json", exclude={"backup": {"drill"}})
    wanted["workload"]["expected_data"] = data
    wanted["storage"]["data"]["size"] = disk
    wanted["backup"] |= backup
    return Server.model_validate(wanted)


def _inputs(disk: int, data: int) -> Inputs:
    machine = Machine(cores=8, memory=64 * GB, disk=disk * GB, backup_disk=500 * GB)
    return Inputs(machine, Load(WorkloadKind.MIXED, connections=100, analysts=4, data=data * GB))


def test_the_lab_s_disk_has_room_and_says_until_when() -> None:
    found = copy_finding(SERVER)
    assert found.severity == "ok"
    assert found.what == (
        "drills and restores fit until the databases hold 89.0 GB; beside a copy that is kept, "
        "until 58.7 GB"
    )


def test_data_of_which_no_second_copy_fits_are_a_warning_with_the_way_out() -> None:
    found = copy_finding(_server("100GB"))
    assert (found.severity, found.check) == ("warning", "space.copy")
    assert "until the databases hold 89.0 GB, and 100.0 GB are expected" in found.what
    assert "a second copy 102.0 GB" in found.why
    assert "storage.data.size: 275GB" in found.hint
    assert copy_finding(_server("100GB", "275GB")).severity == "ok"


def test_a_drill_that_is_written_down_and_cannot_be_made_is_refused() -> None:
    drill = {"cpu_percent": 50}
    assert copy_finding(_server("100GB", drill=drill)).severity == "critical"
    assert copy_finding(_server("60GB", drill=drill)).severity == "ok"


def _fits(inputs: Inputs, data: int) -> bool:
    """Tell whether a restore would be begun, by the rule of the restore itself."""
    disk = inputs.machine.disk
    rest = sum(line.size for line in lasting(inputs)) - inputs.load.data
    try:
        must_fit(restored(data), destination.space(disk - rest - data, disk))
    except RefusedError:
        return False
    return True


@given(disk=st.integers(20, 8000), data=st.integers(1, 8000))
def test_the_limit_is_where_a_restore_would_begin_to_refuse(disk: int, data: int) -> None:
    inputs = _inputs(disk, data)
    most = largest_data(inputs)
    assert most == 0 or _fits(inputs, most)
    assert not _fits(inputs, most + 2)


@given(disk=st.integers(20, 8000), more=st.integers(0, 2000), data=st.integers(1, 4000))
def test_a_larger_disk_never_holds_less(disk: int, more: int, data: int) -> None:
    # Less than a step of max_wal_size, which comes in whole GB and counts twice.
    assert largest_data(_inputs(disk, data)) < largest_data(_inputs(disk + more, data)) + GB


@given(disk=st.integers(20, 8000), data=st.integers(1, 4000))
def test_each_further_copy_leaves_less_to_the_data(disk: int, data: int) -> None:
    sizes = [largest_data(_inputs(disk, data), copies) for copies in (1, 2, 3)]
    assert sizes == sorted(sizes, reverse=True)


@given(disk=st.integers(20, 4000), data=st.integers(1, 4000))
def test_the_disk_that_is_named_holds_the_data_and_a_copy(disk: int, data: int) -> None:
    inputs = _inputs(disk, data)
    size = smallest_disk(inputs)
    assert size >= inputs.machine.disk
    assert size % GB == 0
    named = replace(inputs, machine=replace(inputs.machine, disk=size))
    assert largest_data(named) >= inputs.load.data
