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
    database, role = _first(server)

    pooled = (
        {"pooled_psql": psql(declaration, database, role, server.pooling.port)}
        if server.pooling
        else {}
    )
    return {
        "ca_file": str(authority_file(declaration.environment.name)),
        "address": server.address,
        "port": server.postgresql.port,
        "psql": psql(declaration, database, role),
        **pooled,
        "password": password_command(declaration, role),
        "exporters": exporters(declaration),
    }


def psql(declaration: Declaration, database: str, role: str, port: int | None = None) -> str:
    """Return the command with which *role* gets into *database*; by PostgreSQL's own port."""
    server = declaration.server
    certificate = authority_file(declaration.environment.name)
    return (
        f'psql "host={server.address} port={port or server.postgresql.port} dbname={database} '
        f'user={role} sslmode=verify-full sslrootcert={certificate}"'
    )


def password_command(declaration: Declaration, role: str) -> str:
    """Return the command that prints the password of *role*."""
    return f"labdb secrets show {declaration.server.name} {role} -i {declaration.inventory}"


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
