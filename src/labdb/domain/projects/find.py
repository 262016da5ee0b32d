"""Find a declared project by its name."""

from difflib import get_close_matches

from labdb.errors import UsageError
from labdb.spec import Project, Server


def find(server: Server, name: str) -> Project:
    """Return the project called *name*.

    Raises:
        UsageError: there is none of that name; names the nearest one.
    """
    known = {project.name: project for project in server.projects}
    if name in known:
        return known[name]
    near = get_close_matches(name, known, n=1)
    raise UsageError(
        f"there is no project {name!r} on {server.name}",
        why=f"declared there: {', '.join(known) or 'none'}",
        hint=f"did you mean {near[0]}?" if near else "labdb project create declares one",
    )
