"""Projects of a server: which there are, what each takes, and how its people get in."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from labdb.adapters import shell
from labdb.adapters.content import query
from labdb.adapters.inventory import Declaration
from labdb.domain.connections import connection_limits
from labdb.domain.health import answer
from labdb.domain.projects.apart import group_of
from labdb.domain.projects.find import find
from labdb.domain.projects.limits import settings_by_role
from labdb.domain.projects.overview import missing, overviews
from labdb.domain.projects.profiles import profile_of
from labdb.domain.tuning import Inputs, tune
from labdb.errors import UnreachableError
from labdb.operations.connection import authority_file, password_command, psql
from labdb.operations.plan import unseen
from labdb.report import Finding, Report
from labdb.spec import Project

USE = "database_use"


def list_projects(declaration: Declaration) -> Report:
    """Return the declared projects, and what each takes where the server answers."""
    server = declaration.server
    use, findings = _look(declaration)
    count = len(server.projects)
    return Report(
        "project list",
        server.name,
        f"{count} {'project' if count == 1 else 'projects'}",
        findings=findings,
        data={"projects": [asdict(row) for row in overviews(server, use)]},
    )


def show_project(declaration: Declaration, name: str) -> Report:
    """Return one project: its people, how each connects, and where each one's password is.

    Raises:
        UsageError: there is no such project.
        DeclarationError: it declares more than the machine has.
    """
    server = declaration.server
    project = find(server, name)
    use, findings = _look(declaration)
    own = next(row for row in overviews(server, use) if row.name == name)
    profile = profile_of(project)
    return Report(
        "project show",
        server.name,
        f"project {name}" + (f", {project.profile}" if project.profile else ""),
        findings=tuple(item for item in findings if item.check != "project" or name in item.what),
        data={
            "project": asdict(own)
            | {
                "export": project.export,
                "schemas": [*server.access.schemas, *profile.schemas],
                "extensions": sorted({*server.access.extensions, *profile.extensions}),
                "ca_file": str(authority_file(declaration.environment.name)),
            },
            "roles": _people(declaration, project),
        },
    )


def _people(declaration: Declaration, project: Project) -> list[Mapping[str, Any]]:
    server = declaration.server
    limits = {item.role: item.connections for item in connection_limits(server)}
    settings = settings_by_role(server, tune(Inputs.of(server)).roles)
    return [
        {
            "name": person.name,
            "kind": person.kind,
            "group": group_of(project, person.kind),
            "connection_limit": limits[person.name],
            "settings": dict(settings[person.name]),
            "psql": psql(declaration, project.database_name, person.name),
            "password": password_command(declaration, person.name),
        }
        for person in project.people
    ]


def _look(declaration: Declaration) -> tuple[Mapping[str, Any], tuple[Finding, ...]]:
    """Return what each database takes, by name; a server that does not answer is a finding."""
    server = declaration.server
    if not declaration.environment.probe_addresses:
        return {}, (unseen("addresses are not probed (probe_addresses)"),)
    wanted = {
        "port": server.postgresql.port,
        "queries": [{"name": USE, "database": "postgres", "sql": query(USE)}],
    }
    try:
        seen = shell.probe(shell.guest_of(declaration), wanted)
    except UnreachableError as error:
        return {}, (unseen(f"{error.what}: {error.why}", error.hint),)
    found = answer(seen, USE)
    if found is None:
        return {}, (unseen(str(seen["queries"][USE].get("error", ""))),)
    return found, missing(server, found)
