"""Options and arguments that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class ServerName(click.ParamType[str]):
    """The name of a declared server; a shell completes it from the inventory."""

    name = "server"
    files: tuple[str, ...] = ("server.yml",)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the declared names that begin with *incomplete*."""
        del param
        inventory = ctx.params.get("inventory")
        if inventory is None:
            return []
        folder = Path(inventory)
        found = [path for file in self.files for path in folder.glob(f"host_vars/*/{file}")]
        names = sorted(path.parent.name for path in found)
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


class MachineName(ServerName):
    """The name of a declared machine of any kind; a shell completes it from the inventory."""

    files = ("server.yml", "repository_host.yml")


class PeerName(click.ParamType[str]):
    """The name of a tuner that labdb knows; a shell completes it."""

    name = "tuner"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the tuners that begin with *incomplete*."""
        del ctx, param
        from labdb.domain.peers import ALL, PEERS  # noqa: PLC0415 - keeps --help fast

        return [CompletionItem(name) for name in (*PEERS, ALL) if name.startswith(incomplete)]


def server_argument(command: Decorated) -> Decorated:
    """Add the argument SERVER."""
    return click.argument("server", type=ServerName(), metavar="SERVER")(command)


def inventory_option(command: Decorated) -> Decorated:
    """Add ``-i/--inventory``."""
    return click.option(
        "-i",
        "--inventory",
        type=click.Path(file_okay=False, path_type=Path),
        envvar="LABDB_INVENTORY",
        show_envvar=True,
        required=True,
        help="Inventory directory.",
    )(command)


def json_option(command: Decorated) -> Decorated:
    """Add ``--json``."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON document, versioned."
    )(command)


def color_option(command: Decorated) -> Decorated:
    """Add ``--no-color``."""
    return click.option(
        "--no-color", is_flag=True, envvar="NO_COLOR", help="Plain text, no colour."
    )(command)


def on_database(command: Decorated) -> Decorated:
    """Add what every command on a database takes."""
    service = click.option("--service", help="Service of pg_service.conf to connect to.")
    conninfo = click.option(
        "--conninfo", help="Or libpq's connection string, without a password. Default: PGHOST etc."
    )
    return service(conninfo(json_option(color_option(command))))


def on_machine(command: Decorated) -> Decorated:
    """Add what every command on one machine of any kind takes."""
    machine = click.argument("server", type=MachineName(), metavar="SERVER")
    return machine(inventory_option(json_option(color_option(command))))


def on_server(command: Decorated) -> Decorated:
    """Add what every command on one server takes."""
    return server_argument(inventory_option(json_option(color_option(command))))
