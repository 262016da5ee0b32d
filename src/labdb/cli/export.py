"""The command export: single databases, each proven."""

from pathlib import Path

import click

from labdb.adapters import inventory as inventories
from labdb.cli.options import on_server
from labdb.cli.show_backup import tell
from labdb.cli.watch import Watch


@click.command()
@on_server
@click.option("--history", is_flag=True, help="Show the exports that were made; make none.")
def export(server: str, inventory: Path, *, as_json: bool, no_color: bool, history: bool) -> int:
    """Export every declared database, and prove each export by restoring it.

    A timer does it each week where backup.export is declared. An export outlives a change of the
    major version; it is no substitute for a backup, because no WAL goes on from it.

    \b
    Examples:
      labdb export proj-pg01 -i inventories/production
      labdb export proj-pg01 -i inventories/production --history
    """
    from labdb.operations import export as operation  # noqa: PLC0415 - keeps --help fast

    declaration = inventories.load(inventory, server)
    if history:
        report = operation.history(declaration)
    else:
        with Watch(no_color=no_color, agreed=True, quiet=as_json) as watch:
            report = operation.export(declaration, watch)
    return tell(report, as_json=as_json, no_color=no_color)
