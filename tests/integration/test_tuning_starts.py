"""Every computed configuration is one that a real PostgreSQL 16 accepts, whole."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from tests.postgres16 import Postgres16

from labdb.domain.variables import postgresql_parameters
from labdb.spec import Server

pytestmark = pytest.mark.postgres
TOP = Path(__file__).parents[2]
# Set by roles on the guest: a certificate, a network address and an archive are not here.
NOT_HERE = {
    "ssl",
    "ssl_cert_file",
    "ssl_key_file",
    "listen_addresses",
    "archive_command",
    "archive_mode",
    "port",
}
GRID = [
    (2, "2GB", "oltp", 30, "ssd"),
    (4, "4GB", "ingest", 50, "hdd"),
    (8, "8GB", "mixed", 200, "nvme"),
    (16, "64GB", "olap", 300, "nvme"),
]


@pytest.fixture(scope="module")
def data(postgres16: Postgres16) -> Iterator[Path]:
    folder = postgres16.initialise("tuning")
    yield folder
    postgres16.stop(folder)


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
    parameters = postgresql_parameters(Server.model_validate(given))
    lines = [
        f"{item.name} = '{item.value}'"
        for item in parameters
        if item.name not in NOT_HERE and item.name != "shared_buffers"
    ]
    # Two cores and this machine's memory start it; the budget is a matter of unit tests.
    lines.append("shared_buffers = '128MB'")
    (data / "postgresql.auto.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
    postgres16.start(data)
    try:
        with psycopg.connect(postgres16.conninfo) as connection:
            errors = connection.execute(
                "SELECT name, error FROM pg_file_settings WHERE error IS NOT NULL"
            ).fetchall()
            shown = dict(
                connection.execute("SELECT lower(name), current_setting(name) FROM pg_settings")
            )
    finally:
        postgres16.stop(data)
    assert errors == []
    assert shown["work_mem"] == "4MB"
    assert shown["max_connections"] == str(connections)
