"""One declared machine becomes the variables of all its roles: the only bridge between the two.

The command line and the playbooks call the same function, so that a plan and a run can
never mean different things. Values are plain JSON types.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from labdb.domain.access import (
    POOLER_EXPORTER,
    HbaRow,
    exporter_ports,
    hba_rows,
    pooler_rows,
)
from labdb.domain.access_variables import access_variables
from labdb.domain.connections import MONITORING_ROLE
from labdb.domain.everybody import all_databases, all_extensions, exported
from labdb.domain.health import FINGERPRINTS
from labdb.domain.machine_health import DISK_CRITICAL
from labdb.domain.machine_variables import exporters, guest, prefixed, storage_and_firewall
from labdb.domain.operating_system import huge_pages, kernel_parameters
from labdb.domain.parameters import lookup
from labdb.domain.pooling import POOLER_CONNECTIONS, POOLER_ROLE, most_clients, pools
from labdb.domain.projects.variables import project_variables
from labdb.domain.repositories import SFTP_KEY, SFTP_KNOWN_HOSTS, repositories
from labdb.domain.repository_host import repository_host_variables
from labdb.domain.server_parameters import server_settings
from labdb.domain.tuning import Inputs, Tuning, tune
from labdb.domain.tuning.space import archive_queue
from labdb.size import format_size
from labdb.spec import Environment, Machine, RepositoryHost, Server

EXTENSION_PACKAGES = {"q3c": "q3c", "vector": "pgvector", "pg_sphere": "pgsphere"}
"""Extensions that are packages of their own; the others come with the server's package."""
OPEN_FILES = 65536


@dataclass(frozen=True, slots=True)
class PlannedParameter:
    """A parameter of postgresql.conf with what it takes to change it."""

    name: str
    value: str
    reason: str
    context: str


def postgresql_parameters(server: Server) -> tuple[PlannedParameter, ...]:
    """Return every parameter that labdb sets, those set by hand applied, in the file's order.

    Raises:
        DeclarationError: the declaration does not fit the memory, or a parameter set by
            hand is not one of this major version, or not a value that it takes.
    """
    return _parameters(server, tune(Inputs.of(server)))


def _parameters(server: Server, tuning: Tuning) -> tuple[PlannedParameter, ...]:
    major = server.postgresql.major
    chosen = {item.name: item for item in (*server_settings(server), *tuning.settings)}
    return tuple(
        PlannedParameter(item.name, item.value, item.comment, lookup(item.name, major).context)
        for item in chosen.values()
    )


def role_variables(machine: Machine, environment: Environment) -> dict[str, Any]:
    """Return the variables of every role for *machine* in *environment*; no secret is among them.

    Raises:
        DeclarationError: the memory budget does not hold, and the risk was not accepted.
        TypeError: there are no roles for a machine of that kind.
    """
    match machine:
        case Server():
            return _server_variables(machine, environment)
        case RepositoryHost():
            return repository_host_variables(machine, environment)
        case _:
            raise TypeError(f"{type(machine).__name__} has no roles")


def _server_variables(server: Server, environment: Environment) -> dict[str, Any]:
    inputs = Inputs.of(server)
    tuning = tune(inputs)
    return (
        guest(server, environment)
        | _system(server, tuning)
        | storage_and_firewall(server)
        | _postgresql(server)
        | _configuration(server, tuning)
        | _backup(server, inputs)
        | access_variables(server, tuning)
        | project_variables(server)
        | _pooling(server)
        | _monitoring(server)
    )


def _system(server: Server, tuning: Tuning) -> dict[str, Any]:
    return prefixed(
        "operating_system",
        sysctl={item.name: item.value for item in kernel_parameters(server.guest.memory)},
        hugepages=huge_pages(tuning.budget.shared_buffers),
        open_files=OPEN_FILES,
    )


def _cluster(server: Server, *, port: bool = False) -> dict[str, Any]:
    wanted = server.postgresql
    values: dict[str, Any] = {"version": wanted.major, "cluster": wanted.cluster}
    return values | ({"port": wanted.port} if port else {})


def _postgresql(server: Server) -> dict[str, Any]:
    wanted = server.postgresql
    packages = [
        f"postgresql-{wanted.major}-{EXTENSION_PACKAGES[name]}"
        for name in all_extensions(server)
        if name in EXTENSION_PACKAGES
    ]
    return (
        prefixed(
            "postgresql",
            **_cluster(server, port=True),
            data_directory=wanted.data_directory,
            locale=wanted.locale,
            repository_url=wanted.repository.url,
            repository_key_url=wanted.repository.key_url,
            repository_key_sha256=wanted.repository.key_sha256 or "",
            packages=packages,
            open_files=OPEN_FILES,
            mounts=[server.storage.data.mount, server.storage.backup.mount],
        )
        | prefixed("sky_functions", version=wanted.major)
        | prefixed(
            "postgresql_tls",
            **_cluster(server),
            source=wanted.tls.source,
            common_name=server.fqdn,
            alternative_names=[f"DNS:{server.fqdn}", f"DNS:{server.name}", f"IP:{server.address}"],
            valid_days=wanted.tls.valid_days,
            renew_days=wanted.tls.renew_days,
            given_certificate=wanted.tls.certificate_file or "",
            given_key=wanted.tls.key_file or "",
        )
    )


