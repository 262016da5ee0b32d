"""Declare a project, and let the roles that it concerns make it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from labdb.adapters.inventory import Declaration
from labdb.domain.projects.insertion import with_project
from labdb.domain.projects.new import new_project
from labdb.domain.variables import postgresql_parameters
from labdb.errors import UsageError
from labdb.operations.project_edit import Edit, apply, edited, text_of, write
from labdb.operations.provision import Watcher
from labdb.report import Finding, Report

COMMAND = "project create"


@dataclass(frozen=True, slots=True)
class Draft:
    """A project that is not written yet, and what the operator ought to know before."""

    name: str
    edit: Edit
    findings: tuple[Finding, ...]

    @property
    def report(self) -> Report:
        """What would be done; nothing is done yet."""
        roles = self.edit.roles
        summary = f"{self.name} would be declared, and made by {', '.join(roles)}"
        data = {"diff": self.edit.diff, "roles": list(roles)}
        server = self.edit.declaration.server.name
        return Report(COMMAND, server, summary, findings=self.findings, data=data)


def draft(
    declaration: Declaration, name: str, *, profile: str | None, networks: Sequence[str]
) -> Draft:
    """Return project *name* as it would be declared; nothing is written.

    Raises:
        UsageError: it is declared already.
        DeclarationError: it cannot be declared so.
        RefusedError: the file is written in a way that nothing can be put into.
    """
    if name in {project.name for project in declaration.server.projects}:
        raise UsageError(
            f"project {name} is declared already",
            hint=f"labdb provision {declaration.server.name} makes what is not there yet",
        )
    text = with_project(text_of(declaration), new_project(name, profile, networks))
    edit = edited(declaration, text)
    return Draft(name, edit, (*_no_network(networks), *_restart(declaration, edit.declaration)))


def create(made: Draft, watcher: Watcher) -> Report:
    """Write the project into the declaration, and make it on the server.

    Raises:
        DeclarationError: there is no vault key, which its passwords are kept with.
        LabdbError: the playbook failed; the project stays declared, and labdb provision makes it.
    """
    write(made.edit, watcher)
    ran = apply(made.edit, watcher, command=COMMAND, summary=f"{made.name} is declared and made")
    return replace(ran, findings=made.findings, data=dict(ran.data) | made.report.data)


def _no_network(networks: Sequence[str]) -> tuple[Finding, ...]:
    if networks:
        return ()
    what = "no network is declared: its people reach it from the server itself alone"
    return (Finding("network", "info", what, hint="give --network, or declare networks"),)


def _restart(before: Declaration, after: Declaration) -> tuple[Finding, ...]:
    """Tell which parameters wait for a restart, which this command does not do."""
    had = {item.name: item.value for item in postgresql_parameters(before.server)}
    names = [
        item.name
        for item in postgresql_parameters(after.server)
        if item.context == "postmaster" and had.get(item.name) != item.value
    ]
    if not names:
        return ()
    what = f"waits for a restart of PostgreSQL: {', '.join(names)}"
    return (Finding("restart", "info", what, hint=f"labdb provision {after.server.name}"),)
