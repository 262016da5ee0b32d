"""The command runbook: what to do when a machine is lost."""

import sys
from pathlib import Path

import click

from labdb.adapters import inventory as inventories
from labdb.cli.options import inventory_option, server_argument


@click.command()
@server_argument
@inventory_option
def runbook(server: str, inventory: Path) -> int:
    """Print what to do when a machine is lost, as Markdown, written from the declaration.

    \b
    Examples:
      labdb runbook proj-pg01 -i inventories/lab
      labdb runbook proj-pg01 -i inventories/production > runbook.md
    """
    from labdb.domain.runbook import runbook as written  # noqa: PLC0415 - keeps --help fast

    declared = inventories.load(inventory, server)
    sys.stdout.write(written(declared.server, declared.repository_hosts, str(inventory)))
    return 0
