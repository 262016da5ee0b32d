"""Read an inventory: the declared machines and the environment they share.

Ansible reads the same files; here they are read to plan, and to say exactly what is wrong
with them: file, line, key, and the spelling that was probably meant.
"""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from labdb.domain.mistakes import Mistake, mistakes
from labdb.domain.repository_host import Storing
from labdb.errors import DeclarationError
from labdb.spec import Environment, Machine, RepositoryHost, Server

_Model = TypeVar("_Model", bound=BaseModel)
_AnyMachine = TypeVar("_AnyMachine", bound=Machine)

SERVER_FILE = "server.yml"
REPOSITORY_HOST_FILE = "repository_host.yml"
VAULT_FILE = "vault.yml"


@dataclass(frozen=True, slots=True)
class MachineDeclaration:
    """One declared machine, its environment, and the inventory that holds both."""

    machine: Machine
    environment: Environment
    inventory: Path


@dataclass(frozen=True, slots=True)
class RepositoryHostDeclaration(MachineDeclaration):
    """A declared repository host."""

    machine: RepositoryHost


@dataclass(frozen=True, slots=True)
class Declaration(MachineDeclaration):
    """A declared server, and the declared hosts that keep its backups off it."""

    machine: Server
    repository_hosts: tuple[RepositoryHost, ...] = ()

    @property
    def server(self) -> Server:
        """The machine, which is a server."""
        return self.machine

    @property
    def server_vault(self) -> Path:
        """The encrypted file with the server's own secrets."""
        return self.inventory / "host_vars" / self.server.name / VAULT_FILE

    @property
    def environment_vault(self) -> Path:
        """The encrypted file with the environment's certificate authority."""
        return self.inventory / "group_vars" / "all" / VAULT_FILE


class _StrictLoader(yaml.SafeLoader):
    """A safe loader that refuses a key written twice; YAML itself keeps the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: dict[Any, int] = {}
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"key {key!r} was already written in line {seen[key]}",
                    problem_mark=key_node.start_mark,
                )
            seen[key] = key_node.start_mark.line + 1
        return super().construct_mapping(node, deep=deep)


def servers(inventory: Path) -> tuple[str, ...]:
    """Return the names of the servers declared in *inventory*.

    Raises:
        DeclarationError: *inventory* is not a directory with ``host_vars``.
    """
    if not (inventory / "host_vars").is_dir():
        raise DeclarationError(
            f"{inventory} is not an inventory",
            why="it has no directory host_vars",
            hint="give the directory with -i, or make one with: labdb init",
        )
    return _declared(inventory, SERVER_FILE)


def _declared(inventory: Path, file: str) -> tuple[str, ...]:
    found = (inventory / "host_vars").glob(f"*/{file}")
    return tuple(sorted(path.parent.name for path in found))


def load_machine(inventory: Path, name: str) -> Declaration | RepositoryHostDeclaration:
    """Return the declaration of the machine called *name*, whatever it is for.

    Raises:
        DeclarationError: as for :func:`load`.
    """
    inventory = inventory.resolve()
    if name in servers(inventory) or name not in _declared(inventory, REPOSITORY_HOST_FILE):
        return load(inventory, name)
    host = _repository_host(inventory, name)
    return RepositoryHostDeclaration(host, load_environment(inventory), inventory)


def load(inventory: Path, name: str) -> Declaration:
    """Return the declaration of the server called *name*.

    Raises:
        DeclarationError: a file is missing, is not YAML, or declares what cannot be.
    """
    inventory = inventory.resolve()
    known, hosts = servers(inventory), _declared(inventory, REPOSITORY_HOST_FILE)
    if name not in known and name in hosts:
        raise DeclarationError(
            f"{name} is a repository host",
            why="it keeps backups of servers and has no database of its own",
            hint="plan, provision, verify, status and deprovision take it; others take a server",
        )
    if name not in known:
        near = get_close_matches(name, (*known, *hosts), n=1)
        raise DeclarationError(
            f"server {name!r} is not declared in {inventory}",
            why=f"declared there: {', '.join((*known, *hosts)) or 'none'}",
            hint=f"did you mean {near[0]}?" if near else f"write host_vars/{name}/{SERVER_FILE}",
        )
    server = _server(inventory, name)
    return Declaration(
        server,
        load_environment(inventory),
        inventory,
        tuple(
            _repository_host(inventory, host) for host in server.repository_hosts if host in hosts
        ),
    )


def storing(inventory: Path, host: RepositoryHost) -> Storing:
    """Return who stores on *host*, by the declarations of the same inventory.

    A server whose declaration is no good is not known; to say why is its own plan's part.
    """
    known, found, unknown = servers(inventory), [], {}
    for name in (account.name for account in host.access.servers):
        if name not in known:
            unknown[name] = "this inventory does not declare it"
            continue
        try:
            server = _server(inventory, name)
        except DeclarationError as error:
            unknown[name] = error.what
            continue
        if host.name in server.repository_hosts:
            found.append(server)
        else:
            unknown[name] = f"it declares no repository on {host.name}"
    return Storing(tuple(found), unknown)


def server_file(declaration: Declaration) -> Path:
    """Return the file that declares the server."""
    return declaration.inventory / "host_vars" / declaration.server.name / SERVER_FILE


def with_text(declaration: Declaration, text: str) -> Declaration:
    """Return *declaration* as it would be with *text* in the server's file; nothing is written.

    Raises:
        DeclarationError: the text declares what cannot be.
    """
    server = _parsed(server_file(declaration), text, "labdb_server", Server)
    return replace(declaration, machine=server)


def write_text(declaration: Declaration, text: str) -> None:
    """Write *text* into the server's file, whole or not at all."""
    path = server_file(declaration)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.chmod(path.stat().st_mode & 0o777)
    partial.replace(path)


