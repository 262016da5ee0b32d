"""The client table becomes pg_hba.conf and both firewalls: three faces of one declaration."""

from dataclasses import asdict, dataclass
from ipaddress import IPv4Address
from typing import Any

from labdb.spec import Server

SSH_PORT = 22
EXPORTER_PORTS = {"node": 9100, "postgres": 9187, "pgbackrest": 9854}
MONITORING_ROLE = "postgres_exporter"
MONITORING_CONNECTIONS = 5
EVERYWHERE = ("0.0.0.0/0", "::/0")


@dataclass(frozen=True, slots=True)
class HbaRow:
    """One line of pg_hba.conf; ``address`` is empty for local sockets."""

    type: str
    database: str
    user: str
    address: str
    method: str
    comment: str


@dataclass(frozen=True, slots=True)
class Opening:
    """A TCP port of the guest and the networks that may reach it."""

    port: int
    sources: tuple[str, ...]
    comment: str


def hba_rows(server: Server) -> tuple[HbaRow, ...]:
    """Return the rows of pg_hba.conf, first match first.

    Sockets know who is at the other end (peer); the network needs TLS and SCRAM; what no
    row names is rejected in so many words, so that a log line says why.
    """
    rows = [
        HbaRow("local", "all", "postgres", "", "peer", "the operating-system user postgres"),
        HbaRow(
            "local", "all", MONITORING_ROLE, "", "peer map=exporter", "the exporter on this host"
        ),
        HbaRow("local", "all", "all", "", "scram-sha-256", "anybody else on this host"),
    ]
    socket_only = f"postgres,{MONITORING_ROLE}"
    rows += [
        HbaRow("host", "all", socket_only, address, "reject", "these two come by socket alone")
        for address in EVERYWHERE
    ]
    rows += [
        HbaRow(
            "hostssl",
            ",".join(client.databases),
            ",".join(client.roles),
            str(client.network),
            "scram-sha-256",
            f"client {client.name}",
        )
        for client in server.access.clients
    ]
    rows += [
        HbaRow("host", "all", "all", address, "reject", "everybody else") for address in EVERYWHERE
    ]
    return tuple(rows)


def logins(server: Server, source: str) -> tuple[tuple[str, str], ...]:
    """Return the databases and roles that may meet from the address *source*, owners first."""
    owners = {(database.name, database.owner) for database in server.access.databases}
    databases = [database.name for database in server.access.databases]
    roles = [role.name for role in server.access.roles]
    found = {
        (database, role)
        for client in server.access.clients
        if IPv4Address(source) in client.network
        for database in (databases if "all" in client.databases else client.databases)
        for role in (roles if "all" in client.roles else client.roles)
        if database in databases
    }
    return tuple(sorted(found, key=lambda login: (login not in owners, login)))


def openings(server: Server) -> tuple[Opening, ...]:
    """Return what the guest's firewall lets in: SSH first, so that nobody is locked out."""
    clients = tuple(sorted({str(client.network) for client in server.access.clients}))
    monitoring = (str(server.monitoring.address),)
    found = [
        Opening(SSH_PORT, tuple(str(network) for network in server.access.operators), "operators"),
        Opening(server.postgresql.port, clients, "clients of PostgreSQL"),
    ]
    found += [
        Opening(port, monitoring, f"{name} exporter") for name, port in EXPORTER_PORTS.items()
    ]
    return tuple(opening for opening in found if opening.sources)


def firewall_rules(server: Server) -> list[dict[str, Any]]:
    """Return :func:`openings` as plain values for the role ``host_firewall``."""
    return [asdict(opening) | {"sources": list(opening.sources)} for opening in openings(server)]


def proxmox_rules(server: Server) -> list[dict[str, Any]]:
    """Return :func:`openings` as rules of the Proxmox firewall, one for each source."""
    return [
        {
            "port": opening.port,
            "protocol": "tcp",
            "source": source,
            "comment": f"labdb: {opening.comment}",
        }
        for opening in openings(server)
        for source in opening.sources
    ]
