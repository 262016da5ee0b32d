"""The command drill: a backup restored to prove it."""

from pathlib import Path

import click

from labdb.adapters import inventory as inventories
from labdb.cli.options import on_server
from labdb.cli.show_backup import tell
from labdb.cli.watch import Watch


@click.command()
@on_server
@click.option("--set", "label", metavar="LABEL", default="", help="Backup set; the newest if none.")
@click.option("--repository", type=click.IntRange(min=1), help="Repository to take it from.")
@click.option("--seed", type=click.IntRange(min=0), help="Choose the same moment as that drill.")
@click.option("--history", is_flag=True, help="Show the drills that were made; make none.")
def drill(  # noqa: PLR0913 - one argument an option
    server: str,
    inventory: Path,
    *,
    as_json: bool,
    no_color: bool,
    label: str,
    repository: int | None,
    seed: int | None,
    history: bool,
) -> int:
    """Restore a backup to scratch, prove what came back, and take it away again.

    A timer does it each week. The newest set is restored on the server, isolated and slowly;
    every table is compared with what was recorded after the backup, WAL is replayed to a random
    moment, and pages, indexes and declared invariants are checked. Exit code 0 when the backup
    is proven, 1 when it is not, 6 when there is no space for it.

    \b
    Examples:
      labdb drill proj-pg01 -i inventories/lab
      labdb drill proj-pg01 -i inventories/lab --history
      labdb drill proj-pg01 -i inventories/production --set 20261122-020312F --json
    """
    from labdb.operations import drill as operation  # noqa: PLC0415 - keeps --help fast

    declaration = inventories.load(inventory, server)
    if history:
        report = operation.history(declaration)
    else:
        with Watch(no_color=no_color, agreed=True, quiet=as_json) as watch:
            report = operation.drill(
                declaration, watch, label=label, repository=repository or 0, seed=seed
            )
    return tell(report, as_json=as_json, no_color=no_color)
