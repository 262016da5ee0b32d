"""Nobody takes the connections of another, and a pooler opens no more than can be at work."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from labdb.domain.access import exporter_ports, firewall_rules, hba_rows, pooler_rows
from labdb.domain.connection_findings import connection_findings
from labdb.domain.connections import (
    analysts_at_once,
    connection_limits,
    reserved,
    server_connections,
)
from labdb.domain.pooling import POOLER_CONNECTIONS, most_clients, pools
from labdb.domain.tuning import Inputs, tune
from labdb.domain.variables import role_variables
from labdb.spec import Environment, Server

TOP = Path(__file__).parents[3]
KINDS = ("admin", "owner", "loader", "analyst", "application", "monitoring", "backup")
ROLES = st.lists(
    st.tuples(st.sampled_from(KINDS), st.none() | st.integers(1, 20)), min_size=1, max_size=12
)


def _read(path: str) -> Any:
    return yaml.safe_load((TOP / "inventories/production" / path).read_text(encoding="utf-8"))


def _declared(**changes: Any) -> dict[str, Any]:
    server: dict[str, Any] = _read("host_vars/proj-pg01/server.yml")["labdb_server"]
    return server | changes


def _server(**changes: Any) -> Server:
    return Server.model_validate(_declared(**changes))


def _with_roles(
    roles: list[tuple[str, int | None]],
    connections: int,
    pooling: dict[str, Any] | None = None,
    *,
    prefix: str = "role",
) -> Server:
    wanted = _declared(pooling=pooling)
    wanted["workload"]["max_connections"] = connections
    wanted["access"] |= {
        "roles": [
            {"name": f"{prefix}{number or ''}", "kind": kind, "connection_limit": limit}
            for number, (kind, limit) in enumerate(roles)
        ],
        "databases": [],
        "clients": [],
    }
    return Server.model_validate(wanted)


@given(roles=ROLES, connections=st.integers(10, 2000))
def test_all_roles_together_never_fill_the_server(
    roles: list[tuple[str, int | None]], connections: int
) -> None:
    server = _with_roles(roles, connections)
    limits = connection_limits(server)
    assert all(limit.connections >= 1 for limit in limits)
    assert all(limit.reason for limit in limits)
    by_hand = sum(limit or 0 for _, limit in roles)
    computed = sum(limit is None for _, limit in roles)
    if by_hand + computed <= connections - reserved(server):
        together = sum(limit.connections for limit in limits)
        assert together + reserved(server) <= connections


@given(roles=ROLES, connections=st.integers(10, 2000))
def test_a_declared_limit_stands(roles: list[tuple[str, int | None]], connections: int) -> None:
    limits = connection_limits(_with_roles(roles, connections))
    for (_, declared), limit in zip(roles, limits, strict=True):
        assert declared in (None, limit.connections)


@given(roles=ROLES, connections=st.integers(10, 2000))
def test_with_a_pooler_the_limits_make_up_the_server_s_connections(
    roles: list[tuple[str, int | None]], connections: int
) -> None:
    server = _with_roles(roles, connections, pooling={})
    together = sum(limit.connections for limit in connection_limits(server))
    assert together + reserved(server) + POOLER_CONNECTIONS == server_connections(server)
    sizes = {pool.role: pool.connections for pool in pools(server)}
    for limit in connection_limits(server):
        assert sizes.get(limit.role, 0) <= limit.connections


def test_two_projects_share_what_analysts_and_owners_have() -> None:
    server = _with_roles(
        [("analyst", None), ("analyst", None), ("owner", None), ("owner", None)], 200
    )
    assert [limit.connections for limit in connection_limits(server)] == [8, 8, 87, 87]


def test_analysts_have_sessions_for_as_many_as_work_at_the_same_time() -> None:
    wanted = _declared()
    wanted["workload"]["analytic_sessions"] = 10
    limits = {limit.role: limit for limit in connection_limits(Server.model_validate(wanted))}
    assert limits["desi_analyst"].connections == 40
    assert "10 analysts" in limits["desi_analyst"].reason


def test_two_projects_share_the_analysts_pool() -> None:
    server = _with_roles([("analyst", None), ("analyst", None)], 200, pooling={})
    assert [pool.connections for pool in pools(server)] == [2, 2]


def test_the_superuser_s_reserve_counts_as_it_is_set_by_hand() -> None:
    wanted = _declared()
    wanted["postgresql"]["parameters"] = {"superuser_reserved_connections": 20}
    assert reserved(Server.model_validate(wanted)) == reserved(_server()) + 15


def test_two_hundred_clients_of_the_lab_are_served_by_few_connections() -> None:
    server = _server(pooling={})
    assert most_clients(server) == 200
    assert server_connections(server) < 50
    limits = {limit.role: limit.connections for limit in connection_limits(server)}
    (analysts,) = [pool for pool in pools(server) if pool.role == "desi_analyst"]
    assert analysts.connections == server.workload.analytic_sessions
    assert analysts.connections < limits["desi_analyst"]


def test_memory_is_shared_for_as_many_analysts_as_postgresql_lets_in() -> None:
    server = _server(pooling={"pools": {"analyst": 10}})
    limits = {limit.role: limit.connections for limit in connection_limits(server)}
    assert analysts_at_once(server) == limits["desi_analyst"] == 12
    assert Inputs.of(server).load.analysts == 12


def test_a_pooler_gives_the_memory_of_idle_sessions_to_the_cache() -> None:
    before, after = tune(Inputs.of(_server())), tune(Inputs.of(_server(pooling={})))
    assert before.budget.total - after.budget.total > 1 << 30
    assert next(item for item in after.settings if item.name == "max_connections").value == "44"


def test_a_pool_is_never_larger_than_the_role_s_own_limit() -> None:
    wanted = _declared(pooling={})
    wanted["access"]["roles"][3]["connection_limit"] = 2
    sizes = {pool.role: pool.connections for pool in pools(Server.model_validate(wanted))}
    assert sizes["desi_analyst"] == 2


def test_exporter_and_dumps_do_not_go_through_the_pooler() -> None:
    server = _with_roles([("backup", None), ("owner", None), ("monitoring", None)], 50, pooling={})
    assert [pool.role for pool in pools(server)] == ["role1"]
    with pytest.raises(ValidationError, match="do not go through the pooler"):
        _server(pooling={"pools": {"backup": 2}})


def test_the_pooler_has_a_port_of_its_own() -> None:
    with pytest.raises(ValidationError, match="is PostgreSQL's own"):
        _server(pooling={"port": 5432})


def test_the_pooler_has_a_role_of_its_own() -> None:
    with pytest.raises(ValidationError, match="the pooler's own"):
        _with_roles([("owner", None)], 50, {}, prefix="pgbouncer")


def test_without_pooling_nothing_of_a_pooler_is_opened() -> None:
    server = _server()
    assert pools(server) == ()
    assert most_clients(server) == 0
    assert "pgbouncer" not in {row.user for row in hba_rows(server)}
    assert 6432 not in {rule["port"] for rule in firewall_rules(server)}
    assert "pgbouncer" not in exporter_ports(server)


def test_the_pooler_is_opened_to_the_clients_and_its_exporter_to_the_monitoring_host() -> None:
    sources = {rule["port"]: rule["sources"] for rule in firewall_rules(_server(pooling={}))}
    assert sources[6432] == sources[5432]
    assert sources[9127] == sources[9187]


def test_the_pooler_lets_in_whom_the_client_table_lets_in_and_needs_tls_and_scram() -> None:
    server = _server(pooling={})
    through = [row for row in pooler_rows(server) if row.type == "hostssl"]
    directly = [row for row in hba_rows(server) if row.type == "hostssl"]
    assert through == directly
    assert {row.method for row in through} == {"scram-sha-256"}
    others = [row for row in pooler_rows(server) if row.type == "host"]
    assert {row.method for row in others} == {"reject"}
    assert [row.user for row in pooler_rows(server)[-2:]] == ["all", "all"]


def test_the_pooler_s_own_role_comes_by_its_socket_to_one_database() -> None:
    rows = [row for row in hba_rows(_server(pooling={})) if "pgbouncer" in row.user.split(",")]
    assert [(row.type, row.method) for row in rows] == [
        ("local", "peer"),
        ("host", "reject"),
        ("host", "reject"),
    ]
    assert rows[0].database == "postgres"


def test_superuser_and_exporter_are_rejected_before_any_client_is_let_in() -> None:
    rows = [row for row in pooler_rows(_server(pooling={})) if row.type != "local"]
    assert rows[0].method == "reject"
    assert {"postgres", "postgres_exporter", "pgbouncer"} <= set(rows[0].user.split(","))


def test_many_direct_connections_are_told_with_the_remedy() -> None:
    (finding,) = connection_findings(_server())
    assert (finding.check, finding.severity) == ("pooling", "info")
    assert "200 direct connections" in finding.what
    assert "44 server connections" in finding.hint
    assert "more then cache data" in finding.hint


def test_analysts_who_had_too_little_get_the_memory_of_idle_sessions_first() -> None:
    wanted = _declared()
    wanted["workload"] |= {"max_connections": 250, "analytic_sessions": 40}
    (finding,) = connection_findings(Server.model_validate(wanted))
    assert "of work_mem in place of" in finding.hint


def test_few_direct_connections_are_no_finding() -> None:
    wanted = _declared()
    wanted["workload"]["max_connections"] = 100
    assert connection_findings(Server.model_validate(wanted)) == ()


def test_a_pooler_for_fewer_clients_than_its_connections_is_told() -> None:
    (finding,) = connection_findings(_server(pooling={"max_clients": 20}))
    assert "gains nothing" in finding.what


@pytest.mark.parametrize(("limit", "said"), [(-1, "every connection"), (190, "there are 190")])
def test_a_limit_by_hand_that_protects_nobody_is_told(limit: int, said: str) -> None:
    wanted = _declared()
    wanted["workload"]["max_connections"] = 200
    wanted["access"]["roles"][3]["connection_limit"] = limit
    findings = connection_findings(Server.model_validate(wanted))
    (finding,) = [item for item in findings if item.check == "connections"]
    assert said in finding.what


def test_what_is_declared_for_a_database_becomes_its_settings() -> None:
    wanted = _declared()
    wanted["access"]["databases"][0] |= {
        "connection_limit": 20,
        "settings": {
            "search_path": ["raw_catalogs", "public"],
            "read_only": True,
            "statement_timeout_seconds": 3600,
            "temp_file_limit": "5GB",
        },
    }
    environment = Environment.model_validate(
        _read("group_vars/all/environment.yml")["labdb_environment"]
    )
    variables = role_variables(Server.model_validate(wanted), environment)
    first, second = variables["postgresql_access_databases"]
    assert first["connection_limit"] == 20
    assert first["search_path"] == ["raw_catalogs", "public"]
    assert first["settings"] == {
        "default_transaction_read_only": "on",
        "statement_timeout": "3600s",
        "temp_file_limit": "5GB",
    }
    assert (second["connection_limit"], second["settings"], second["search_path"]) == (-1, {}, [])
