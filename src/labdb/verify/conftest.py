"""What the tests may ask for: the declaration, the guest, and connections as a client has them.

Run by :mod:`labdb.operations.verify`; inventory and server come in environment variables,
secrets are read from the vault here and are never passed on.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import testinfra

from labdb.adapters import inventory, shell, vault
from labdb.adapters.inventory import Declaration
from labdb.operations.provision import authority_file

Connect = Callable[..., AbstractContextManager[psycopg.Connection[tuple[Any, ...]]]]
Sql = Callable[[str], Any]


@pytest.fixture(scope="session")
def declaration() -> Declaration:
    """Return the declared server."""
    folder = Path(os.environ["LABDB_VERIFY_INVENTORY"])
    return inventory.load(folder, os.environ["LABDB_VERIFY_SERVER"])


@pytest.fixture(scope="session")
def host(declaration: Declaration, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the guest as testinfra sees it: over SSH with its pinned key, as root."""
    guest = shell.guest_of(declaration)
    shell.must_be_local(guest.address)
    folder = tmp_path_factory.mktemp("ssh")
    lines = [
        "Host *",
        "  BatchMode yes",
        "  StrictHostKeyChecking yes",
        "  HostKeyAlgorithms ssh-ed25519",
        f"  UserKnownHostsFile {guest.known_hosts}",
        "  LogLevel ERROR",
        "  ControlMaster auto",
        f"  ControlPath {folder}/%C",
        "  ControlPersist 60",
    ]
    if guest.identity:
        lines += [f"  IdentityFile {guest.identity}", "  IdentitiesOnly yes"]
    config = folder / "config"
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return testinfra.get_host(
        f"ssh://{guest.user}@{guest.address}", ssh_config=str(config), sudo=True
    )


@pytest.fixture(scope="session")
def sql(host: Any, declaration: Declaration) -> Sql:
    """Return a function that asks PostgreSQL from inside, as its superuser; JSON comes back."""
    port = declaration.server.postgresql.port

    def ask(query: str) -> Any:
        wrapped = f"SELECT coalesce(json_agg(row_to_json(answer)), '[]') FROM ({query}) AS answer"
        answer = host.run(
            "runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -p %s -d postgres -c %s",
            str(port),
            wrapped,
        )
        assert answer.rc == 0, answer.stderr
        return json.loads(answer.stdout)

    return ask


@pytest.fixture(scope="session")
def client(declaration: Declaration) -> tuple[str, str]:
    """Return the database and the role of a client that the table lets in from here."""
    database = declaration.server.access.databases[0]
    return database.name, database.owner


@pytest.fixture(scope="session")
def connect(declaration: Declaration, client: tuple[str, str]) -> Connect:
    """Return a function that connects as a client does: over TLS, verifying everything."""
    server = declaration.server
    password = vault.password(declaration, client[1])
    shell.must_be_local(server.address)

    @contextmanager
    def open_connection(**changed: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        wanted: dict[str, str] = {
            "host": server.address,
            "port": str(server.postgresql.port),
            "dbname": client[0],
            "user": client[1],
            "password": password,
            "sslmode": "verify-full",
            "sslrootcert": str(authority_file(declaration.environment.name)),
            "connect_timeout": "10",
        }
        with psycopg.connect(psycopg.conninfo.make_conninfo("", **(wanted | changed))) as opened:
            yield opened

    return open_connection
