"""Roles, databases and clients that are not as declared, and who may have made them so."""

from dataclasses import replace
from typing import Any

import pytest
import yaml
from tests.pages import TOP

from labdb.domain.access import hba_rows
from labdb.domain.client_drift import client_differences, client_findings
from labdb.domain.connections import MONITORING_CONNECTIONS, MONITORING_ROLE
from labdb.domain.database_settings import PLACED
from labdb.domain.role_drift import (
    beyond,
    beyond_differences,
    database_differences,
    declared_roles,
    others,
    role_differences,
)
from labdb.facts import ClientRule, DatabaseState, RoleState, StoredSetting
from labdb.report import Effect
from labdb.spec import DatabaseSettings, Server


@pytest.fixture(scope="module")
def server() -> Server:
    path = TOP / "inventories/production/host_vars/proj-pg01/server.yml"
    return Server.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))["labdb_server"])


def _roles(server: Server) -> dict[str, RoleState]:
    return {
        role.name: RoleState(role.name, role.connection_limit, dict(role.attributes))
        for role in declared_roles(server)
    }


def _stored(server: Server) -> list[StoredSetting]:
    return [
        StoredSetting(role.name, None, name, value)
        for role in declared_roles(server)
        for name, value in role.settings.items()
    ]


def _databases(server: Server) -> list[DatabaseState]:
    return [DatabaseState(item.name, item.owner, -1) for item in server.access.databases]


def _clients(server: Server) -> list[ClientRule]:
    masks = {"0.0.0.0/0": "0.0.0.0/0.0.0.0", "::/0": "::/::"}
    return [
        ClientRule(
            line,
            row.type,
            row.database,
            row.user,
            masks.get(row.address, row.address.replace("/24", "/255.255.255.0")),
            row.method,
        )
        for line, row in enumerate(hba_rows(server), start=4)
    ]


def _differences(server: Server, roles: Any, stored: Any) -> list[tuple[str, str, str, str]]:
    rows = role_differences(declared_roles(server), roles, stored)
    return [(row.subject, row.field, row.declared or "-", row.running or "-") for row in rows]


def test_a_server_as_declared_has_no_difference(server: Server) -> None:
    assert _differences(server, _roles(server).values(), _stored(server)) == []
    assert beyond(server, _stored(server)) == ()
    assert others(server, _stored(server)) == ()
    assert database_differences(server, _databases(server)) == ()
    assert client_differences(server, _clients(server)) == ()


def test_the_exporters_role_is_declared_as_role_postgresql_access_makes_it(server: Server) -> None:
    folder = TOP / "roles" / "postgresql_access"
    defaults = yaml.safe_load((folder / "defaults" / "main.yml").read_text(encoding="utf-8"))
    made = yaml.safe_load((folder / "vars" / "main.yml").read_text(encoding="utf-8"))
    (ours,) = [role for role in declared_roles(server) if role.name == MONITORING_ROLE]
    assert defaults["postgresql_access_monitoring_role"] == MONITORING_ROLE
    assert defaults["postgresql_access_monitoring_connections"] == MONITORING_CONNECTIONS
    assert made["__postgresql_access_monitoring"]["settings"] == ours.settings
    assert made["__postgresql_access_monitoring"]["kind"] == ours.kind


def test_attributes_are_those_that_the_roles_query_gives(server: Server) -> None:
    query = (TOP / "roles/postgresql_access/files/roles.sql").read_text(encoding="utf-8")
    assert "('admin', 'CREATEDB CREATEROLE'," in query
    assert "' LOGIN NOSUPERUSER NOREPLICATION NOBYPASSRLS INHERIT CONNECTION LIMIT %s'" in query
    by_kind = {role.kind: role for role in declared_roles(server)}
    assert by_kind["admin"].attributes["CREATEROLE"]
    assert not by_kind["owner"].attributes["CREATEROLE"]


def test_a_setting_made_by_hand_is_named_and_so_is_one_that_lacks(server: Server) -> None:
    stored = [
        replace(item, value="1GB")
        if (item.role, item.name) == ("desi_analyst", "work_mem")
        else item
        for item in _stored(server)
        if (item.role, item.name) != ("desi_analyst", "statement_timeout")
    ]
    stored.append(StoredSetting("desi_dev", None, "enable_seqscan", "off"))
    work_mem = declared_roles(server)[3].settings["work_mem"]
    assert _differences(server, _roles(server).values(), stored) == [
        ("role desi_dev", "enable_seqscan", "-", "off"),
        ("role desi_analyst", "statement_timeout", "12h", "-"),
        ("role desi_analyst", "work_mem", work_mem, "1GB"),
    ]


def test_limits_and_attributes_are_compared(server: Server) -> None:
    roles = _roles(server)
    dev = roles["desi_dev"]
    roles["desi_dev"] = replace(
        dev, connection_limit=3, attributes=dict(dev.attributes) | {"SUPERUSER": True}
    )
    del roles["desi_loader"]
    assert _differences(server, roles.values(), _stored(server)) == [
        ("role desi_dev", "SUPERUSER", "no", "yes"),
        ("role desi_dev", "CONNECTION LIMIT", "153", "3"),
        ("role desi_loader", "role", "loader", "-"),
    ]


