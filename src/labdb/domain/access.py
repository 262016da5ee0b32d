"""The client table becomes client authentication and both firewalls: faces of one declaration."""

from dataclasses import asdict, dataclass
from ipaddress import IPv4Address
from typing import Any

from labdb.domain.connections import MONITORING_ROLE
from labdb.domain.everybody import all_clients, all_databases, all_roles
from labdb.domain.pooling import NOT_POOLED, POOLER_ROLE
from labdb.domain.projects.apart import may_meet
from labdb.spec import Client, Machine, RepositoryHost, Server

SSH_PORT = 22
EXPORTER_PORTS = {"node": 9100, "postgres": 9187, "pgbackrest": 9854}
POOLER_EXPORTER_PORT = 9127
POOLER_EXPORTER = "pgbouncer_exporter"
EVERY_EXPORTER = (*EXPORTER_PORTS, "pgbouncer")
POOLER_CONSOLE = "pgbouncer"
"""PgBouncer's name of a database that is none: its console."""
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
    socket_only = ["postgres", MONITORING_ROLE]
    if server.pooling:
        rows.insert(2, HbaRow("local", "postgres", POOLER_ROLE, "", "peer", "the pooler itself"))
        socket_only.append(POOLER_ROLE)
    rows += _rejected(",".join(socket_only), "these come by socket alone")
    rows += [_client(item) for item in all_clients(server)]
    rows += _rejected("all", "everybody else")
    return tuple(rows)


def logins(server: Server, source: str) -> tuple[tuple[str, str], ...]:
    """Return the databases and roles that may meet from the address *source*, owners first."""
    first = {(database.name, database.owner) for database in all_databases(server)}
    first |= {
        (project.database_name, person.name)
        for project in server.projects
        for person in project.people
        if person.kind == "owner"
    }
    databases = [database.name for database in all_databases(server)]
    roles = [role.name for role in all_roles(server)]
    found = {
        (database, role)
        for client in all_clients(server)
        if IPv4Address(source) in client.network
        for database in (databases if "all" in client.databases else client.databases)
        for role in (roles if "all" in client.roles else client.roles)
        if database in databases and may_meet(server, database, role)
    }
    return tuple(sorted(found, key=lambda login: (login not in first, login)))


def pooler_rows(server: Server) -> tuple[HbaRow, ...]:
    """Return the rows of the pooler's client authentication, first match first.

    PostgreSQL sees only the pooler's socket: who may come from where is decided here, by the
    same client table.
    """
    barred = [role.name for role in all_roles(server) if role.kind in NOT_POOLED]
    own = ["postgres", MONITORING_ROLE, POOLER_ROLE, POOLER_EXPORTER]
    never = ",".join(dict.fromkeys([*own, *barred]))
    rows = [
        HbaRow("local", POOLER_CONSOLE, POOLER_ROLE, "", "peer", "the console, for the operator"),
        HbaRow("local", POOLER_CONSOLE, POOLER_EXPORTER, "", "peer", "the exporter on this host"),
        *_rejected(never, "these do not go through the pooler"),
    ]
    rows += [_client(item) for item in all_clients(server)]
    rows += _rejected("all", "everybody else")
    return tuple(rows)


def _client(client: Client) -> HbaRow:
    databases, roles = ",".join(client.databases), ",".join(client.roles)
    comment = f"client {client.name}"
    return HbaRow("hostssl", databases, roles, str(client.network), "scram-sha-256", comment)


def _rejected(roles: str, comment: str) -> list[HbaRow]:
    return [HbaRow("host", "all", roles, address, "reject", comment) for address in EVERYWHERE]


def exporter_ports(server: Server) -> dict[str, int]:
    """Return the port of each exporter that *server* has."""
    pooler = {"pgbouncer": POOLER_EXPORTER_PORT} if server.pooling else {}
    return EXPORTER_PORTS | pooler


def openings(machine: Machine) -> tuple[Opening, ...]:
    """Return what the guest's firewall lets in: SSH first, so that nobody is locked out.

    Raises:
        TypeError: nobody knows what a machine of that kind lets in.
    """
    match machine:
        case Server():
            found = _of_server(machine)
        case RepositoryHost():
            found = _of_repository_host(machine)
        case _:
            raise TypeError(f"{type(machine).__name__} has no openings")
    return tuple(opening for opening in found if opening.sources)


def _of_server(server: Server) -> list[Opening]:
    clients = tuple(sorted({str(client.network) for client in all_clients(server)}))
    monitoring = (str(server.monitoring.address),)
    found = [
        Opening(SSH_PORT, tuple(str(network) for network in server.access.operators), "operators"),
        Opening(server.postgresql.port, clients, "clients of PostgreSQL"),
    ]
    if server.pooling:
        found.append(Opening(server.pooling.port, clients, "clients of the pooler"))
    found += [
        Opening(port, monitoring, f"{name} exporter")
        for name, port in exporter_ports(server).items()
    ]
    return found


def _of_repository_host(host: RepositoryHost) -> list[Opening]:
    monitoring = (str(host.monitoring.address),)
    return [
        Opening(SSH_PORT, tuple(str(network) for network in host.access.operators), "operators"),
        *(
            Opening(SSH_PORT, (str(server.network),), f"backups of {server.name}")
            for server in host.access.servers
        ),
        Opening(EXPORTER_PORTS["node"], monitoring, "node exporter"),
    ]


def firewall_rules(machine: Machine) -> list[dict[str, Any]]:
    """Return :func:`openings` as plain values for the role ``host_firewall``."""
    return [asdict(opening) | {"sources": list(opening.sources)} for opening in openings(machine)]


def proxmox_rules(machine: Machine) -> list[dict[str, Any]]:
    """Return :func:`openings` as rules of the Proxmox firewall, one for each source."""
    return [
        {
            "port": opening.port,
            "protocol": "tcp",
            "source": source,
            "comment": f"labdb: {opening.comment}",
        }
        for opening in openings(machine)
        for source in opening.sources
    ]
