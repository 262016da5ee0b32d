"""What runs is what was planned."""

from typing import Any

from labdb.adapters.content import query
from labdb.adapters.inventory import Declaration
from labdb.domain.drift import RunningParameter, parameter_changes
from labdb.domain.variables import postgresql_parameters, role_variables
from labdb.verify.conftest import Sql


def test_effective_parameters_equal_the_plan(sql: Sql, declaration: Declaration) -> None:
    (row,) = sql(query("settings").strip().removesuffix(";"))
    running = [RunningParameter(**item) for item in row["json_agg"]]
    changes = parameter_changes(postgresql_parameters(declaration.server), running)
    assert [f"{item.field}: {item.before} is not {item.after}" for item in changes] == []


def test_every_role_has_its_planned_settings(sql: Sql, declaration: Declaration) -> None:
    rows = sql(
        "SELECT rolname, setconfig FROM pg_db_role_setting JOIN pg_roles ON setrole = pg_roles.oid "
        "WHERE setdatabase = 0"
    )
    found = {row["rolname"]: set(row["setconfig"]) for row in rows}
    planned = role_variables(declaration.server, declaration.environment)
    for role in planned["postgresql_access_roles"]:
        wanted = {f"{name}={value}" for name, value in role["settings"].items()}
        assert found.get(role["name"], set()) == wanted, role["name"]


def test_no_parameter_waits_for_a_restart(sql: Sql) -> None:
    assert sql("SELECT name FROM pg_settings WHERE pending_restart") == []


def test_data_checksums_are_on(sql: Sql) -> None:
    assert sql("SELECT current_setting('data_checksums') AS state") == [{"state": "on"}]


def test_the_data_directory_is_on_the_data_disk(
    host: Any, sql: Sql, declaration: Declaration
) -> None:
    server = declaration.server
    (row,) = sql("SELECT current_setting('data_directory') AS path")
    assert row["path"] == server.postgresql.data_directory
    mount, kind = host.check_output("findmnt -no TARGET,FSTYPE --target %s", row["path"]).split()
    assert (mount, kind) == (server.storage.data.mount, server.storage.data.filesystem)


def test_no_cluster_lies_in_var(host: Any, declaration: Declaration) -> None:
    major = declaration.server.postgresql.major
    assert not host.file(f"/var/lib/postgresql/{major}/main/PG_VERSION").exists


def test_postgresql_runs_now_and_at_every_boot(host: Any, declaration: Declaration) -> None:
    wanted = declaration.server.postgresql
    service = host.service(f"postgresql@{wanted.major}-{wanted.cluster}")
    assert service.is_running
    assert host.service("postgresql").is_enabled


def test_the_kernel_would_rather_kill_anything_else(host: Any, declaration: Declaration) -> None:
    wanted = declaration.server.postgresql
    unit = f"postgresql@{wanted.major}-{wanted.cluster}"
    assert int(host.check_output("systemctl show --value -p OOMScoreAdjust %s", unit)) < 0
