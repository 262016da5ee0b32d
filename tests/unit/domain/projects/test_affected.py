"""What a new project concerns is found by comparing variables, never by guessing."""

from typing import Any

import pytest
import yaml
from tests.pages import TOP
from tests.unit.domain.projects.declared import environment, project, server

from labdb.domain.projects.affected import ROLES, affected
from labdb.domain.variables import role_variables


def _roles(after: dict[str, Any], **shared: Any) -> tuple[str, ...]:
    before, wanted = server(**shared), server(after, **shared)
    variables = (role_variables(item, environment()) for item in (before, wanted))
    return affected(*variables)


def test_it_knows_the_roles_of_the_playbook_in_their_order() -> None:
    plays = [
        play
        for name in ("guest", "server", "targets")
        for play in yaml.safe_load((TOP / f"playbooks/{name}.yml").read_text(encoding="utf-8"))
    ]
    roles = [item["role"] for play in plays for item in play.get("roles", ())]
    assert list(ROLES) == [role for role in roles if role != "declaration"]


@pytest.mark.parametrize("role", ROLES)
def test_each_role_can_be_run_alone_by_its_tag(role: str) -> None:
    tasks = yaml.safe_load((TOP / f"roles/{role}/tasks/main.yml").read_text(encoding="utf-8"))
    assert all(role in task["tags"] for task in tasks)


def test_where_the_network_is_open_already_clients_and_databases_are_all() -> None:
    assert _roles(project("voids")) == ("postgresql_config", "postgresql_access", "project_labels")


def test_a_further_network_is_opened_in_both_firewalls() -> None:
    found = _roles(project("voids", networks=["10.25.30.0/24"]))
    assert {"proxmox_guest", "host_firewall"} < set(found)


def test_pooler_and_exports_learn_of_it_where_there_are_any() -> None:
    found = _roles(project("voids"), pooling={}, backup={"export": {}})
    assert {"pgbouncer", "logical_export"} < set(found)


def test_an_extension_that_is_not_installed_yet_is() -> None:
    few = server().access.model_dump(mode="json") | {"extensions": ["q3c"]}
    assert "postgresql" in _roles(project("voids", profile="qso-anomalies"), access=few)


def test_nothing_is_concerned_where_nothing_changes() -> None:
    assert affected({"postgresql_port": 1}, {"postgresql_port": 1}) == ()
