"""Roles, databases and clients of a server: those of its access table and of its projects.

Whoever asks who is on a server asks here, so that what holds for the server's own roles,
passwords, client authentication, pools, shares of connections, drift, holds for a project's.
"""

from labdb.domain.projects.limits import sessions_of
from labdb.domain.projects.profiles import profile_of
from labdb.spec import Client, Database, DatabaseRole, Project, Server


def all_roles(server: Server) -> tuple[DatabaseRole, ...]:
    """Return every role that logs in, the server's own first."""
    people = (
        DatabaseRole(name=person.name, kind=person.kind, connection_limit=person.connection_limit)
        for project in server.projects
        for person in project.people
    )
    return (*server.access.roles, *people)


def all_databases(server: Server) -> tuple[Database, ...]:
    """Return every database, the server's own first; a group owns that of a project."""
    theirs = (
        Database(
            name=project.database_name, owner=project.owner, connection_limit=sessions_of(project)
        )
        for project in server.projects
    )
    return (*server.access.databases, *theirs)


def all_clients(server: Server) -> tuple[Client, ...]:
    """Return the whole client table, the server's own rows first."""
    theirs = (row for project in server.projects for row in _clients(project))
    return (*server.access.clients, *theirs)


def _clients(project: Project) -> tuple[Client, ...]:
    if not project.people:
        return ()
    return tuple(
        Client(
            name=f"project-{project.name.replace('_', '-')}",
            network=network,
            databases=(project.database_name,),
            roles=tuple(person.name for person in project.people),
        )
        for network in project.networks
    )


def all_extensions(server: Server) -> tuple[str, ...]:
    """Return every extension of any database, each once."""
    theirs = (name for project in server.projects for name in profile_of(project).extensions)
    return tuple(dict.fromkeys((*server.access.extensions, *theirs)))


def exported(server: Server) -> tuple[str, ...]:
    """Return the databases that logical exports are made of; a project may do without."""
    without = {project.database_name for project in server.projects if not project.export}
    return tuple(item.name for item in all_databases(server) if item.name not in without)
