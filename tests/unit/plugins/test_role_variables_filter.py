"""Playbooks get what the command line gets, and an error that a person can act on."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from labdb.domain.variables import role_variables
from labdb.plugins.filter.labdb import FilterModule, labdb_role_variables
from labdb.spec import Environment, Server

LAB = Path(__file__).parents[3] / "inventories" / "lab"


def _read(path: str, key: str) -> Any:
    return yaml.safe_load((LAB / path).read_text(encoding="utf-8"))[key]


def _server() -> Any:
    return _read("host_vars/proj-pg01/server.yml", "labdb_server")


def _environment() -> Any:
    return _read("group_vars/all/environment.yml", "labdb_environment")


def _plain(value: Any) -> bool:
    if type(value) is dict:
        return all(type(key) is str and _plain(item) for key, item in value.items())
    if type(value) is list:
        return all(_plain(item) for item in value)
    return value is None or type(value) in (str, int, float, bool)


def test_the_filter_gives_what_the_function_gives() -> None:
    expected = role_variables(
        Server.model_validate(_server()), Environment.model_validate(_environment())
    )
    assert labdb_role_variables(_server(), _environment()) == expected


def test_values_that_ansible_tagged_become_plain() -> None:
    loader = DataLoader()
    variables = {
        "labdb_server": loader.load_from_file(str(LAB / "host_vars/proj-pg01/server.yml"))[
            "labdb_server"
        ],
        "labdb_environment": loader.load_from_file(str(LAB / "group_vars/all/environment.yml"))[
            "labdb_environment"
        ],
    }
    templar = Templar(loader=loader, variables=variables)
    tagged = [templar.template(trust_as_template(f"{{{{ {name} }}}}")) for name in variables]
    given = labdb_role_variables(variables["labdb_server"], variables["labdb_environment"])
    assert _plain(given)
    assert given == labdb_role_variables(*tagged)


def test_a_misspelt_key_is_named_with_the_nearest_one() -> None:
    server = _server()
    server["workload"]["max_conections"] = 5
    with pytest.raises(AnsibleFilterError) as caught:
        labdb_role_variables(server, _environment())
    said = str(caught.value)
    assert "labdb_server.workload.max_conections: is not a key that labdb knows" in said
    assert "did you mean max_connections?" in said
    assert "pydantic" not in said


def test_a_refusal_of_the_tuning_keeps_its_ways_out() -> None:
    server = _server()
    server["workload"] |= {"max_connections": 2000, "analytic_sessions": 100}
    with pytest.raises(AnsibleFilterError, match=r"workload\.max_connections"):
        labdb_role_variables(server, _environment())


def test_a_value_that_is_not_data_is_a_clean_error() -> None:
    server = _server() | {"name": object()}
    with pytest.raises(AnsibleFilterError, match="labdb_server"):
        labdb_role_variables(server, _environment())


def test_the_filter_is_registered_by_its_name() -> None:
    assert FilterModule().filters() == {"labdb_role_variables": labdb_role_variables}
