"""What role ``postgresql_access`` makes: groups, login roles, and databases with their contents."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from labdb.domain.connections import MONITORING_CONNECTIONS, connection_limits
from labdb.domain.database_settings import SEARCH_PATH, database_settings
from labdb.domain.everybody import all_roles
from labdb.domain.machine_variables import prefixed
from labdb.domain.projects.apart import groups, memberships
from labdb.domain.projects.limits import sessions_of, settings_by_role
from labdb.domain.projects.profiles import profile_of
from labdb.domain.tuning import Tuning
from labdb.spec import Database, Project, Server


def access_variables(server: Server, tuning: Tuning) -> dict[str, Any]:
    """Return the variables of role ``postgresql_access``; no secret is among them.

    Raises:
        DeclarationError: a project declares more than the machine has.
    """
    return prefixed(
        "postgresql_access",
        version=server.postgresql.major,
        cluster=server.postgresql.cluster,
        port=server.postgresql.port,
        groups=[asdict(group) | {"member_of": list(group.member_of)} for group in groups(server)],
        roles=list(_roles(server, tuning)),
        monitoring_connections=MONITORING_CONNECTIONS,
        template=server.access.template,
        schemas=list(server.access.schemas),
        extensions=list(server.access.extensions),
        databases=[
            *(_of_everybody(database) for database in server.access.databases),
            *(_of_project(project) for project in server.projects),
        ],
    )


def _roles(server: Server, tuning: Tuning) -> Iterator[Mapping[str, Any]]:
    limits = {limit.role: limit.connections for limit in connection_limits(server)}
    settings, members = settings_by_role(server, tuning.roles), memberships(server)
    for role in all_roles(server):
        yield {
            "name": role.name,
            "kind": role.kind,
            "groups": [members[role.name]] if role.name in members else [],
            "connection_limit": limits[role.name],
            "settings": dict(settings[role.name]),
        }


def _of_everybody(database: Database) -> Mapping[str, Any]:
    """Return a database that the server's own roles use, by their kinds."""
    settings = database_settings(database.settings)
    return {
        "name": database.name,
        "owner": database.owner,
        "connection_limit": database.connection_limit,
        "settings": {name: value for name, value in settings.items() if name != SEARCH_PATH},
        "search_path": list(database.settings.search_path),
    }


def _of_project(project: Project) -> Mapping[str, Any]:
    """Return a database that is for the groups of one project."""
    profile = profile_of(project)
    return {
        "name": project.database_name,
        "owner": project.owner,
        "writer": project.writer,
        "reader": project.reader,
        "connection_limit": sessions_of(project),
        "settings": {},
        "search_path": [],
        "schemas": list(profile.schemas),
        "extensions": list(profile.extensions),
    }
