"""Every computed configuration is one that a real PostgreSQL 16 takes, whole and unchanged."""

import itertools
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
from jinja2 import Environment, FileSystemLoader
from psycopg.sql import SQL, Identifier, Literal
from tests.postgres16 import Postgres16

from labdb.domain.drift import RunningParameter, parameter_changes
from labdb.domain.peers import PEERS
from labdb.domain.tuning import Inputs, tune
from labdb.domain.variables import PlannedParameter, postgresql_parameters
from labdb.operations import tune as operation
from labdb.size import format_size, parse_size
from labdb.spec import RoleKind, Server, WorkloadKind

pytestmark = pytest.mark.postgres
TOP = Path(__file__).parents[2]
# This machine is not the guest: it has neither the address nor always the memory.
NOT_HERE = {"listen_addresses", "port"}
LARGEST_SHARED_BUFFERS = 2 << 30
RUNNING = """
SELECT name, setting, unit, vartype, context, current_setting(name), pending_restart, source
  FROM pg_settings
"""
ERRORS = "SELECT name, error FROM pg_file_settings WHERE error IS NOT NULL"
GRID = [
    (2, "2GB", "oltp", 30, "ssd"),
    (4, "4GB", "ingest", 50, "hdd"),
    (8, "8GB", "mixed", 200, "nvme"),
    (16, "64GB", "olap", 300, "nvme"),
]
SIZES: list[dict[str, Any]] = [
    {"cores": 1, "memory": "1GB", "disk": "20GB", "medium": "hdd", "connections": 5,
     "analysts": 1, "data": "5GB"},
    {"cores": 2, "memory": "2GB", "disk": "40GB", "medium": "ssd", "connections": 50,
     "analysts": 2, "data": "10GB"},
    {"cores": 4, "memory": "16GB", "disk": "100GB", "medium": "ssd", "connections": 100},
    {"cores": 8, "memory": "8GB", "disk": "250GB", "medium": "nvme", "connections": 200},
    {"cores": 32, "memory": "128GB", "disk": "2TB", "medium": "nvme", "connections": 500,
     "analysts": 16, "wal_disk": "200GB"},
    {"cores": 128, "memory": "1TB", "disk": "8TB", "medium": "nvme", "connections": 2000,
     "analysts": 100, "data": "4TB"},
]  # fmt: skip
AWKWARD = "it's %m 100 %% \\n [%p] "
"""A quote, a backslash, and what is no conversion: the file must hold it as it is."""

SHOWN_OTHERWISE = [("wal_compression", "on", "pglz")]
"""What PostgreSQL itself shows by another name than it was written with."""


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
    with _started(postgres16, data, _role_s_file(parameters)) as connection:
        assert parameter_changes(parameters, _running(connection)) == ()
        _set_for_roles(connection, tune(Inputs.of(server)).roles)


@pytest.mark.parametrize(
    ("size", "workload"),
    list(itertools.product(SIZES, WorkloadKind)),
    ids=lambda given: given["memory"] if isinstance(given, dict) else str(given),
)
def test_the_file_that_the_command_prints_starts(
    postgres16: Postgres16, data: Path, size: dict[str, Any], workload: WorkloadKind
) -> None:
    inputs = operation.inputs_for(None, size | {"workload": workload}, [])
    computed = {setting.name: setting.value for setting in tune(inputs).settings}
    here = [_here(_planned(*item), data) for item in computed.items()]
    buffers, smaller = computed["shared_buffers"], _smaller(computed["shared_buffers"])
    text = operation.conf(operation.tune(inputs))
    text = text.replace(f"shared_buffers = '{buffers}'", f"shared_buffers = '{smaller}'")
    with _started(postgres16, data, text) as connection:
        assert parameter_changes(here, _running(connection)) == ()
        _set_for_roles(connection, tune(inputs).roles)


def test_quotes_and_backslashes_arrive_in_the_server(postgres16: Postgres16, data: Path) -> None:
    given = _declared()
    given["postgresql"]["parameters"] = {"log_line_prefix": AWKWARD}
    inputs = Inputs.of(Server.model_validate(given))
    planned = [_planned(setting.name, setting.value) for setting in tune(inputs).settings]
    here = [_here(item, data) for item in planned]
    for text in (operation.conf(operation.tune(inputs)), _role_s_file(here)):
        with _started(postgres16, data, text) as connection:
            assert connection.execute("SHOW log_line_prefix").fetchone() == (AWKWARD,)


@pytest.mark.parametrize("peer", PEERS)
def test_what_another_tuner_would_write_starts_too(
    postgres16: Postgres16, data: Path, peer: str
) -> None:
    inputs = operation.inputs_for(None, {}, [])
    written = PEERS[peer](inputs.machine, inputs.load, inputs.major)
    planned = [_here(_planned(*item), data) for item in written.items()]
    with _started(postgres16, data, _role_s_file(planned)) as connection:
        changes = parameter_changes(planned, _running(connection))
    assert [(change.field, change.after, change.before) for change in changes] == [
        item for item in SHOWN_OTHERWISE if item[0] in written and item[1] == written[item[0]]
    ]


@contextmanager
def _started(postgres16: Postgres16, data: Path, text: str) -> Iterator[psycopg.Connection[Any]]:
    """Start a server with *text* as its file, connect, and see that it read it all."""
    (data / "postgresql.auto.conf").write_text(text, encoding="utf-8")
    postgres16.start(data)
    try:
        with psycopg.connect(postgres16.conninfo, autocommit=True) as connection:
            assert connection.execute(ERRORS).fetchall() == []
            yield connection
    finally:
        postgres16.stop(data)


def _running(connection: psycopg.Connection[Any]) -> list[RunningParameter]:
    return [RunningParameter(*row) for row in connection.execute(RUNNING)]


def _role_s_file(parameters: list[PlannedParameter]) -> str:
    """Return the file as role postgresql_config writes it."""
    templates = Environment(
        loader=FileSystemLoader(TOP / "roles" / "postgresql_config" / "templates"),
        trim_blocks=True,
        autoescape=False,
    )
    return templates.get_template("10-labdb.conf.j2").render(
        ansible_managed="a test", postgresql_config_parameters=parameters
    )


def _planned(name: str, value: str) -> PlannedParameter:
    return PlannedParameter(name, value, "a test", "")


def _smaller(shared: str) -> str:
    return format_size(min(parse_size(shared), LARGEST_SHARED_BUFFERS))


def _here(parameter: PlannedParameter, data: Path) -> PlannedParameter:
    if parameter.name in ("ssl_cert_file", "ssl_key_file"):
        return replace(parameter, value=str(data / Path(parameter.value).name))
    if parameter.name == "shared_buffers":
        return replace(parameter, value=_smaller(parameter.value))
    return parameter


def _set_for_roles(
    connection: psycopg.Connection[Any], roles: Mapping[RoleKind, Mapping[str, str]]
) -> None:
    connection.execute("CREATE ROLE grid")
    for settings in roles.values():
        for name, value in settings.items():
            connection.execute(
                SQL("ALTER ROLE grid SET {} = {}").format(Identifier(name), Literal(value))
            )
    connection.execute("DROP ROLE grid")
