"""Who gets into which database: the people of a project into theirs, and into no other."""

from collections.abc import Mapping
from dataclasses import dataclass

from labdb.spec import PersonKind, Project, RoleKind, Server

EVERYWHERE: tuple[RoleKind, ...] = ("admin", "backup")
"""Kinds of the server's own roles that get into the database of each project."""


@dataclass(frozen=True, slots=True)
class Group:
    """A role that cannot log in: its members may what it may, and what its own groups may."""

    name: str
    member_of: tuple[str, ...]


def groups(server: Server) -> tuple[Group, ...]:
    """Return the groups of all projects: who owns may write, who writes may read."""
    return tuple(group for project in server.projects for group in _groups(project))


def _groups(project: Project) -> tuple[Group, ...]:
    return (
        Group(project.reader, ()),
        Group(project.writer, (project.reader,)),
        Group(project.owner, (project.writer,)),
    )


def memberships(server: Server) -> Mapping[str, str]:
    """Return the group of each person of each project."""
    return {
        person.name: group_of(project, person.kind)
        for project in server.projects
        for person in project.people
    }


def group_of(project: Project, kind: PersonKind) -> str:
    """Return the group that people of *kind* are members of."""
    return {"owner": project.owner, "loader": project.writer, "analyst": project.reader}[kind]


def may_meet(server: Server, database: str, role: str) -> bool:
    """Tell whether *role* has the right to connect to *database*."""
    kinds = {item.name: item.kind for item in server.access.roles}
    project = next((item for item in server.projects if item.database_name == database), None)
    if project is None:
        return role in kinds and kinds[role] != "monitoring"
    return role in {person.name for person in project.people} or kinds.get(role) in EVERYWHERE
