"""Clients are served through the pooler, by their own passwords and few server connections."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from labdb.adapters.inventory import Declaration
from labdb.domain.everybody import all_clients, all_databases
from labdb.domain.pooling import POOLER_ROLE, most_clients, pools
from labdb.operations.connection import exporters
from labdb.spec import Pooling
from labdb.verify.conftest import Connect, Says, Sql

Console = Callable[[str], list[list[str]]]


@pytest.fixture
def pooling(declaration: Declaration) -> Pooling:
    found = declaration.server.pooling
    assert found is not None
    return found


@pytest.fixture
def through(pooling: Pooling) -> dict[str, str]:
    """Return what a client says to come through the pooler."""
    return {"port": str(pooling.port)}


@pytest.fixture
def console(host: Any, pooling: Pooling) -> Console:
    """Return a function that asks PgBouncer's console, by its socket; rows come back."""

    def ask(command: str) -> list[list[str]]:
        answer = host.check_output(
            "runuser -u %s -- psql -XAt -h /run/pgbouncer -p %s -d pgbouncer -c %s",
            POOLER_ROLE,
            str(pooling.port),
            command,
        )
        return [line.split("|") for line in answer.splitlines()]

    return ask


def test_a_client_comes_through_the_pooler_over_tls(
    connect: Connect, through: dict[str, str], client: tuple[str, str]
) -> None:
    with connect(**through) as connection:
        assert connection.pgconn.ssl_in_use
        row = connection.execute("SELECT current_user, inet_client_addr() IS NULL").fetchone()
    assert row == (client[1], True)


def test_the_pooler_refuses_a_client_without_tls(connect: Connect, through: dict[str, str]) -> None:
    refused = pytest.raises(psycopg.OperationalError, match="SSL required")
    with refused, connect(**through, sslmode="disable"):
        pass


def test_the_pooler_refuses_a_wrong_password(connect: Connect, through: dict[str, str]) -> None:
    with (
        pytest.raises(psycopg.OperationalError, match="authentication"),
        connect(**through, password="wrong"),
    ):
        pass


def test_the_pooler_refuses_a_superuser(connect: Connect, through: dict[str, str]) -> None:
    refused = pytest.raises(psycopg.OperationalError, match="no such user")
    with refused, connect(**through, user="postgres"):
        pass


def test_more_clients_than_the_pool_are_served_by_no_more_connections_than_it_has(
    connect: Connect, through: dict[str, str], declaration: Declaration, client: tuple[str, str]
) -> None:
    (size,) = [pool.connections for pool in pools(declaration.server) if pool.role == client[1]]

    def ask(_: int) -> int:
        with connect(**through) as connection:
            row = connection.execute("SELECT pg_backend_pid(), pg_sleep(0.1)").fetchone()
            assert row is not None
            return int(row[0])

    with ThreadPoolExecutor(3 * size) as together:
        served = list(together.map(ask, range(3 * size)))
    assert len(served) == 3 * size
    assert len(set(served)) <= size


def test_only_the_clients_networks_reach_the_pooler(
    opened: set[tuple[str, int]], declaration: Declaration, pooling: Pooling
) -> None:
    sources = {source for source, port in opened if port == pooling.port}
    assert sources == {str(client.network) for client in all_clients(declaration.server)}


def test_the_running_pooler_has_the_declared_sizes(
    console: Console, declaration: Declaration, pooling: Pooling
) -> None:
    config = {row[0]: row[1] for row in console("SHOW CONFIG")}
    assert int(config["max_client_conn"]) > most_clients(declaration.server)
    assert config["pool_mode"] == pooling.mode
    served = {row[0] for row in console("SHOW DATABASES")}
    assert {database.name for database in all_databases(declaration.server)} <= served
    limits = {row[0]: row for row in console("SHOW USERS")}
    for pool in pools(declaration.server):
        assert str(pool.connections) in limits[pool.role], limits[pool.role]


def test_only_the_pooler_may_look_up_a_verifier(sql: Sql) -> None:
    rows = sql(
        "SELECT coalesce(rolname, 'public') AS role"
        " FROM pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner)))"
        " LEFT JOIN pg_roles ON pg_roles.oid = grantee"
        " WHERE proname = 'verifier' AND pronamespace = 'pgbouncer'::regnamespace"
    )
    assert {row["role"] for row in rows} == {"postgres", POOLER_ROLE}


def test_the_statistics_of_the_pooler_are_visible(says: Says, declaration: Declaration) -> None:
    says(exporters(declaration)["pgbouncer_exporter"], "pgbouncer_up 1")
