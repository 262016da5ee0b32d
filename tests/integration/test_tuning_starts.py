"""Every computed configuration is one that a real PostgreSQL 16 takes, whole and unchanged."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from psycopg.sql import SQL, Identifier, Literal
from tests.postgres16 import Postgres16

from labdb.domain.drift import RunningParameter, parameter_changes
from labdb.domain.tuning import Inputs, tune
from labdb.domain.variables import PlannedParameter, postgresql_parameters
from labdb.size import format_size, parse_size
from labdb.spec import Server

pytestmark = pytest.mark.postgres
TOP = Path(__file__).parents[2]
# This machine is not the guest: it has neither the address nor always the memory.
NOT_HERE = {"listen_addresses", "port"}
LARGEST_SHARED_BUFFERS = 2 << 30
RUNNING = """
SELECT name, setting, unit, vartype, context, current_setting(name), pending_restart, source
  FROM pg_settings
"""
GRID = [
    (2, "2GB", "oltp", 30, "ssd"),
    (4, "4GB", "ingest", 50, "hdd"),
    (8, "8GB", "mixed", 200, "nvme"),
    (16, "64GB", "olap", 300, "nvme"),
]


@pytest.fixture(scope="module")
def data(postgres16: Postgres16) -> Iterator[Path]:
    folder = postgres16.initialise("tuning")
    _make_certificate(folder)
    yield folder
    postgres16.stop(folder)


def _make_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "proj-pg01")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    owner = folder.stat()
    for file, content in (
        ("server.crt", certificate.public_bytes(Encoding.PEM)),
        ("server.key", private),
    ):
        (folder / file).write_bytes(content)
        (folder / file).chmod(0o600)
        os.chown(folder / file, owner.st_uid, owner.st_gid)


def _declared() -> dict[str, Any]:
    path = TOP / "inventories/production/host_vars/proj-pg01/server.yml"
    server: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))["labdb_server"]
    return server


@pytest.mark.parametrize(("cores", "memory", "kind", "connections", "disk"), GRID)
def test_the_computed_file_loads_without_an_error(
    postgres16: Postgres16,
    data: Path,
    cores: int,
    memory: str,
    kind: str,
    connections: int,
    disk: str,
) -> None:
    given = _declared()
    given["guest"]["cpu"]["cores"] = cores
    given["guest"]["memory"] = memory
    given["storage"]["kind"] = disk
    given["workload"] |= {"kind": kind, "max_connections": connections, "analytic_sessions": 2}
    server = Server.model_validate(given)
    parameters = [_here(item, data) for item in postgresql_parameters(server)]
    parameters = [item for item in parameters if item.name not in NOT_HERE]
    lines = [f"{item.name} = '{item.value}'" for item in parameters]
    (data / "postgresql.auto.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
    postgres16.start(data)
    try:
        with psycopg.connect(postgres16.conninfo, autocommit=True) as connection:
            errors = connection.execute(
                "SELECT name, error FROM pg_file_settings WHERE error IS NOT NULL"
            ).fetchall()
            running = [RunningParameter(*row) for row in connection.execute(RUNNING)]
            _set_for_roles(connection, server)
    finally:
        postgres16.stop(data)
    assert errors == []
    assert parameter_changes(parameters, running) == ()


def _here(parameter: PlannedParameter, data: Path) -> PlannedParameter:
    if parameter.name in ("ssl_cert_file", "ssl_key_file"):
        return replace(parameter, value=str(data / Path(parameter.value).name))
    if parameter.name == "shared_buffers":
        size = min(parse_size(parameter.value), LARGEST_SHARED_BUFFERS)
        return replace(parameter, value=format_size(size))
    return parameter


def _set_for_roles(connection: psycopg.Connection[Any], server: Server) -> None:
    connection.execute("CREATE ROLE grid")
    for settings in tune(Inputs.of(server)).roles.values():
        for name, value in settings.items():
            connection.execute(
                SQL("ALTER ROLE grid SET {} = {}").format(Identifier(name), Literal(value))
            )
    connection.execute("DROP ROLE grid")
