"""Write the files with which researchers reach a project."""

from pathlib import Path

from labdb.adapters.inventory import Declaration
from labdb.domain.projects.client_files import CERTIFICATE_FILE, MADE_BY, Researcher, client_files
from labdb.domain.projects.find import find
from labdb.errors import RefusedError, UsageError
from labdb.operations.connection import authority_file
from labdb.report import Change, Effect, Report


def write_client(declaration: Declaration, name: str, directory: Path, *, role: str = "") -> Report:
    """Write the files of project *name* into *directory*, and return which of them changed.

    Raises:
        UsageError: there is no such project, or *role* is none of its people.
        RefusedError: nobody made the CA yet, or another file would be overwritten.
    """
    project = find(declaration.server, name)
    people = [person.name for person in project.people]
    if role and role not in people:
        raise UsageError(
            f"{role} is not of project {name}",
            why=f"its people are {', '.join(people) or 'none'}",
            hint="leave --role out for files that are for all of them",
        )
    directory = directory.resolve()
    texts = dict(client_files(declaration.server, project, Researcher(directory, role)))
    for file in texts:
        _must_be_ours(directory / file)
    texts[CERTIFICATE_FILE] = _certificate(declaration)
    changes = [_write(directory / file, text) for file, text in texts.items()]
    return Report(
        "project client",
        declaration.server.name,
        f"files of {name} are in {directory}",
        tuple(change for change in changes if change),
        data={"directory": str(directory), "files": sorted(texts), "service": project.name},
    )


def _certificate(declaration: Declaration) -> str:
    path = authority_file(declaration.environment.name)
    if not path.is_file():
        raise RefusedError(
            f"there is no CA of {declaration.environment.name} yet",
            why=f"{path} does not exist",
            hint=f"labdb provision {declaration.server.name} writes it",
        )
    return path.read_text(encoding="utf-8")


def _must_be_ours(path: Path) -> None:
    if path.exists() and not path.read_text(encoding="utf-8").startswith(MADE_BY):
        raise RefusedError(
            f"{path} is not one of labdb's files",
            why="it would be overwritten",
            hint="give another directory with --directory",
        )


def _write(path: Path, text: str) -> Change | None:
    before = path.read_text(encoding="utf-8") if path.is_file() else None
    if before == text:
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    kind = Effect.CREATE if before is None else Effect.NEXT_SESSION
    return Change("file", path.name, None if before is None else "another", "written", kind)
