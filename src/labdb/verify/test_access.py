"""Who is let in, and how."""

from typing import Any

import psycopg
import pytest

from labdb.adapters.inventory import Declaration
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
    rows = sql("SELECT rolname, left(rolpassword, 13) AS kind FROM pg_authid WHERE rolcanlogin")
    kinds = {row["rolname"]: row["kind"] for row in rows}
    for role in declaration.server.access.roles:
        assert kinds[role.name] == "SCRAM-SHA-256"


def test_a_connection_without_tls_is_refused(connect: Connect) -> None:
    with pytest.raises(psycopg.OperationalError), connect(sslmode="disable"):
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


def test_a_foreign_subnet_is_refused_by_the_firewall(host: Any, declaration: Declaration) -> None:
    rules = host.check_output("nft list table inet labdb")
    assert "policy drop" in rules
    port = declaration.server.postgresql.port
    opened = "".join(line for line in rules.splitlines() if f"dport {port} " in line)
    for network in {str(item.network) for item in declaration.server.access.clients}:
        assert network in opened
    assert "0.0.0.0/0" not in rules


def test_the_running_client_authentication_has_no_error(sql: Sql) -> None:
    assert sql("SELECT line_number, error FROM pg_hba_file_rules WHERE error IS NOT NULL") == []


def test_nobody_but_the_declared_roles_may_connect_to_a_project(
    sql: Sql, client: tuple[str, str]
) -> None:
    (row,) = sql(f"SELECT has_database_privilege('public', '{client[0]}', 'CONNECT') AS anybody")
    assert row["anybody"] is False
