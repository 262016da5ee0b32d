"""A research project: a database of its own, its people, and how much they may take."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, field_validator

from labdb.size import Size
from labdb.spec.access import Access, ClientNetwork
from labdb.spec.base import IDENTIFIER, Declared

PROJECT_NAME = r"^[a-z]([a-z0-9_]{0,53}[a-z0-9])?$"
LABEL_NAME = r"^[a-z][a-z0-9_]{0,62}$"
GROUPS = ("owner", "writer", "reader")
"""What a project's groups end in; each may do what the next one may."""
TAKEN_ROLES = {
    *("labdb_reader", "labdb_writer", "postgres", "postgres_exporter", "pgbouncer"),
    *("pgbouncer_exporter", "public", "none", "all"),
}
"""Names that PostgreSQL, its client authentication or labdb itself has a meaning for."""
TAKEN_DATABASES = {
    *("postgres", "template0", "template1", "pgbouncer"),
    *("all", "sameuser", "samerole", "samegroup", "replication"),
}

TAKEN_LABELS = {"project", "datname", "profile", "instance", "job", "group", "hostname"}

ProfileName = Literal["void-galaxies", "agn-outflows", "qso-anomalies", "cross-survey"]
PersonKind = Literal["owner", "loader", "analyst"]


class Person(Declared):
    """A role that can log in to one project's database and to no other."""

    name: str = Field(pattern=IDENTIFIER, description="Role name, unlike any other on the server.")
    kind: PersonKind = Field(
        description="owner: everything in the database; loader: make and change tables; "
        "analyst: read. Sets memory and time-outs as for access.roles."
    )
    connection_limit: int | None = Field(
        default=None, ge=-1, description="CONNECTION LIMIT, -1 for none; computed when absent."
    )


class ProjectLimits(Declared):
    """What a project may take; the profile's, or none, when absent."""

    connections: int | None = Field(
        default=None, ge=1, description="Sessions in the project's database at the same time."
    )
    temp_file_limit: Size | None = Field(
        default=None,
        ge=1 << 20,
        description="Temporary files of one process of any of its people; they cannot raise it.",
    )
    work_mem: Size | None = Field(
        default=None,
        ge=1 << 20,
        description="Memory of one sort of its analysts; no more than the memory budget leaves.",
    )
    statement_timeout_seconds: int | None = Field(
        default=None, ge=1, description="Longest statement of its analysts."
    )


class Project(Declared):
    """A research project: a database, and people who get into this one alone."""

    name: str = Field(
        pattern=PROJECT_NAME, description="Its name, which its database and its groups have too."
    )
    profile: ProfileName | None = Field(
        default=None, description="Kind of research; adds schemas, extensions and limits."
    )
    database: str | None = Field(
        default=None, pattern=IDENTIFIER, description="Its database; called like it when absent."
    )
    networks: tuple[ClientNetwork, ...] = Field(
        default=(), description="From where its people come; lines of the client table."
    )
    people: tuple[Person, ...] = Field(default=(), description="Its login roles.")
    limits: ProjectLimits = ProjectLimits()
    export: bool = Field(
        default=True, description="Part of the logical exports, where backup.export is declared."
    )

    labels: dict[Annotated[str, Field(pattern=LABEL_NAME)], str] = Field(
        default_factory=dict,
        description="Labels of metric labdb_project_info, for example {pi: who leads it}.",
    )

    @field_validator("labels")
    @classmethod
    def _labels_are_its_own(cls, labels: dict[str, str]) -> dict[str, str]:
        if taken := sorted(TAKEN_LABELS & labels.keys()):
            raise ValueError(f"label {taken[0]} is set by labdb or Prometheus; give another name")
        return labels

    @property
    def database_name(self) -> str:
        """The database's name."""
        return self.database or self.name

    @property
    def owner(self) -> str:
        """The group that owns the database."""
        return f"{self.name}_owner"

    @property
    def writer(self) -> str:
        """The group that makes and changes tables."""
        return f"{self.name}_writer"

    @property
    def reader(self) -> str:
        """The group that reads."""
        return f"{self.name}_reader"


def collisions(access: Access, projects: tuple[Project, ...]) -> Iterator[str]:
    """Yield a sentence for each name of a project that somebody else has, its key first."""
    roles = dict.fromkeys(TAKEN_ROLES, "labdb or PostgreSQL")
    roles |= {role.name: "access.roles" for role in access.roles}
    databases = dict.fromkeys(TAKEN_DATABASES, "labdb or PostgreSQL")
    databases |= {access.template: "access.template"}
    databases |= {database.name: "access.databases" for database in access.databases}
    for number, project in enumerate(projects):
        key = f"projects.{number}"
        place = f"{key}.database" if project.database else f"{key}.name"
        yield from _taken("database", project.database_name, place, databases)
        for group in GROUPS:
            yield from _taken("role", f"{project.name}_{group}", f"{key}.name", roles)
        for index, person in enumerate(project.people):
            yield from _taken("role", person.name, f"{key}.people.{index}.name", roles)


def _taken(what: str, name: str, key: str, seen: dict[str, str]) -> Iterator[str]:
    if name in seen:
        yield f"{key}: {what} {name} is {seen[name]}'s already; give another name"
    elif name.startswith("pg_"):
        yield f"{key}: {what} {name} begins with pg_, which PostgreSQL keeps for itself"
    seen.setdefault(name, key)
