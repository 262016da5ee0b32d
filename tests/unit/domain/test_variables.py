"""Overrides are checked, the client table has one meaning, and no secret passes through."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from labdb.domain.access import firewall_rules, hba_rows, logins, proxmox_rules
from labdb.domain.parameters import lookup
from labdb.domain.tuning import Inputs, tune
from labdb.domain.variables import postgresql_parameters, role_variables
from labdb.errors import DeclarationError
from labdb.size import parse_size
from labdb.spec import Environment, Server

TOP = Path(__file__).parents[3]


def _declared() -> dict[str, Any]:
    path = TOP / "inventories/production/host_vars/proj-pg01/server.yml"
    server: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))["labdb_server"]
    return server


def _with(parameters: dict[str, Any]) -> Server:
    wanted = _declared()
    wanted["postgresql"]["parameters"] = parameters
    return Server.model_validate(wanted)


def test_an_override_wins_and_says_so() -> None:
    found = {item.name: item for item in postgresql_parameters(_with({"work_mem": "5MB"}))}
    assert found["work_mem"].value == "5MB"
    assert "declared" in found["work_mem"].reason


@pytest.mark.parametrize("major", [16, 17, 18])
def test_every_major_version_takes_every_computed_value(major: int) -> None:
    wanted = _declared()
    wanted["postgresql"]["major"] = major
    for item in postgresql_parameters(Server.model_validate(wanted)):
        parameter = lookup(item.name, major)
        parameter.parse(item.value)
        assert item.context == parameter.context


def test_a_parameter_of_a_later_major_version_is_unknown_to_an_earlier_one() -> None:
    with pytest.raises(DeclarationError, match="PostgreSQL 16 has no such parameter"):
        postgresql_parameters(_with({"io_workers": 3}))


def test_an_unknown_parameter_names_the_nearest_one() -> None:
    with pytest.raises(DeclarationError) as caught:
        postgresql_parameters(_with({"shared_bufers": "2GB"}))
    assert "did you mean shared_buffers" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "value"),
    [("work_mem", "8gb"), ("random_page_cost", -1), ("wal_level", "much"), ("jit", "perhaps")],
)
def test_a_value_that_postgresql_would_not_take_is_refused(name: str, value: object) -> None:
    with pytest.raises(DeclarationError, match=rf"postgresql\.parameters\.{name}"):
        postgresql_parameters(_with({name: value}))


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("port", 5433, "postgresql.port"),
        ("listen_addresses", "*", "guest.network.address"),
        ("max_connections", 500, "workload.max_connections"),
        ("timezone", "CET", "postgresql.timezone"),
    ],
)
def test_what_is_declared_elsewhere_is_not_an_override(name: str, value: object, hint: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        postgresql_parameters(_with({name: value}))
    assert caught.value.hint == f"declare {hint}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ssl", False),
        ("ssl_min_protocol_version", "TLSv1"),
        ("password_encryption", "md5"),
        ("fsync", False),
        ("full_page_writes", "off"),
        ("wal_level", "minimal"),
        ("archive_command", "true"),
        ("hba_file", "/tmp/open"),
    ],
)
def test_an_override_cannot_open_the_server_or_lose_its_data(name: str, value: object) -> None:
    with pytest.raises(DeclarationError) as caught:
        postgresql_parameters(_with({name: value}))
    assert caught.value.what.startswith(f"postgresql.parameters.{name}: ")
    assert caught.value.why


@pytest.mark.parametrize(
    ("name", "value"),
    [("work_mem", "256MB"), ("shared_buffers", "6GB"), ("temp_buffers", "64MB")],
)
def test_an_override_that_does_not_fit_the_memory_is_refused(name: str, value: str) -> None:
    with pytest.raises(DeclarationError, match="do not fit 8GB") as caught:
        postgresql_parameters(_with({name: value}))
    assert f"smaller postgresql.parameters ({name})" in caught.value.hint


def test_an_override_of_shared_buffers_leaves_less_to_the_analysts() -> None:
    computed = tune(Inputs.of(_with({}))).roles["analyst"]["work_mem"]
    declared = tune(Inputs.of(_with({"shared_buffers": "3328MB"}))).roles["analyst"]["work_mem"]
    assert parse_size(declared) < parse_size(computed)


def test_every_network_row_of_hba_needs_tls_and_scram_and_the_rest_is_rejected() -> None:
    rows = [row for row in hba_rows(Server.model_validate(_declared())) if row.type != "local"]
    accepted = [row for row in rows if row.method != "reject"]
    assert accepted
    assert {(row.type, row.method) for row in accepted} == {("hostssl", "scram-sha-256")}
    assert [row.method for row in rows[-2:]] == ["reject", "reject"]


def test_the_superuser_and_the_exporter_never_come_over_the_network() -> None:
    wanted = _declared()
    wanted["access"]["clients"] = [
        {"name": "all", "network": "10.25.20.0/24", "databases": ["all"], "roles": ["all"]}
    ]
    rows = [row for row in hba_rows(Server.model_validate(wanted)) if row.type != "local"]
    first = rows[0]
    assert (first.user, first.method) == ("postgres,postgres_exporter", "reject")
    assert [row.method for row in rows[:2]] == ["reject", "reject"]


def test_the_client_table_says_who_may_log_in_from_where() -> None:
    server = Server.model_validate(_declared())
    projects, management = logins(server, "10.25.20.3"), logins(server, "10.25.10.7")
    assert projects[0] == ("desi_void_desivast", "desi_dev")
    assert {role for _, role in projects} == {"desi_dev", "desi_loader", "desi_analyst"}
    assert {role for _, role in management} == {"desi_dev", "clusteradmin_pg01"}
    assert {database for database, _ in management} == {
        "desi_void_desivast",
        "desi_void_fastspecfit",
    }
    assert logins(server, "10.25.30.3") == ()


def test_ssh_comes_first_in_the_firewall() -> None:
    assert firewall_rules(Server.model_validate(_declared()))[0]["port"] == 22


def test_both_firewalls_open_the_same_ports_to_the_same_networks() -> None:
    server = Server.model_validate(_declared())
    inside = {
        (rule["port"], source) for rule in firewall_rules(server) for source in rule["sources"]
    }
    outside = {(rule["port"], rule["source"]) for rule in proxmox_rules(server)}
    assert inside == outside


def test_exporters_answer_the_monitoring_host_alone() -> None:
    rules = firewall_rules(Server.model_validate(_declared()))
    exporters = [rule for rule in rules if "exporter" in rule["comment"]]
    assert len(exporters) == 3
    assert {source for rule in exporters for source in rule["sources"]} == {"10.25.20.9/32"}


def test_role_variables_are_plain_json() -> None:
    environment = Environment.model_validate(
        yaml.safe_load(
            (TOP / "inventories/production/group_vars/all/environment.yml").read_text("utf-8")
        )["labdb_environment"]
    )
    variables = role_variables(Server.model_validate(_declared()), environment)
    assert json.loads(json.dumps(variables)) == variables
    assert not [name for name in variables if "pass" in name or "private" in name]
