"""One declared repository host: who stores there, and the variables of all its roles."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labdb.domain import machine_variables as common
from labdb.domain.access import EXPORTER_PORTS
from labdb.spec import Environment, RepositoryHost, Server

GROUP = "labdb-repository"
"""The operating-system group of all accounts that store here."""
REPOSITORY = "/pgbackrest"
"""Folder of the repository, as the server sees it that stores there."""


@dataclass(frozen=True, slots=True)
class Storing:
    """Whoever may store on a repository host.

    *servers* are those that declare a repository there; *unknown* says of each other one why
    nobody knows what it stores.
    """

    servers: tuple[Server, ...]
    unknown: Mapping[str, str]


def folder_of(host: RepositoryHost, server: str) -> str:
    """Return the repository of the account *server* as the host itself sees it."""
    return f"{host.storage.backup.mount}/{server}{REPOSITORY}"


def repository_host_variables(host: RepositoryHost, environment: Environment) -> dict[str, Any]:
    """Return the variables of every role for *host* in *environment*; no secret is among them."""
    return (
        common.guest(host, environment)
        | common.prefixed("operating_system", sysctl={}, hugepages=0)
        | common.storage_and_firewall(host)
        | common.prefixed(
            "repository_host",
            directory=host.storage.backup.mount,
            group=GROUP,
            servers=[server.name for server in host.access.servers],
            folders=[REPOSITORY.removeprefix("/")],
        )
        | common.exporters(host, host.monitoring, {"node": EXPORTER_PORTS["node"]}, retired=())
    )