def _server(inventory: Path, name: str) -> Server:
    return _machine(inventory, name, SERVER_FILE, "labdb_server", Server)


def _repository_host(inventory: Path, name: str) -> RepositoryHost:
    return _machine(inventory, name, REPOSITORY_HOST_FILE, "labdb_repository_host", RepositoryHost)


def _machine(
    inventory: Path, name: str, file: str, key: str, model: type[_AnyMachine]
) -> _AnyMachine:
    path = inventory / "host_vars" / name / file
    machine = _read(path, key, model)
    if machine.name != name:
        raise DeclarationError(
            f"{path}: {key}.name is {machine.name!r}, its directory is {name!r}",
            why="host name, VM name and inventory name are one name",
            hint=f"write name: {name}",
        )
    return machine


def load_environment(inventory: Path) -> Environment:
    """Return what all servers of *inventory* share.

    Raises:
        DeclarationError: as for :func:`load`.
    """
    path = inventory / "group_vars" / "all" / "environment.yml"
    return _read(path, "labdb_environment", Environment)


def _read(path: Path, key: str, model: type[_Model]) -> _Model:
    return _parsed(path, _text(path), key, model)


def _parsed(path: Path, text: str, key: str, model: type[_Model]) -> _Model:
    try:
        document = yaml.load(text, _StrictLoader)  # noqa: S506 - derived from SafeLoader
        tree = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise DeclarationError(
            f"{path}{line}: this is not valid YAML",
            why=str(error.problem or error.context),
            hint="mind indentation, and quote text that holds ': ' or starts with * or {",
        ) from error
    if not isinstance(document, dict) or list(document) != [key]:
        raise _wrong_top(path, key, document)
    try:
        return model.model_validate(document[key])
    except ValidationError as error:
        found = mistakes(error, model)
        lines = [_sentence(mistake, key, tree) for mistake in found]
        hints = [mistake.hint for mistake in found if mistake.hint]
        raise DeclarationError(
            f"{path}: {len(found)} {'mistake' if len(found) == 1 else 'mistakes'}",
            why="\n".join(lines),
            hint="" if hints else "every key is described in the reference: labdb schema",
        ) from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise DeclarationError(
            f"{path} does not exist", why="", hint="make an inventory with: labdb init"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise DeclarationError(
            f"{path} cannot be read", why=str(error), hint="it must be readable text in UTF-8"
        ) from error


def _wrong_top(path: Path, key: str, document: Any) -> DeclarationError:
    if not isinstance(document, dict) or not document:
        return DeclarationError(
            f"{path}: it must hold one mapping, {key}",
            why="it holds none",
            hint=f"begin it with a line that says {key}:",
        )
    others = [str(name) for name in document if name != key]
    near = get_close_matches(key, others, n=1)
    return DeclarationError(
        f"{path}: it must hold one mapping, {key}, and nothing else",
        why=f"it also holds {', '.join(others)}" if key in document else f"{key} is absent",
        hint=f"write {key} in place of {near[0]}" if near else "other variables go elsewhere",
    )


def _sentence(mistake: Mistake, top: str, tree: yaml.Node | None) -> str:
    line = _line((top, *mistake.location), tree)
    hint = f"; {mistake.hint}" if mistake.hint else ""
    key = f"{top}.{mistake.key}" if mistake.key else top
    return f"line {line}: {key}: {mistake.what}{hint}"


def _line(location: tuple[str | int, ...], node: yaml.Node | None) -> int:
    """Return the line of the key at *location*, or of the nearest mapping around it."""
    line = 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            pairs = {str(key.value): (key, value) for key, value in node.value}
            if str(part) not in pairs:
                break
            key, node = pairs[str(part)]
            line = key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line
