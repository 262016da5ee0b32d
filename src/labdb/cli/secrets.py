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

    The key of a bucket is given by whoever keeps the bucket; one that is missing is told.

    \b
    Examples:
      labdb secrets init proj-pg01 -i inventories/production
    """
    from labdb.adapters import vault  # noqa: PLC0415 - Ansible is slow to import
    from labdb.operations.object_stores import object_stores  # noqa: PLC0415 - the same

    declaration = inventories.load(inventory, server)
    vault.make_key(declaration)
    _, made = vault.complete(declaration)
    missing = [finding for finding in object_stores(declaration) if finding.is_problem]
    for name in made:
        sys.stdout.write(f"made: {name}\n")
    for finding in missing:
        sys.stdout.write(f"missing: {finding.what}; {finding.hint}\n")
    if not made and not missing:
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