def _configuration(server: Server, tuning: Tuning) -> dict[str, Any]:
    return prefixed(
        "postgresql_config",
        **_cluster(server),
        data_directory=server.postgresql.data_directory,
        parameters=[
            {
                "name": item.name,
                "value": item.value,
                "reason": item.reason,
                "context": item.context,
            }
            for item in _parameters(server, tuning)
        ],
        hba=_rows(hba_rows(server)),
    )


def _rows(rows: Iterable[HbaRow]) -> list[dict[str, str]]:
    return [asdict(row) for row in rows]


def _backup(server: Server, inputs: Inputs) -> dict[str, Any]:
    return (
        prefixed(
            "pgbackrest",
            **_cluster(server, port=True),
            stanza=server.stanza,
            data_directory=server.postgresql.data_directory,
            repository_path=f"{server.storage.backup.mount}/pgbackrest",
            spool_path=f"{server.storage.data.mount}/pgbackrest-spool",
            retention_days=server.backup.retention_days,
            processes=server.backup.processes,
            schedule_full=server.backup.schedule.full,
            schedule_differential=server.backup.schedule.differential,
            archive_queue_max=format_size(archive_queue(inputs)),
            followed_by=FINGERPRINTS,
            repositories=repositories(server),
        )
        | prefixed(
            "pgbackrest_sftp",
            hosts=list(server.repository_hosts),
            account=server.name,
            key=SFTP_KEY,
            known_hosts=SFTP_KNOWN_HOSTS,
        )
        | prefixed(
            "pgbackrest_replace",
            **_cluster(server, port=True),
            stanza=server.stanza,
            data_directory=server.postgresql.data_directory,
            records=records_directory(server),
        )
        | prefixed(
            "pgbackrest_restore",
            **_cluster(server),
            stanza=server.stanza,
            original=server.postgresql.data_directory,
            original_port=server.postgresql.port,
            directory=restored_directory(server),
            records=records_directory(server),
        )
        | prefixed(
            "restore_drill",
            **_cluster(server, port=True),
            stanza=server.stanza,
            original=server.postgresql.data_directory,
            directory=f"{server.storage.data.mount}/drill",
            records=records_directory(server),
            schedule=server.backup.drill.schedule,
            cpu_percent=server.backup.drill.cpu_percent,
            most_used=DISK_CRITICAL,
            invariants=[item.model_dump() for item in server.backup.drill.invariants],
        )
        | _export(server)
    )


def _export(server: Server) -> dict[str, Any]:
    wanted = server.backup.export
    if wanted is None:
        return prefixed("logical_export", enabled=False)
    return prefixed(
        "logical_export",
        enabled=True,
        **_cluster(server),
        original=server.postgresql.data_directory,
        databases=list(exported(server)),
        directory=f"{server.storage.backup.mount}/exports",
        scratch=f"{server.storage.data.mount}/export",
        schedule=wanted.schedule,
        retention_days=wanted.retention_days,
        jobs=wanted.jobs,
    )


def restored_directory(server: Server) -> str:
    """Return the folder of an instance that is restored beside the running one."""
    return f"{server.storage.data.mount}/restore"


def records_directory(server: Server) -> str:
    """Return the folder of the fingerprints that each backup is followed by."""
    return f"{server.storage.backup.mount}/fingerprints"


def _pooling(server: Server) -> dict[str, Any]:
    wanted = server.pooling
    if wanted is None:
        return prefixed("pgbouncer", enabled=False) | prefixed("pgbouncer_exporter", enabled=False)
    sizes = pools(server)
    tls = f"/etc/postgresql/{server.postgresql.major}/{server.postgresql.cluster}/tls"
    return prefixed(
        "pgbouncer",
        enabled=True,
        listen_address=server.address,
        port=wanted.port,
        mode=wanted.mode,
        max_clients=most_clients(server),
        wait_seconds=wanted.wait_seconds,
        databases=[
            {"name": database.name, "connections": max(0, database.connection_limit)}
            for database in all_databases(server)
        ],
        roles=[{"name": pool.role, "connections": pool.connections} for pool in sizes],
        hba=_rows(pooler_rows(server)),
        user=POOLER_ROLE,
        user_connections=POOLER_CONNECTIONS,
        statistics_user=POOLER_EXPORTER,
        database_port=server.postgresql.port,
        tls_directory=tls,
    ) | prefixed(
        "pgbouncer_exporter",
        enabled=True,
        user=POOLER_EXPORTER,
        pooler_port=wanted.port,
    )


def _monitoring(server: Server) -> dict[str, Any]:
    return (
        exporters(server, server.monitoring, exporter_ports(server))
        | prefixed("postgres_exporter", user=MONITORING_ROLE, database_port=server.postgresql.port)
        | prefixed("pgbackrest_exporter", stanza=server.stanza)
    )
