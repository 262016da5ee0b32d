"""Another text of a declaration, and the roles that have something to do by it."""

from dataclasses import dataclass
from difflib import unified_diff

from labdb.adapters import inventory, vault
from labdb.adapters.inventory import Declaration
from labdb.domain.projects.affected import affected
from labdb.domain.variables import role_variables
from labdb.operations.connection import write_authority
from labdb.operations.provision import PLAYBOOK, Watcher, play_alone
from labdb.report import Report


@dataclass(frozen=True, slots=True)
class Edit:
    """A declaration with another *text*, not written yet.

    *diff* is the difference of the file's text, *roles* are those of the playbook whose variables
    differ.
    """

    declaration: Declaration
    text: str
    diff: str
    roles: tuple[str, ...]


def text_of(declaration: Declaration) -> str:
    """Return the text of the file that declares the server."""
    return inventory.server_file(declaration).read_text(encoding="utf-8")


def edited(declaration: Declaration, text: str) -> Edit:
    """Return *declaration* with *text*; nothing is written.

    Raises:
        DeclarationError: the text declares what cannot be.
    """
    wanted = inventory.with_text(declaration, text)
    name = inventory.server_file(declaration).name
    variables = (role_variables(item.server, item.environment) for item in (declaration, wanted))
    before, after = (said.splitlines(keepends=True) for said in (text_of(declaration), text))
    diff = "".join(unified_diff(before, after, name, name))
    return Edit(wanted, text, diff, affected(*variables))


def write(edit: Edit, watcher: Watcher) -> None:
    """Write the text, and make the passwords that are missing.

    Raises:
        DeclarationError: there is no vault key; nothing is written then.
    """
    declaration = edit.declaration
    vault.key(declaration)
    inventory.write_text(declaration, edit.text)
    watcher.say(f"written: {inventory.server_file(declaration)}")
    secret, made = vault.complete(declaration)
    if made:
        watcher.say(f"made: {', '.join(made)}")
    write_authority(declaration.environment.name, secret.authority.certificate)


def apply(edit: Edit, watcher: Watcher, *, command: str, summary: str) -> Report:
    """Run the roles that have something to do; PostgreSQL is not restarted.

    Raises:
        LabdbError: the playbook failed; the text stays, and labdb provision goes on.
    """
    return play_alone(
        edit.declaration,
        PLAYBOOK,
        {"postgresql_config_allow_restart": False},
        watcher,
        command=command,
        summary=lambda changed: f"{summary}; {changed} tasks changed",
        tags=edit.roles,
    )
