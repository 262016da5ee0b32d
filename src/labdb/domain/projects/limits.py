"""What a project may take: its own limits, else its profile's, within what the server has."""

from collections.abc import Mapping

from labdb.domain.projects.profiles import profile_of
from labdb.errors import DeclarationError
from labdb.size import format_size, parse_size
from labdb.spec import Person, Project, ProjectLimits, RoleKind, Server

UNLIMITED = -1
SHARED = ("work_mem", "temp_file_limit")
"""Parameters that are computed so that all of them together fit the machine."""

Tuned = Mapping[RoleKind, Mapping[str, str]]


def limits_of(project: Project) -> ProjectLimits:
    """Return the limits of *project*, those of its profile where it declares none."""
    own = project.limits.model_dump(exclude_none=True)
    usual = profile_of(project).limits.model_dump(exclude_none=True)
    return ProjectLimits.model_validate(usual | own)


def sessions_of(project: Project) -> int:
    """Return the CONNECTION LIMIT of the database of *project*, -1 for none."""
    return limits_of(project).connections or UNLIMITED


def settings_by_role(server: Server, tuned: Tuned) -> Mapping[str, Mapping[str, str]]:
    """Return what ``ALTER ROLE ... SET`` sets, by role: each kind's, and a project's limits.

    Args:
        server: the declared server.
        tuned: the settings of each kind of role, as computed for the machine.

    Raises:
        DeclarationError: a project declares more than the machine has for one of its people.
    """
    found = {role.name: tuned[role.kind] for role in server.access.roles}
    for number, project in enumerate(server.projects):
        _must_fit(f"projects.{number}.limits", project, tuned)
        for person in project.people:
            found[person.name] = _settings(project, person, tuned[person.kind])
    return found


def _settings(project: Project, person: Person, tuned: Mapping[str, str]) -> Mapping[str, str]:
    return dict(tuned) | {
        name: min(value, tuned.get(name, value), key=parse_size) if name in SHARED else value
        for name, value in _limiting(limits_of(project), person).items()
    }


def _limiting(limits: ProjectLimits, person: Person) -> Mapping[str, str]:
    """Return the parameters that *limits* set for *person*; who loads may take its time."""
    found = {}
    if limits.temp_file_limit is not None:
        found["temp_file_limit"] = format_size(limits.temp_file_limit)
    if person.kind == "analyst" and limits.work_mem is not None:
        found["work_mem"] = format_size(limits.work_mem)
    if person.kind == "analyst" and limits.statement_timeout_seconds is not None:
        found["statement_timeout"] = f"{limits.statement_timeout_seconds}s"
    return found


def _must_fit(key: str, project: Project, tuned: Tuned) -> None:
    """Refuse what *project* itself declares beyond an analyst's share; a profile just yields."""
    for name in SHARED:
        declared, share = getattr(project.limits, name), tuned["analyst"].get(name)
        if declared is not None and share is not None and declared > parse_size(share):
            raise DeclarationError(
                f"{key}.{name}: {format_size(declared)} is more than an analyst's share, {share}",
                why="shares are such that all analysts together fit the machine",
                hint=f"declare {share} or less, fewer analytic_sessions, or a larger machine",
            )
