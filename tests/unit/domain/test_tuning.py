"""The computed parameters keep their promises for every machine somebody may declare."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from labdb.domain.parameters import lookup
from labdb.domain.tuning import Tuning, tune
from labdb.domain.variables import postgresql_parameters
from labdb.errors import DeclarationError
from labdb.size import format_size, parse_size
from labdb.spec import Server, WorkloadKind

TOP = Path(__file__).parents[3]
GB = 1 << 30
MACHINES = st.fixed_dictionaries(
    {
        "cores": st.integers(1, 128),
        "memory": st.integers(1, 1024),
        "kind": st.sampled_from([kind.value for kind in WorkloadKind]),
        "connections": st.integers(10, 2000),
        "sessions": st.integers(1, 100),
        "disk": st.sampled_from(["nvme", "ssd", "hdd"]),
    }
)


def _declared() -> dict[str, Any]:
    path = TOP / "inventories/production/host_vars/proj-pg01/server.yml"
    server: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))["labdb_server"]
    return server


def _server(machine: dict[str, Any]) -> Server:
    wanted = _declared()
    wanted["guest"]["cpu"]["cores"] = machine["cores"]
    wanted["guest"]["memory"] = f"{machine['memory']}GB"
    wanted["storage"]["kind"] = machine["disk"]
    wanted["workload"] |= {
        "kind": machine["kind"],
        "max_connections": machine["connections"],
        "analytic_sessions": machine["sessions"],
    }
    return Server.model_validate(wanted)


def _tuned(machine: dict[str, Any]) -> Tuning | None:
    try:
        return tune(_server(machine))
    except DeclarationError:
        return None


def _value(tuning: Tuning, name: str) -> str:
    return next(setting.value for setting in tuning.settings if setting.name == name)


@given(MACHINES)
def test_the_memory_budget_holds(machine: dict[str, Any]) -> None:
    tuning = _tuned(machine)
    if tuning is not None:
        assert sum(line.size for line in tuning.budget) <= machine["memory"] * GB
        assert all(line.size >= 0 for line in tuning.budget)


@given(MACHINES)
def test_every_value_is_one_that_postgresql_takes(machine: dict[str, Any]) -> None:
    tuning = _tuned(machine)
    if tuning is None:
        return
    for setting in tuning.settings:
        lookup(setting.name, 16).parse(setting.value)
    for settings in tuning.roles.values():
        for name, value in settings.items():
            parameter = lookup(name, 16)
            parameter.parse(value)
            assert parameter.context in ("user", "superuser"), f"{name} cannot be set for a role"


@given(MACHINES)
def test_the_same_declaration_gives_the_same_parameters(machine: dict[str, Any]) -> None:
    assert _tuned(machine) == _tuned(machine)


@given(MACHINES)
def test_more_memory_never_gives_less_cache(machine: dict[str, Any]) -> None:
    small, large = _tuned(machine), _tuned(machine | {"memory": machine["memory"] * 2})
    if small is not None:
        assert large is not None
        for name in ("shared_buffers", "effective_cache_size", "maintenance_work_mem"):
            assert parse_size(_value(large, name)) >= parse_size(_value(small, name))
        assert parse_size(large.roles["analyst"]["work_mem"]) >= parse_size(
            small.roles["analyst"]["work_mem"]
        )


def test_every_value_has_a_reason() -> None:
    for parameter in postgresql_parameters(Server.model_validate(_declared())):
        assert parameter.reason, parameter.name


def test_two_hundred_analysts_on_8_gb_are_refused_with_ways_out() -> None:
    wanted = _declared()
    wanted["workload"] |= {"max_connections": 400, "analytic_sessions": 200}
    with pytest.raises(DeclarationError) as caught:
        tune(Server.model_validate(wanted))
    assert "do not fit 8GB of memory" in caught.value.what
    for way in ("max_connections", "analytic_sessions", "memory"):
        assert way in caught.value.hint


def test_the_lab_s_own_server_gets_the_known_values() -> None:
    tuning = tune(Server.model_validate(_declared()))
    assert _value(tuning, "shared_buffers") == "2GB"
    assert _value(tuning, "random_page_cost") == "1.1"
    assert _value(tuning, "max_parallel_workers") == "8"
    assert _value(tuning, "max_wal_size") == "9GB"
    assert 64 << 20 <= parse_size(tuning.roles["analyst"]["work_mem"]) <= 128 << 20


def test_wal_is_sized_by_the_recovery_goal_and_not_by_the_disk() -> None:
    wanted = _declared()
    wanted["storage"]["data"]["size"] = "4TB"
    large = tune(Server.model_validate(wanted))
    assert _value(large, "max_wal_size") == _value(
        tune(Server.model_validate(_declared())), "max_wal_size"
    )


@given(st.integers(1, 1 << 50))
def test_sizes_survive_being_written_and_read(size: int) -> None:
    assert parse_size(format_size(size)) == size
