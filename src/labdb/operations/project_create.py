"""Declare a project, and let the roles that it concerns make it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import unified_diff

from labdb.adapters import inventory, vault
from labdb.adapters.inventory import Declaration
from labdb.domain.projects.affected import affected
from labdb.domain.projects.insertion import with_project
from labdb.domain.projects.new import new_project
from labdb.domain.variables import postgresql_parameters, role_variables
from labdb.errors import UsageError
from labdb.operations.connection import write_authority
from labdb.operations.provision import PLAYBOOK, Watcher, play_alone
from labdb.report import Finding, Report

COMMAND = "project create"


@dataclass(frozen=True, slots=True)
class Draft:
    """A project that is not written yet: the declaration with it, its text, what it concerns.

    *diff* is the difference of the file's text, *roles* are the playbook's roles that have
    something to do, *findings* what the operator ought to know before.
    """

    declaration: Declaration
    name: str
    text: str
    diff: str
    roles: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def report(self) -> Report:
        """What would be done; nothing is done yet."""
        server = self.declaration.server.name
        data = {"diff": self.diff, "roles": list(self.roles)}
        summary = f"{self.name} would be declared, and made by {', '.join(self.roles)}"
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
    path = inventory.server_file(declaration)
    before = path.read_text(encoding="utf-8")
    after = with_project(before, new_project(name, profile, networks))
    wanted = inventory.with_text(declaration, after)
    variables = (role_variables(item.server, item.environment) for item in (declaration, wanted))
    diff = unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), path.name, path.name
    )
    return Draft(
        wanted,
        name,
        after,
        "".join(diff),
        affected(*variables),
        (*_no_network(networks), *_restart(declaration, wanted)),
    )


def create(made: Draft, watcher: Watcher) -> Report:
    """Write the project into the declaration, and make it on the server.

    Raises:
        DeclarationError: there is no vault key, which its passwords are kept with.
        LabdbError: the playbook failed; the project stays declared, and labdb provision makes it.
    """
    declaration = made.declaration
    vault.key(declaration)
    inventory.write_text(declaration, made.text)
    watcher.say(f"declared in {inventory.server_file(declaration)}")
    secret, new = vault.complete(declaration)
    if new:
        watcher.say(f"made: {', '.join(new)}")
    write_authority(declaration.environment.name, secret.authority.certificate)
    ran = play_alone(
        declaration,
        PLAYBOOK,
        {"postgresql_config_allow_restart": False},
        watcher,
        command=COMMAND,
        summary=lambda changed: f"{made.name} is declared and made; {changed} tasks changed",
        tags=made.roles,
    )
    return replace(ran, findings=made.findings, data=ran.data | made.report.data)


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
