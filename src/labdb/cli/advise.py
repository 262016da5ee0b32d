"""The command ``labdb catalogue advise``."""

import click
from rich.markup import escape

from labdb.cli import render
from labdb.cli.options import on_database
from labdb.errors import UsageError
from labdb.report import Report
from labdb.size import human_size

COLORS = {
    "as it should be": "green",
    "good to know": "dim",
    "to do": "cyan",
    "to do now": "yellow",
}


@click.command()
@click.argument("table", required=False)
@click.option("--schema", default="raw_catalogs", show_default=True, help="Schema of the table.")
@click.option("--model", help="Data model: with --rows, or of a table of your own.")
@click.option("--rows", type=click.IntRange(1), help="Rows of a table that is only planned.")
@on_database
def advise(  # noqa: PLR0913 - one parameter an option
    table: str | None,
    *,
    schema: str,
    service: str | None,
    conninfo: str | None,
    model: str | None,
    rows: int | None,
    as_json: bool,
    no_color: bool,
) -> int:
    """Advise on indexes, order, partitions and statistics of TABLE, or of all catalogues.

    Says what a table of its size should have and why, what of it is there, what is missing,
    harmful, there twice or never used, and the statement that mends it. Nothing is changed. Exit
    code 1 when something should be done now.

    With --model and --rows it advises on a table that is only planned; TABLE is then one of the
    model's, and no database is asked.

    \b
    Examples:
      labdb catalogue advise --service desi
      labdb catalogue advise fastspecfit_galaxies --service desi
      labdb catalogue advise --model fastspecfit --rows 6445927
    """
    from labdb.operations.catalogue import advise as operation  # noqa: PLC0415 - fast --help

    if rows is not None:
        if model is None:
            raise UsageError(
                "rows of what?", why="--rows needs a model", hint="add --model fastspecfit"
            )
        report = operation.advise_planned(model, rows, schema, table)
    else:
        from labdb.adapters.catalogue import connection  # noqa: PLC0415 - keeps --help fast
        from labdb.operations.catalogue.parted import place  # noqa: PLC0415 - the same

        report = operation.advise_loaded(
            connection.target(service, conninfo), place(table, schema) if table else None, model
        )
    if as_json:
        render.report(report, as_json=True)
    else:
        _print(report, no_color=no_color)
    return report.exit_code


def _print(report: Report, *, no_color: bool) -> None:
    console = render.console_for(no_color=no_color)
    console.print(f"[bold]{report.command} {report.server}[/]: {escape(report.summary)}")
    for table in report.data["tables"]:
        size = human_size(table["bytes"])
        console.print(
            f"\n[bold]{escape(table['table'])}[/], {table['rows']:,} rows, {size}", soft_wrap=True
        )
        for one in table["advice"]:
            color = COLORS[one["state"]]
            console.print(f"  [{color}]{one['state']:<15}[/] {escape(one['what'])}", soft_wrap=True)
            console.print(f"                  {escape(one['why'])}", style="dim", soft_wrap=True)
            if one["statement"]:
                console.print(f"                  {escape(one['statement'])}", soft_wrap=True)
    for finding in report.findings:
        if finding.check == "advice.model":
            console.print(f"{escape(finding.what)}; {escape(finding.hint)}", soft_wrap=True)