def test_settings_that_the_declaration_has_no_place_for_are_named(server: Server) -> None:
    by_hand = [
        StoredSetting(None, "desi_void_desivast", "work_mem", "1GB"),
        StoredSetting("desi_analyst", "desi_void_desivast", "jit", "on"),
        StoredSetting("postgres", None, "work_mem", "2GB"),
        StoredSetting(None, None, "enable_seqscan", "off"),
    ]
    strangers = [
        StoredSetting("somebody", None, "work_mem", "1GB"),
        StoredSetting(None, "their_database", "work_mem", "1GB"),
    ]
    found = beyond(server, [*_stored(server), *by_hand, *strangers])
    assert list(found) == by_hand
    rows = beyond_differences(found)
    assert [(row.subject, row.effect, row.declared) for row in rows] == [
        ("database desi_void_desivast", Effect.NEXT_SESSION, None),
        ("role desi_analyst in desi_void_desivast", Effect.NEXT_SESSION, None),
        ("role postgres", Effect.NEXT_SESSION, None),
        ("every role", Effect.NEXT_SESSION, None),
    ]
    assert rows[0].reason.startswith("ALTER DATABASE")
    (finding,) = others(server, [*_stored(server), *by_hand, *strangers])
    assert finding.severity == "info"
    assert "database their_database, role somebody" in finding.what


def test_databases_are_compared(server: Server) -> None:
    first, second = _databases(server)
    rows = database_differences(server, [replace(first, owner="postgres", connection_limit=5)])
    assert [(row.subject, row.field, row.declared, row.running) for row in rows] == [
        (f"database {first.name}", "owner", "desi_dev", "postgres"),
        (f"database {first.name}", "CONNECTION LIMIT", "none", "5"),
        (f"database {second.name}", "database", "desi_dev", None),
    ]


def test_a_client_that_somebody_let_in_is_named_with_its_line(server: Server) -> None:
    rules = _clients(server)
    rules.insert(0, ClientRule(1, "host", "all", "all", "0.0.0.0/0.0.0.0", "trust"))
    (row,) = client_differences(server, rules)
    assert (row.field, row.file) == ("host all all 0.0.0.0/0 trust", "line 1")
    assert row.declared is None


def test_a_password_among_a_clients_options_is_not_shown(server: Server) -> None:
    ldap = ClientRule(1, "host", "all", "all", "", "ldap ldapserver=x ldapbindpasswd=hush")
    (row,) = client_differences(server, [ldap, *_clients(server)])
    assert row.field == "host all all ldap ldapserver=x ldapbindpasswd=***"


def test_a_client_that_somebody_locked_out_is_missed(server: Server) -> None:
    rules = [rule for rule in _clients(server) if "198" not in rule.address][:-1]
    (row,) = client_differences(server, rules)
    assert (row.field, row.declared) == ("host all all ::/0 reject", "in pg_hba.conf")


def test_another_order_of_clients_is_a_difference(server: Server) -> None:
    (row,) = client_differences(server, list(reversed(_clients(server))))
    assert row.field == "order of pg_hba.conf"


def test_a_row_that_the_server_cannot_read_is_critical(server: Server) -> None:
    broken = ClientRule(9, "", "", "", "", "", "invalid connection type")
    assert client_differences(server, [*_clients(server), broken]) == ()
    (finding,) = client_findings([broken])
    assert finding.severity == "critical"


def test_a_declared_setting_of_a_database_is_ours_and_what_it_cannot_say_is_not(
    server: Server,
) -> None:
    first, *rest = server.access.databases
    settings = DatabaseSettings(search_path=("raw_catalogs", "public"))
    limited = first.model_copy(update={"connection_limit": 9, "settings": settings})
    access = server.access.model_copy(update={"databases": (limited, *rest)})
    wanted = server.model_copy(update={"access": access})
    stored = [
        StoredSetting(None, first.name, "temp_file_limit", "1GB"),
        StoredSetting(None, first.name, "work_mem", "1GB"),
    ]
    rows = database_differences(wanted, _databases(wanted), stored)
    assert [(row.field, row.declared, row.running) for row in rows] == [
        ("CONNECTION LIMIT", "9", "none"),
        ("search_path", "raw_catalogs, public", None),
        ("temp_file_limit", None, "1GB"),
    ]
    assert [item.name for item in beyond(wanted, stored)] == ["work_mem"]


def test_the_role_resets_what_the_declaration_has_a_place_for() -> None:
    query = (TOP / "roles" / "postgresql_access" / "files" / "databases.sql").read_text("utf-8")
    listed = ", ".join(f"'{name}'" for name in PLACED)
    assert f"setting.name IN ({listed})" in query
