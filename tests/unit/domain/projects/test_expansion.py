"""What a project is expanded to, everywhere that roles, databases and clients are known."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.domain.projects.declared import environment, project, server

from labdb.domain.access import firewall_rules, hba_rows, logins, pooler_rows
from labdb.domain.connections import connection_limits, reserved
from labdb.domain.everybody import all_databases, all_roles, exported
from labdb.domain.pooling import pools
from labdb.domain.projects.apart import groups, may_meet, memberships
from labdb.domain.projects.limits import limits_of
from labdb.domain.projects.profiles import profile_of, profiles
from labdb.domain.role_drift import database_differences, declared_roles, role_differences
from labdb.domain.variables import EXTENSION_PACKAGES, role_variables
from labdb.errors import DeclarationError
from labdb.facts import DatabaseState, RoleState, StoredSetting
from labdb.size import parse_size
from labdb.spec import ProfileName, Server

NAMES = st.lists(
    st.from_regex(r"\A[a-z][a-z0-9]{0,10}\Z").map(lambda name: f"p_{name}"),
    min_size=1, max_size=5, unique=True,
)  # fmt: skip


def _variables(declared: Server) -> dict[str, Any]:
    return role_variables(declared, environment())


def test_without_projects_everything_is_as_it_was() -> None:
    plain = server()
    assert all_roles(plain) == plain.access.roles
    assert all_databases(plain) == plain.access.databases
    assert groups(plain) == ()


def test_who_owns_may_write_and_who_writes_may_read() -> None:
    found = {group.name: group.member_of for group in groups(server(project("voids")))}
    assert found == {
        "voids_reader": (),
        "voids_writer": ("voids_reader",),
        "voids_owner": ("voids_writer",),
    }
    assert memberships(server(project("voids"))) == {
        "voids_dev": "voids_owner",
        "voids_loader": "voids_writer",
        "voids_analyst": "voids_reader",
    }


@given(names=NAMES)
def test_nobody_of_a_project_meets_another_database(names: list[str]) -> None:
    declared = server(*(project(name) for name in names))
    owners = {
        person.name: item.database_name for item in declared.projects for person in item.people
    }
    for database in all_databases(declared):
        for role in all_roles(declared):
            if role.name in owners:
                expected = owners[role.name] == database.name
            else:
                expected = role.kind == "admin" or database in declared.access.databases
            assert may_meet(declared, database.name, role.name) is expected
    for source in ("10.25.20.7", "10.25.10.7"):
        assert all(may_meet(declared, *login) for login in logins(declared, source))


@given(names=NAMES, connections=st.integers(100, 2000))
def test_projects_take_no_connection_of_the_superuser(names: list[str], connections: int) -> None:
    declared = server(*(project(name) for name in names), workload={"max_connections": connections})
    limits = connection_limits(declared)
    assert {limit.role for limit in limits} == {role.name for role in all_roles(declared)}
    assert sum(limit.connections for limit in limits) + reserved(declared) <= connections


def test_client_authentication_lets_people_into_their_database_alone() -> None:
    declared = server(project("voids", networks=["10.25.30.0/24"]))
    rows = [row for row in hba_rows(declared) if "project-voids" in row.comment]
    assert [(row.type, row.database, row.address, row.method) for row in rows] == [
        ("hostssl", "voids", "10.25.30.0/24", "scram-sha-256")
    ]
    assert rows[0].user == "voids_dev,voids_loader,voids_analyst"
    assert rows[0] in pooler_rows(declared)
    assert logins(declared, "10.25.30.5")[0] == ("voids", "voids_dev")
    opened = {
        source
        for rule in firewall_rules(declared)
        if rule["port"] == 5432
        for source in rule["sources"]
    }
    assert "10.25.30.0/24" in opened


def test_everything_that_knows_databases_knows_those_of_projects() -> None:
    found = _variables(server(project("voids"), pooling={}, backup={"export": {}}))
    assert "voids" in found["logical_export_databases"]
    assert "voids" in {item["name"] for item in found["pgbouncer_databases"]}
    assert "voids_analyst" in {item["name"] for item in found["pgbouncer_roles"]}
    made = {item["name"]: item for item in found["postgresql_access_databases"]}
    assert made["voids"]["owner"] == "voids_owner"
    assert made["voids"]["reader"] == "voids_reader"
    assert "reader" not in made["desi_void_desivast"]
    roles = {item["name"]: item for item in found["postgresql_access_roles"]}
    assert roles["voids_loader"]["groups"] == ["voids_writer"]
    assert roles["desi_loader"]["groups"] == []
    assert {"voids_dev", "voids_loader"} < {
        pool.role for pool in pools(server(project("voids"), pooling={}))
    }


def test_a_project_may_do_without_exports() -> None:
    assert "voids" not in exported(server(project("voids", export=False)))
    assert "voids" in exported(server(project("voids")))


def test_a_server_with_projects_as_declared_has_not_drifted() -> None:
    declared = server(project("voids", profile="void-galaxies"))
    wanted = declared_roles(declared)
    roles = [RoleState(role.name, role.connection_limit, dict(role.attributes)) for role in wanted]
    stored = [
        StoredSetting(role.name, None, name, value)
        for role in wanted
        for name, value in role.settings.items()
    ]
    assert role_differences(wanted, roles, stored) == ()
    databases = [
        DatabaseState(item.name, item.owner, item.connection_limit)
        for item in all_databases(declared)
    ]
    assert database_differences(declared, databases) == ()


def test_a_group_that_is_gone_and_one_that_logs_in_have_drifted() -> None:
    declared = server(project("voids"))
    wanted = declared_roles(declared)
    roles = [
        RoleState(role.name, role.connection_limit, dict(role.attributes) | {"LOGIN": True})
        for role in wanted
        if role.name != "voids_reader"
    ]
    found = [
        (row.subject, row.field)
        for row in role_differences(wanted, roles, ())
        if row.field in ("role", "LOGIN")
    ]
    assert found == [
        ("role voids_reader", "role"),
        ("role voids_writer", "LOGIN"),
        ("role voids_owner", "LOGIN"),
    ]


def test_every_profile_can_be_declared_and_has_what_it_needs() -> None:
    assert set(profiles()) == set(get_args(ProfileName))
    for name, profile in profiles().items():
        assert profile.about
        assert profile.schemas
        declared = server(project("voids", profile=name))
        assert profile_of(declared.projects[0]) == profile
        packages = _variables(declared)["postgresql_packages"]
        for extension in set(profile.extensions) & set(EXTENSION_PACKAGES):
            assert f"postgresql-16-{EXTENSION_PACKAGES[extension]}" in packages


def test_a_profile_brings_the_package_of_an_extension_that_the_template_lacks() -> None:
    plain = server(project("voids", profile="qso-anomalies"))
    access = plain.access.model_copy(update={"extensions": ("q3c",)})
    packages = _variables(plain.model_copy(update={"access": access}))["postgresql_packages"]
    assert packages == ["postgresql-16-q3c", "postgresql-16-pgvector"]


def test_what_a_project_declares_wins_over_its_profile() -> None:
    declared = server(project("voids", profile="void-galaxies", limits={"connections": 7}))
    limits = limits_of(declared.projects[0])
    assert limits.connections == 7
    assert limits.temp_file_limit == profiles()["void-galaxies"].limits.temp_file_limit


def _settings(**limits: Any) -> dict[str, dict[str, str]]:
    found = _variables(server(project("voids", limits=limits)))["postgresql_access_roles"]
    return {item["name"]: item["settings"] for item in found}


def test_limits_hold_for_the_people_of_the_project_alone() -> None:
    found = _settings(temp_file_limit="1GB", work_mem="8MB", statement_timeout_seconds=600)
    assert found["voids_analyst"]["statement_timeout"] == "600s"
    assert found["voids_analyst"]["work_mem"] == "8MB"
    assert found["voids_loader"]["temp_file_limit"] == "1GB"
    assert "work_mem" not in found["voids_loader"]
    assert found["desi_analyst"]["statement_timeout"] == "12h"


@pytest.mark.parametrize(("limit", "value"), [("work_mem", "2GB"), ("temp_file_limit", "900GB")])
def test_no_project_declares_more_than_an_analysts_share(limit: str, value: str) -> None:
    with pytest.raises(DeclarationError, match=rf"projects\.0\.limits\.{limit}") as caught:
        _settings(**{limit: value})
    assert "analyst's share" in caught.value.what
    assert caught.value.hint


def test_a_profile_yields_to_the_machine() -> None:
    tuned = _settings()["desi_analyst"]["work_mem"]
    declared = server(project("voids", profile="cross-survey"))
    roles = {item["name"]: item for item in _variables(declared)["postgresql_access_roles"]}
    assert parse_size(roles["voids_analyst"]["settings"]["work_mem"]) <= parse_size(tuned)


def test_whoever_reads_metrics_can_tell_a_project_by_its_database() -> None:
    labels = {"pi": 'A. "Void" Hunter', "grant": "42"}
    found = _variables(server(project("voids", labels=labels), project("winds")))
    lines = found["project_labels_text"].splitlines()
    said = [line for line in lines if not line.startswith("#")]
    assert len(said) == 2
    assert 'datname="voids"' in said[0]
    assert 'pi="A. \\"Void\\" Hunter"' in said[0]
    assert _variables(server())["project_labels_text"] == ""


def test_no_secret_is_among_the_variables() -> None:
    found = _variables(server(project("voids")))
    assert not [name for name in found if "password" in name]
