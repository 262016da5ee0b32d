"""The command plan-data: what a catalogue will take, before it is there."""

from pathlib import Path

import click

from labdb.adapters import inventory as inventories
from labdb.adapters.catalogue import models
from labdb.cli import render
from labdb.cli.options import ServerName, color_option, json_option
from labdb.errors import UsageError


@click.command(name="plan-data")
@click.argument("server", type=ServerName(), metavar="[SERVER]", required=False)
@click.option(
    "-i",
    "--inventory",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="LABDB_INVENTORY",
    show_envvar=True,
    help="Inventory directory of SERVER.",
)
@click.option(
    "--schema", "model", required=True, help="Data model: a name, or the path of a Felis file."
)
@click.option(
    "--rows",
    multiple=True,
    required=True,
    metavar="[TABLE=]N",
    help="Rows, as 6445927 or 6.4M; of each table, where the model has several.",
)
@click.option("--table", help="Plan this table of the model only.")
@click.option("--disk", metavar="SIZE", help="Data disk. Default: that of SERVER, else 250GB.")
@click.option(
    "--rate",
    type=click.FloatRange(0, min_open=True),
    metavar="ROWS",
    help="Rows a second that a load writes here, as its last line says. Default: 6 million values "
    "a second.",
)
@json_option
@color_option
def plan_data(  # noqa: PLR0913 - one parameter an option
    server: str | None,
    inventory: Path | None,
    model: str,
    rows: tuple[str, ...],
    table: str | None,
    disk: str | None,
    rate: float | None,
    *,
    as_json: bool,
    no_color: bool,
) -> int:
    """Compute what a catalogue will take: disk, WAL, backups, time, and for how many releases.

    Nothing is read but the data model, and the declaration of SERVER. Sizes follow from the
    layout of PostgreSQL's pages; after a load they are within 15 % of what is there.

    \b
    Examples:
      labdb plan-data --schema fastspecfit --rows 6445927
      labdb plan-data --schema desivast --rows voids=6989 --rows triangle=10.4M
      labdb plan-data --schema fastspecfit --rows 20M proj-pg01 -i inventories/production
      labdb plan-data --schema ./mine.yaml --rows 1M --disk 1TB --json
    """
    from labdb.operations import plan_data as operation  # noqa: PLC0415 - keeps --help fast

    if server is not None and inventory is None:
        raise UsageError(f"in which inventory is {server} declared?", hint="give it with -i")
    declaration = inventories.load(inventory, server) if server and inventory else None
    request = operation.Request(models.load(model), rows, table, rate)
    report = operation.plan_data(request, declaration, disk)
    render.report(report, as_json=as_json, no_color=no_color)
    if not as_json:
        from labdb.cli import show_plan_data  # noqa: PLC0415 - keeps --help fast

        show_plan_data.show(report, no_color=no_color)
    return report.exit_code
