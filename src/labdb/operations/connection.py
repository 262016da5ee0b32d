"""How a client reaches what was made: address, CA, exporters."""

from pathlib import Path
from typing import Any

from labdb.adapters import rundir
from labdb.adapters.inventory import Declaration
from labdb.domain.access import exporter_ports
from labdb.spec import Server


def connection(declaration: Declaration) -> dict[str, Any]:
    """Return how a client connects: the CA file, a psql command for each database."""
    server = declaration.server
    certificate = authority_file(declaration.environment.name)
    database, role = _first(server)

    def psql(port: int) -> str:
        return (
            f'psql "host={server.address} port={port} dbname={database} '
            f'user={role} sslmode=verify-full sslrootcert={certificate}"'
        )

    pooled = {"pooled_psql": psql(server.pooling.port)} if server.pooling else {}
    return {
        "ca_file": str(certificate),
        "address": server.address,
        "port": server.postgresql.port,
        "psql": psql(server.postgresql.port),
        **pooled,
        "password": f"labdb secrets show {server.name} {role} -i {declaration.inventory}",
        "exporters": exporters(declaration),
    }


def _first(server: Server) -> tuple[str, str]:
    """Return a database and who works in it: the server's own, else the first project's."""
    for database in server.access.databases:
        return database.name, database.owner
    for project in server.projects:
        for person in project.people:
            return project.database_name, person.name
    return "postgres", next((role.name for role in server.access.roles), "postgres")


def exporters(declaration: Declaration) -> dict[str, str]:
    """Return the URL of each exporter's metrics."""
    address = declaration.server.address
    return {
        f"{name}_exporter": f"http://{address}:{port}/metrics"
        for name, port in exporter_ports(declaration.server).items()
    }


def authority_file(environment: str) -> Path:
    """Return the file with the CA certificate that clients of *environment* trust."""
    return rundir.environment_dir(environment) / "ca.crt"


def write_authority(environment: str, certificate: str) -> None:
    """Keep the CA certificate where clients find it."""
    path = authority_file(environment)
    if not path.is_file() or path.read_text(encoding="utf-8") != certificate:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(certificate, encoding="utf-8")
