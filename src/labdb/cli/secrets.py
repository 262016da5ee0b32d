"""Commands on the generated secrets of a server."""

import sys
from pathlib import Path

import click

from labdb.adapters import inventory as inventories
from labdb.cli.options import inventory_option, server_argument


@click.group()
def secrets() -> None:
    """Make and show the secrets that the inventory's vault files hold.

    \b
    Examples:
      labdb secrets init proj-pg01 -i inventories/production
      labdb secrets show proj-pg01 desi_dev -i inventories/lab
    """


@secrets.command()
@server_argument
@inventory_option
def init(server: str, inventory: Path) -> int:
    """Generate what is missing into the vault files; nothing existing is changed.

    \b
    Examples:
      labdb secrets init proj-pg01 -i inventories/production
    """
    from labdb.adapters import vault  # noqa: PLC0415 - Ansible is slow to import

    declaration = inventories.load(inventory, server)
    vault.make_key(declaration)
    _, made = vault.complete(declaration)
    for name in made:
        sys.stdout.write(f"made: {name}\n")
    if not made:
        sys.stdout.write("nothing was missing\n")
    return 0


@secrets.command()
@server_argument
@click.argument("role")
@inventory_option
def show(server: str, role: str, inventory: Path) -> int:
    """Print the password of one database role, and nothing else.

    \b
    Examples:
      export PGPASSWORD="$(labdb secrets show proj-pg01 desi_dev -i inventories/lab)"
    """
    from labdb.adapters import vault  # noqa: PLC0415 - Ansible is slow to import

    sys.stdout.write(vault.password(inventories.load(inventory, server), role) + "\n")
    return 0
