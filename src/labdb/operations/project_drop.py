"""Take a project away after a final proven export, and bring it back from there."""

import json
from dataclasses import replace
from typing import Any

from labdb.adapters import shell
from labdb.adapters.inventory import Declaration
from labdb.domain.projects.find import find
from labdb.domain.projects.insertion import with_project
from labdb.domain.projects.removal import without_project
from labdb.domain.projects.variables import dropped_directory
from labdb.errors import RefusedError
from labdb.operations.confirmation import must_name
from labdb.operations.project_edit import Edit, apply, edited, text_of, write
from labdb.operations.provision import Watcher, play_alone
from labdb.report import Finding, Report

DROP, RESTORE = "project drop", "project restore"


def drop(declaration: Declaration, name: str, *, confirm_name: str, watcher: Watcher) -> Report:
    """Export project *name*, prove the export, drop its database and roles, undeclare it.

    Each step that is done already is no change, so a run that was interrupted is taken up.

    Raises:
        UsageError: there is no such project.
        RefusedError: the typed name is another, or the file cannot be edited.
        RunError: somebody is connected, or the export did not prove itself; nothing is dropped.
    """
    server = declaration.server
    find(server, name)
    hint = f"labdb project drop {server.name} {name} --confirm {name}"
    must_name(name, confirm_name, what="it is dropped", hint=hint, whose="project")
    edit = edited(declaration, without_project(text_of(declaration), name))
    ran = play_alone(
        declaration,
        "project_drop",
        {"project_drop_name": name, "project_drop_confirm_name": confirm_name},
        watcher,
        command=DROP,
        summary=lambda _: f"{name} is dropped",
    )
    write(edit, watcher)
    kept = Finding(
        "export",
        "info",
        f"its final export stays in {dropped_directory(server)} on {server.name}",
        hint=f"labdb project restore {server.name} {name}",
    )
    return _both(ran, _applied(edit, watcher, DROP, f"{name} is dropped"), edit, kept)


def restore(declaration: Declaration, name: str, watcher: Watcher) -> Report:
    """Bring project *name* back: its lines, its roles and passwords, its data and grants.

    Raises:
        RefusedError: no final export of it is on the server, or the file cannot be edited.
        DeclarationError: it cannot be declared any more, for example because a name is taken.
        RunError: the playbook failed; run it again, what is done stays done.
    """
    edit = _declared(declaration, name)
    write(edit, watcher)
    ran = play_alone(
        edit.declaration,
        "project_restore",
        {"project_restore_name": name},
        watcher,
        command=RESTORE,
        summary=lambda _: f"{name} is back",
    )
    return _both(ran, _applied(edit, watcher, RESTORE, f"{name} is back"), edit)


def _declared(declaration: Declaration, name: str) -> Edit:
    """Return the declaration with the project as it was declared when it was dropped."""
    text = text_of(declaration)
    if name in {project.name for project in declaration.server.projects}:
        return edited(declaration, text)
    path = f"{dropped_directory(declaration.server)}/{name}.json"
    told = shell.probe(shell.guest_of(declaration), {"texts": [path]})["texts"].get(path)
    if not told:
        raise RefusedError(
            f"there is no final export of {name} on {declaration.server.name}",
            why=f"{path} does not exist",
            hint="a project that was never dropped is made by: labdb project create",
        )
    project: dict[str, Any] = json.loads(told)
    return edited(declaration, with_project(text, project))


def _applied(edit: Edit, watcher: Watcher, command: str, summary: str) -> Report | None:
    """Run what else the text concerns; where it concerns nothing there is no run."""
    return apply(edit, watcher, command=command, summary=summary) if edit.roles else None


def _both(first: Report, second: Report | None, edit: Edit, *findings: Finding) -> Report:
    runs = [first, *([second] if second else [])]
    return replace(
        first,
        findings=findings,
        phases=tuple(phase for run in runs for phase in run.phases),
        data={
            "changed_tasks": sum(run.data["changed_tasks"] for run in runs),
            "run_directory": first.data["run_directory"],
            "diff": edit.diff,
            "roles": list(edit.roles),
        },
    )
