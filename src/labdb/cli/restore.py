"""The command restore: an instance restored to a moment, beside the running server."""

from pathlib import Path

import click

from labdb.adapters import inventory as inventories
from labdb.cli import render
from labdb.cli.options import on_server
from labdb.cli.recovery_target import must_be_one, recovery_target
from labdb.cli.show_restore import show
from labdb.cli.watch import Watch
from labdb.domain.recovery.destination import PORT
from labdb.domain.recovery.target import Kind
from labdb.errors import UsageError


@click.command()
@on_server
@recovery_target
@click.option("--database", metavar="NAME", default="", help="Restore one database alone.")
@click.option(
    "--port",
    type=click.IntRange(1024, 65535),
    default=PORT,
    show_default=True,
    help="Port of the restored instance.",
)
@click.option("--discard", is_flag=True, help="Take the restored instance away.")
def restore(  # noqa: PLR0913 - one argument an option
    server: str,
    inventory: Path,
    *,
    as_json: bool,
    no_color: bool,
    targets: list[tuple[Kind, str]],
    exclusive: bool,
    plan_only: bool,
    label: str,
    repository: int | None,
    database: str,
    port: int,
    discard: bool,
) -> int:
    """Restore to a moment, beside the running server, and say what differs.

    A backup set and the WAL after it become an instance of their own, on another port and for
    this server alone. The running server is not touched. Nothing is chosen for you: look at the
    rows, copy back what was lost, and discard the rest.

    \b
    Examples:
      labdb restore proj-pg01 -i inventories/lab --to '20 min ago' --plan
      labdb restore proj-pg01 -i inventories/lab --to '2026-11-25 09:12 Europe/Berlin'
      labdb restore proj-pg01 -i inventories/lab --xid 757 --exclusive
      labdb restore proj-pg01 -i inventories/lab --discard
    """
    from labdb.operations import restore as operation  # noqa: PLC0415 - keeps --help fast

    must_be_one(targets, {"--discard": discard})
    if discard and plan_only:
        raise UsageError("a discard has no plan", hint="leave one of --discard and --plan away")
    declaration = inventories.load(inventory, server)
    with Watch(no_color=no_color, agreed=True, quiet=as_json) as watch:
        if discard:
            report = operation.discard(declaration, watch)
        else:
            kind, text = targets[0]
            request = operation.Request(
                kind, text, exclusive, label, repository or 0, database, port
            )
            report = (
                operation.plan(declaration, request).report
                if plan_only
                else operation.restore(declaration, request, watch)
            )
    if as_json:
        render.report(report, as_json=True)
    else:
        show(report, no_color=no_color)
    return report.exit_code
