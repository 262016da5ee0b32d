"""Files with which libpq and everything on top of it reaches a project; no password in any."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from shlex import quote

from labdb.spec import Project, Server

MADE_BY = "# Made by labdb project client; no password is in here."
SERVICE_FILE, CERTIFICATE_FILE = "pg_service.conf", "ca.crt"


@dataclass(frozen=True, slots=True)
class Researcher:
    """Whom the files are for: the *directory* they lie in there, the *role* if it is one's own."""

    directory: PurePath
    role: str = ""


def client_files(server: Server, project: Project, who: Researcher) -> Mapping[str, str]:
    """Return the text of each file by its name; the certificate of the CA lies beside them."""
    return {
        SERVICE_FILE: _services(server, project, who),
        f"{project.name}.env": _environment(server, project, who),
    }


def _services(server: Server, project: Project, who: Researcher) -> str:
    """Return a section for PostgreSQL itself, and one for the pooler where there is one."""
    sections = {project.name: server.postgresql.port}
    if server.pooling:
        sections[f"{project.name}-pool"] = server.pooling.port
    parts = [MADE_BY]
    for name, port in sections.items():
        values = {
            "host": server.address,
            "port": str(port),
            "dbname": project.database_name,
            "user": who.role,
            "sslmode": "verify-full",
            "sslrootcert": str(who.directory / CERTIFICATE_FILE),
        }
        lines = [f"{key}={value}" for key, value in values.items() if value]
        parts.append("\n".join([f"[{name}]", *lines]))
    return "\n\n".join(parts) + "\n"


def _environment(server: Server, project: Project, who: Researcher) -> str:
    values = {
        "PGSERVICEFILE": str(who.directory / SERVICE_FILE),
        "PGSERVICE": project.name,
        "PGHOST": server.address,
        "PGPORT": str(server.postgresql.port),
        "PGDATABASE": project.database_name,
        "PGUSER": who.role,
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": str(who.directory / CERTIFICATE_FILE),
    }
    lines = [f"{key}={quote(value)}" for key, value in values.items() if value]
    return "\n".join([MADE_BY, *lines]) + "\n"
