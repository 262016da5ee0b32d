"""What the tests may ask for: the declaration, the guest, and connections as a client has them.

Run by :mod:`labdb.operations.verify`; inventory and server come in environment variables,
secrets are read from the vault here and are never passed on.
"""

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import psycopg
import pytest
import testinfra

from labdb.adapters import inventory, shell, vault
from labdb.adapters.inventory import Declaration
from labdb.domain.access import logins
from labdb.operations.connection import authority_file, exporters

OPENING = re.compile(r"ip saddr (\S+) tcp dport (\d+) .*accept.*")
ALWAYS_OPEN = ("ct state established,related accept", 'iif "lo" accept', "meta l4proto { icmp, ")

SCRAPE = """
import json, sys, urllib.request
def scrape(url):
    try:
        return urllib.request.urlopen(url, timeout=10).read().decode()
    except OSError as error:
        return str(error)
print(json.dumps({url: scrape(url) for url in sys.argv[1:]}))
"""
ANSWER_WITHIN_SECONDS = 20

Connect = Callable[..., AbstractContextManager[psycopg.Connection[tuple[Any, ...]]]]
Login = Mapping[str, Mapping[str, str]]
Sql = Callable[[str], Any]
Says = Callable[[str, str], None]


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
def opened(host: Any) -> set[tuple[str, int]]:
    """Return the networks and ports that the guest's own firewall lets in."""
    return opened_by(host.check_output("nft list table inet labdb"))


def opened_by(rules: str) -> set[tuple[str, int]]:
    """Return what nftables' *rules* open; fails when they open something in another way."""
    assert "policy drop" in rules
    lines = [line.strip() for line in rules.splitlines() if "accept" in line]
    found = {(match[1], int(match[2])) for line in lines if (match := OPENING.fullmatch(line))}
    others = [line for line in lines if not OPENING.fullmatch(line)]
    assert [line for line in others if not line.startswith(ALWAYS_OPEN)] == []
    return {(str(ip_network(source)), port) for source, port in found}


@pytest.fixture(scope="session")
def client(declaration: Declaration) -> tuple[str, str]:
    """Return a database and a role that the client table lets in from here."""
    server = declaration.server
    shell.must_be_local(server.address)
    here = shell.own_address(server.address)
    found = logins(server, here)
    if not found:
        pytest.skip(f"access.clients lets nobody in from here ({here})")
    return found[0]


@pytest.fixture(scope="session")
def login(declaration: Declaration) -> Login:
    """Return user and password by database, where the client table lets anybody in from here."""
    server = declaration.server
    roles = dict(reversed(logins(server, shell.own_address(server.address))))
    return {
        database: {"user": role, "password": vault.password(declaration, role)}
        for database, role in roles.items()
    }


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


@pytest.fixture(scope="session")
def says(host: Any, declaration: Declaration) -> Says:
    """Return a function that waits until a page of metrics says a line.

    They are read from the guest itself, all at once at first: the firewall lets nobody else
    in but the monitoring host. The first scrape after a restart may still say that all is down.
    """
    scraped = _scrape(host, *exporters(declaration).values())

    def wait(url: str, line: str) -> None:
        deadline = time.monotonic() + ANSWER_WITHIN_SECONDS
        text = scraped[url]
        while line not in text and time.monotonic() < deadline:
            time.sleep(1)
            text = _scrape(host, url)[url]
        assert line in text, f"{url} never said {line!r}; last answer: {text[:200]!r}"

    return wait


def _scrape(host: Any, *urls: str) -> dict[str, str]:
    words = " ".join(["%s"] * len(urls))
    told = host.check_output(f"python3 -c %s {words}", SCRAPE, *urls)
    answers: dict[str, str] = json.loads(told)
    return answers
