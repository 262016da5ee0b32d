"""The command ``labdb doctor``: is what a database holds still as fast as it was made?"""

import click
from rich.markup import escape
from rich.table import Table as Grid

from labdb.cli import render
from labdb.cli.options import on_database
from labdb.errors import UsageError
from labdb.report import Report


@click.command()
@click.option("--plans", is_flag=True, help="Judge the plans of canonical queries on catalogues.")
@click.option(
    "--time-limit",
    type=click.FloatRange(0.1, 600),
    default=10,
    show_default=True,
    help="Seconds that a single query may take.",
)
@on_database
def doctor(  # noqa: PLR0913 - one parameter an option
    *,
    plans: bool,
    service: str | None,
    conninfo: str | None,
    time_limit: float,
    as_json: bool,
    no_color: bool,
) -> int:
    """Look for what makes a database slow, and name it with the statement that mends it.

    With --plans: cones of 1 arcmin and 1 degree, cross-match, redshift slice, members of a void
    and one night of a time series are explained and run on every catalogue that was loaded, read
    only. A plan that does not ask its index, reads a large table whole, touches too many
    partitions or reads more pages than its rows need ends with exit code 1.

    \b
    Examples:
      labdb doctor --plans --service desi
      labdb doctor --plans --service desi --json | jq '.findings[]'
    """
    if not plans:
        raise UsageError("say what is to be looked at", hint="labdb doctor --plans --service desi")
    from labdb.adapters.catalogue import connection  # noqa: PLC0415 - keeps --help fast
    from labdb.operations.catalogue import guard as operation  # noqa: PLC0415 - the same

    report = operation.guard_plans(
        connection.target(service, conninfo), operation.Limits(time_limit)
    )
    if as_json:
        render.report(report, as_json=True)
    else:
        _print(report, no_color=no_color)
    return report.exit_code


def _print(report: Report, *, no_color: bool) -> None:
    console = render.console_for(no_color=no_color)
    render.to(console, report)
    if not report.data["plans"]:
        return
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for column in ("table", "query", "answered by"):
        grid.add_column(column, overflow="fold", no_wrap=column == "table")
    for column in ("rows", "pages", "at most"):
        grid.add_column(column, justify="right")
    for row in report.data["plans"]:
        whole = [f"the whole of {name}" for name in row["read_whole"]]
        grid.add_row(
            escape(row["table"]),
            escape(row["query"]),
            escape(", ".join([*row["indexes"], *whole])),
            *("not run" if row[key] is None else f"{row[key]:,.0f}"
              for key in ("rows", "pages", "bound")),
            style="red" if row["faults"] else None,
        )  # fmt: skip
    console.print(grid)
