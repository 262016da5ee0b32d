"""Who is let in, and how."""

from typing import Any

import psycopg
import pytest

from labdb.adapters.inventory import Declaration
from labdb.domain.access import openings
from labdb.domain.connections import connection_limits
from labdb.domain.everybody import all_databases, all_roles
from labdb.verify.conftest import Connect, Sql


def test_the_server_answers_over_tls_and_its_name_is_verified(connect: Connect) -> None:
    with connect() as connection:
        answer = connection.execute(
            "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        ).fetchone()
    assert answer is not None
    assert answer[0] is True
    assert answer[1] in ("TLSv1.2", "TLSv1.3")


def test_every_password_is_kept_as_a_scram_verifier(sql: Sql, declaration: Declaration) -> None:
    rows = sql(
        "SELECT rolname, rolpassword ~ '^SCRAM-SHA-256\\$' AS is_scram FROM pg_authid "
        "WHERE rolpassword IS NOT NULL"
    )
    kinds = {row["rolname"]: row["is_scram"] for row in rows}
    assert [name for name, is_scram in kinds.items() if not is_scram] == []
    assert {role.name for role in all_roles(declaration.server)} <= set(kinds)


def test_a_connection_without_tls_is_refused(connect: Connect) -> None:
    refused = pytest.raises(psycopg.OperationalError, match=r"pg_hba\.conf rejects connection")
    with refused, connect(sslmode="disable"):
        pass


def test_a_wrong_password_is_refused(connect: Connect) -> None:
    with pytest.raises(psycopg.OperationalError, match="authentication"), connect(password="wrong"):
        pass


def test_a_foreign_subnet_is_refused_by_postgresql(
    host: Any, declaration: Declaration, client: tuple[str, str]
) -> None:
    # Loopback over TCP is in nobody's line of the client table: as foreign as any other net.
    port = declaration.server.postgresql.port
    answer = host.run(
        "runuser -u postgres -- psql -w -X -c '' %s",
        f"host=127.0.0.1 port={port} dbname={client[0]} user={client[1]} sslmode=require",
    )
    assert answer.rc != 0
    assert "pg_hba.conf rejects connection" in answer.stderr


def test_a_foreign_subnet_is_refused_by_the_firewall(
    opened: set[tuple[str, int]], declaration: Declaration
) -> None:
    declared = {
        (source, opening.port)
        for opening in openings(declaration.server)
        for source in opening.sources
    }
    assert opened == declared


def test_the_running_client_authentication_has_no_error(sql: Sql) -> None:
    assert sql("SELECT line_number, error FROM pg_hba_file_rules WHERE error IS NOT NULL") == []


def test_nobody_but_the_declared_roles_may_connect_to_a_project(
    sql: Sql, declaration: Declaration
) -> None:
    for database in all_databases(declaration.server):
        asked = f"SELECT has_database_privilege('public', '{database.name}', 'CONNECT') AS anybody"
        assert sql(asked) == [{"anybody": False}], database.name


def test_every_role_and_database_has_its_planned_connections(
    sql: Sql, declaration: Declaration
) -> None:
    rows = sql("SELECT rolname, rolconnlimit FROM pg_roles")
    roles = {row["rolname"]: row["rolconnlimit"] for row in rows}
    for limit in connection_limits(declaration.server):
        assert roles[limit.role] == limit.connections, limit.role
    rows = sql("SELECT datname, datconnlimit FROM pg_database")
    databases = {row["datname"]: row["datconnlimit"] for row in rows}
    for database in all_databases(declaration.server):
        assert databases[database.name] == database.connection_limit, database.name
