"""Commands on backups: list, run, check, expire."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from labdb.adapters import inventory as inventories
from labdb.cli.options import on_server
from labdb.cli.show_backup import tell
from labdb.cli.watch import Watch
from labdb.errors import UsageError

if TYPE_CHECKING:
    from labdb.domain.backup.units import Kind


@click.group()
def backup() -> None:
    """List, make and check backups.

    \b
    Examples:
      labdb backup list proj-pg01 -i inventories/lab
      labdb backup run proj-pg01 -i inventories/lab --kind differential
      labdb backup check proj-pg01 -i inventories/production
    """


@backup.command("list")
@on_server
def list_(server: str, inventory: Path, *, as_json: bool, no_color: bool) -> int:
    """Show every backup set: size, duration, WAL, and how long it is kept.

    \b
    Examples:
      labdb backup list proj-pg01 -i inventories/lab
      labdb backup list proj-pg01 -i inventories/lab --json | jq '.data.sets[].label'
    """
    from labdb.operations import backup as operation  # noqa: PLC0415 - keeps --help fast

    return tell(
        operation.sets(inventories.load(inventory, server)), as_json=as_json, no_color=no_color
    )


@backup.command()
@on_server
@click.option(
    "--kind",
    type=click.Choice(["full", "differential"]),
    default="differential",
    show_default=True,
    help="full copies everything; differential what changed since the newest full set.",
)
@click.option(
    "--repository",
    type=click.IntRange(1, 4),
    default=1,
    show_default=True,
    help="Where it goes: 1 is the server's own volume, 2 and more are off the host.",
)
def run(  # noqa: PLR0913 - one argument an option
    server: str, inventory: Path, *, as_json: bool, no_color: bool, kind: str, repository: int
) -> int:
    """Make a backup now, as its timer would: the same unit, priority and lock.

    Interrupting it ends the watching alone; the backup goes on.

    \b
    Examples:
      labdb backup run proj-pg01 -i inventories/lab
      labdb backup run proj-pg01 -i inventories/production --kind full
      labdb backup run proj-pg01 -i inventories/lab --kind full --repository 2
    """
    from labdb.operations import backup as operation  # noqa: PLC0415 - keeps --help fast

    declaration = inventories.load(inventory, server)
    with Watch(no_color=no_color, agreed=True, quiet=as_json) as watch:
        report = operation.run(declaration, cast("Kind", kind), watch, number=repository)
    return tell(report, as_json=as_json, no_color=no_color)


@backup.command()
@on_server
@click.option("--files", is_flag=True, help="Read every file of every repository too; takes long.")
def check(server: str, inventory: Path, *, as_json: bool, no_color: bool, files: bool) -> int:
    """Prove for every repository that WAL which is written now arrives there.

    \b
    Examples:
      labdb backup check proj-pg01 -i inventories/lab
      labdb backup check proj-pg01 -i inventories/lab --files
    """
    from labdb.operations import backup as operation  # noqa: PLC0415 - keeps --help fast

    return tell(
        operation.check(inventories.load(inventory, server), files=files),
        as_json=as_json,
        no_color=no_color,
    )


@backup.command()
@on_server
@click.option("--dry-run", is_flag=True, help="Say what would be expired; the only way there is.")
def expire(server: str, inventory: Path, *, as_json: bool, no_color: bool, dry_run: bool) -> int:
    """Say which sets the declared retention would take now.

    pgBackRest expires by itself after each backup; nothing has to be started for it.

    \b
    Examples:
      labdb backup expire proj-pg01 -i inventories/lab --dry-run
    """
    from labdb.operations import backup as operation  # noqa: PLC0415 - keeps --help fast

    if not dry_run:
        raise UsageError(
            "sets are expired after each backup, by nobody's hand",
            why="what is expired cannot be had back",
            hint="give --dry-run to see what would go; backup.retention_days decides",
        )
    return tell(
        operation.expiry(inventories.load(inventory, server)), as_json=as_json, no_color=no_color
    )
