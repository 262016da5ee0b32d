"""Declared projects beside what their databases take; sizes in bytes, -1 for no limit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labdb.domain.projects.limits import sessions_of
from labdb.report import Finding
from labdb.spec import Project, Server


@dataclass(frozen=True, slots=True)
class Overview:
    """One project; *size* and *connections* are None where nobody could look, or it is not there.

    *people* are its login roles, *connection_limit* is the declared one of its database.
    """

    name: str
    profile: str | None
    database: str
    people: tuple[str, ...]
    networks: tuple[str, ...]
    connection_limit: int
    size: int | None
    connections: int | None


def overviews(server: Server, use: Mapping[str, Mapping[str, Any]]) -> tuple[Overview, ...]:
    """Return a line for each project of *server*; *use* is what each database takes, by name."""
    return tuple(
        _overview(project, use.get(project.database_name, {})) for project in server.projects
    )


def _overview(project: Project, use: Mapping[str, Any]) -> Overview:
    return Overview(
        name=project.name,
        profile=project.profile,
        database=project.database_name,
        people=tuple(person.name for person in project.people),
        networks=tuple(str(network) for network in project.networks),
        connection_limit=sessions_of(project),
        size=use.get("size"),
        connections=use.get("connections"),
    )


def missing(server: Server, use: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Return the projects that are declared and have no database yet."""
    return tuple(
        Finding(
            "project",
            "warning",
            f"project {project.name} is declared and not there",
            f"there is no database {project.database_name}",
            f"labdb provision {server.name}",
        )
        for project in server.projects
        if project.database_name not in use
    )
