"""The computed parameters keep their promises for every machine somebody may declare."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from labdb.domain.memory_finding import memory_findings
from labdb.domain.parameters import MEMORY, lookup
from labdb.domain.tuning import Inputs, Tuning, tune
from labdb.domain.tuning.budget import MERGE_BUFFER
from labdb.domain.tuning.inputs import Load, Machine
from labdb.domain.variables import postgresql_parameters
from labdb.errors import DeclarationError
from labdb.size import format_size, parse_size
from labdb.spec import Server, WorkloadKind

TOP = Path(__file__).parents[3]
GB = 1 << 30
MACHINES = st.builds(
    Machine,
    cores=st.integers(1, 128),
    memory=st.integers(1, 1024).map(lambda size: size * GB),
    disk=st.integers(20, 8000).map(lambda size: size * GB),
    medium=st.sampled_from(["nvme", "ssd", "hdd"]),
    wal_disk=st.none() | st.integers(10, 500).map(lambda size: size * GB),
)
LOADS = st.builds(
    Load,
    kind=st.sampled_from(list(WorkloadKind)),
    connections=st.integers(1, 2000),
    analysts=st.integers(1, 100),
    data=st.integers(1, 4000).map(lambda size: size * GB),
    wal_rate=st.none() | st.integers(1 << 10, 1 << 30),
    recovery=st.integers(30, 3600),
)
INPUTS = st.builds(Inputs, machine=MACHINES, load=LOADS, major=st.sampled_from([16, 17, 18]))


def _declared() -> dict[str, Any]:
    path = TOP / "inventories/production/host_vars/proj-pg01/server.yml"
    server: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))["labdb_server"]
    return server


def _inputs(**workload: Any) -> Inputs:
    wanted = _declared()
    wanted["workload"] |= workload
    return Inputs.of(Server.model_validate(wanted))


def _tuned(inputs: Inputs) -> Tuning | None:
    try:
        return tune(inputs)
    except DeclarationError:
        return None


def _value(tuning: Tuning, name: str) -> str:
    return next(setting.value for setting in tuning.settings if setting.name == name)


def _amount(tuning: Tuning, name: str) -> float:
    parameter = lookup(name, 16)
    number = parameter.parse(_value(tuning, name))
    assert not isinstance(number, str)
    return number * MEMORY.get(parameter.unit, 1)


@given(INPUTS)
def test_the_memory_budget_holds(inputs: Inputs) -> None:
    tuning = _tuned(inputs)
    if tuning is not None:
        assert tuning.budget.total <= inputs.machine.memory
        assert tuning.budget.missing == 0
        assert all(line.size >= 0 for line in tuning.budget.lines)


@given(INPUTS)
def test_the_budget_counts_what_the_parameters_say(inputs: Inputs) -> None:
    tuning = _tuned(inputs)
    if tuning is None:
        return
    lines = {line.name: line.size for line in tuning.budget.lines}
    multiplier = _amount(tuning, "hash_mem_multiplier")
    assert lines["shared_buffers"] == _amount(tuning, "shared_buffers")
    assert lines["maintenance"] == _amount(tuning, "maintenance_work_mem")
    assert lines["autovacuum"] == _amount(tuning, "autovacuum_work_mem") * _amount(
        tuning, "autovacuum_max_workers"
    )
    assert lines["plain sessions"] == inputs.load.plain * (
        _amount(tuning, "work_mem") * multiplier + _amount(tuning, "temp_buffers")
    )
    processes = inputs.load.analysts + _amount(tuning, "max_parallel_workers")
    work_mem = parse_size(tuning.roles["analyst"]["work_mem"])
    hashes = float(tuning.roles["analyst"]["hash_mem_multiplier"])
    assert lines["analysts"] == processes * work_mem * hashes


@given(INPUTS)
def test_the_largest_sort_is_merged_at_once_or_the_memory_does_not_allow_it(inputs: Inputs) -> None:
    tuning = _tuned(inputs)
    if tuning is None:
        return
    work_mem = parse_size(tuning.roles["analyst"]["work_mem"])
    runs = parse_size(tuning.roles["analyst"]["temp_file_limit"]) / work_mem
    step = 1 << 20
    merged_at_once = runs * MERGE_BUFFER <= work_mem + 2 * step
    processes = inputs.load.analysts + _amount(tuning, "max_parallel_workers")
    room_for_more = inputs.machine.memory - tuning.budget.total > processes * 2 * step
    assert merged_at_once or not room_for_more


@given(INPUTS)
def test_every_value_is_one_that_postgresql_takes(inputs: Inputs) -> None:
    tuning = _tuned(inputs)
    if tuning is None:
        return
    for setting in tuning.settings:
        lookup(setting.name, inputs.major).parse(setting.value)
    for settings in tuning.roles.values():
        for name, value in settings.items():
            parameter = lookup(name, inputs.major)
            parameter.parse(value)
            assert parameter.context in ("user", "superuser"), f"{name} cannot be set for a role"


@given(INPUTS)
def test_the_same_declaration_gives_the_same_parameters(inputs: Inputs) -> None:
    assert _tuned(inputs) == _tuned(inputs)


@given(INPUTS)
def test_more_memory_never_gives_less_cache(inputs: Inputs) -> None:
    machine = inputs.machine
    twice = Machine(
        machine.cores, machine.memory * 2, machine.disk, machine.medium, machine.wal_disk
    )
    small, large = _tuned(inputs), _tuned(Inputs(twice, inputs.load, inputs.major))
    if small is not None:
        assert large is not None
        for name in ("shared_buffers", "effective_cache_size", "maintenance_work_mem"):
            assert _amount(large, name) >= _amount(small, name)
        assert parse_size(large.roles["analyst"]["work_mem"]) >= parse_size(
            small.roles["analyst"]["work_mem"]
        )


@given(INPUTS)
def test_the_risk_is_taken_only_when_it_is_accepted_and_then_it_is_told(inputs: Inputs) -> None:
    accepted = tune(replace(inputs, accept_risk=True))
    assert (accepted.budget.missing > 0) == (_tuned(inputs) is None)


def test_about_sixty_parameters_are_computed_each_with_reason_and_source() -> None:
    settings = tune(_inputs()).settings
    assert len(settings) >= 55
    for setting in settings:
        assert setting.reason, setting.name
        assert setting.source, setting.name


def test_every_setting_of_a_role_has_reason_and_source() -> None:
    for settings in tune(_inputs()).role_settings.values():
        for setting in settings:
            assert setting.reason, setting.name
            assert setting.source, setting.name


@given(INPUTS)
def test_temporary_files_of_analysts_and_workers_have_room_on_the_disk(inputs: Inputs) -> None:
    tuning = _tuned(inputs)
    if tuning is None:
        return
    processes = inputs.load.analysts + _amount(tuning, "max_parallel_workers")
    limit = parse_size(tuning.roles["analyst"]["temp_file_limit"])
    assert limit == GB or processes * limit <= inputs.machine.disk


def test_every_parameter_of_the_file_has_a_reason() -> None:
    for parameter in postgresql_parameters(Server.model_validate(_declared())):
        assert parameter.reason, parameter.name


def test_two_hundred_analysts_on_8_gb_are_refused_with_ways_out() -> None:
    with pytest.raises(DeclarationError) as caught:
        tune(_inputs(max_connections=400, analytic_sessions=200))
    assert "do not fit 8GB of memory" in caught.value.what
    for way in ("max_connections", "analytic_sessions", "memory"):
        assert way in caught.value.hint


def test_a_parameter_set_by_hand_that_breaks_the_budget_is_refused_by_name() -> None:
    wanted = _declared()
    wanted["postgresql"]["parameters"] = {"work_mem": "256MB"}
    inputs = Inputs.of(Server.model_validate(wanted))
    with pytest.raises(DeclarationError, match="work_mem"):
        tune(inputs)
    assert tune(replace(inputs, accept_risk=True)).budget.missing > 40 * GB


def test_the_lab_s_own_server_gets_the_known_values() -> None:
    tuning = tune(_inputs())
    assert _value(tuning, "shared_buffers") == "2GB"
    assert _value(tuning, "random_page_cost") == "1.5"
    assert _value(tuning, "max_parallel_workers") == "8"
    assert _value(tuning, "max_wal_size") == "18GB"
    assert tuning.roles["analyst"]["work_mem"] == "46MB"
    assert tuning.roles["analyst"]["hash_mem_multiplier"] == "1.0"


def test_fifty_analysts_among_two_hundred_connections_fit_8_gb() -> None:
    tuning = tune(_inputs(max_connections=200, analytic_sessions=50))
    assert parse_size(tuning.roles["analyst"]["work_mem"]) > _amount(tuning, "work_mem")


def test_wal_is_sized_by_the_recovery_goal_and_not_by_the_disk() -> None:
    wanted = _declared()
    wanted["storage"]["data"]["size"] = "4TB"
    large = tune(Inputs.of(Server.model_validate(wanted)))
    assert _value(large, "max_wal_size") == _value(tune(_inputs()), "max_wal_size")
    assert _amount(tune(_inputs(crash_recovery_seconds=60)), "max_wal_size") == 6 * GB


def test_a_server_that_writes_little_wal_keeps_little_of_it() -> None:
    assert _amount(tune(_inputs(wal_rate="1MB")), "max_wal_size") == 1 * GB
    assert _amount(tune(_inputs(wal_rate="3MB")), "max_wal_size") == 5 * GB


@given(st.integers(1, 1 << 50))
def test_sizes_survive_being_written_and_read(size: int) -> None:
    assert parse_size(format_size(size)) == size


def test_more_analysts_than_connections_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="need as many connections"):
        _inputs(max_connections=10, analytic_sessions=20)


def test_a_risk_may_be_accepted_in_the_declaration() -> None:
    wanted = _declared()
    wanted["postgresql"] |= {"parameters": {"work_mem": "256MB"}, "accept_risk": True}
    budget = tune(Inputs.of(Server.model_validate(wanted))).budget
    (finding,) = memory_findings(budget)
    assert "the risk was accepted" in finding.what
