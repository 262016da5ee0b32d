"""The command query: a research query of the library, asked, shown, explained or drawn."""

from importlib.util import find_spec
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from labdb.adapters import query_library
from labdb.adapters.query_library import LibraryQuery
from labdb.cli import render, show_query
from labdb.cli.options import on_database
from labdb.errors import RunError, UsageError
from labdb.report import Report

ON_SCREEN = 50
"""Rows that a terminal gets where no limit is given."""


class QueryName(click.ParamType[str]):
    """The name of a query of the library; a shell completes it."""

    name = "query"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the names that begin with *incomplete*."""
        del ctx, param
        found = (name for name in query_library.names() if name.startswith(incomplete))
        return [CompletionItem(name) for name in found]


@click.command()
@click.argument("name", type=QueryName(), metavar="[NAME]", required=False)
@click.option("--list", "listing", is_flag=True, help="List the queries, and what each answers.")
@click.option("--show", is_flag=True, help="Show parameters, columns, units and the SQL of NAME.")
@click.option("--schema", help="Schema that the tables are in: the release. Default: any.")
@click.option(
    "--use",
    "used",
    multiple=True,
    metavar="TABLE=NAME",
    help="Which table to take, where several were loaded by the same model.",
)
@click.option(
    "--set", "given", multiple=True, metavar="PARAMETER=VALUE", help="Value of a parameter."
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    help="Rows at most. Default: 50 on the terminal, all of them otherwise.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0),
    default=60,
    show_default=True,
    help="Seconds that the query may take; 0 for no end.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, and nothing else.")
@click.option("--explain", is_flag=True, help="Print the statement and its plan; run it not.")
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Draw the answer into a PNG, SVG or PDF file.",
)
@on_database
def query(  # noqa: PLR0913 - one parameter an option
    name: str | None,
    service: str | None,
    conninfo: str | None,
    schema: str | None,
    used: tuple[str, ...],
    given: tuple[str, ...],
    limit: int | None,
    timeout: float,
    plot: Path | None,
    *,
    listing: bool,
    show: bool,
    as_csv: bool,
    explain: bool,
    as_json: bool,
    no_color: bool,
) -> int:
    """Ask a research query of the library, in a transaction that cannot change anything.

    Tables are found by the ledgers of loads, whatever they are called; values of parameters are
    bound, never put into the SQL. Passwords come from ~/.pgpass or from the service.

    \b
    Examples:
      labdb query --list
      labdb query cone-search --show
      labdb query cone-search --service desi --set ra=150.1 --set dec=2.2
      labdb query quenched-fraction --service desi --schema dr1 --csv
      labdb query void-slice --service desi --plot slice.png
    """
    if listing or name is None:
        return _listed(as_json=as_json, no_color=no_color)
    found = query_library.load(name)
    if sum((show, as_csv, explain, as_json and not (show or explain))) > 1:
        raise UsageError("an answer has one form", hint="choose --show, --explain, --csv or --json")
    if show:
        return _shown(found, as_json=as_json, no_color=no_color)
    if plot is not None:
        _can_draw(found, plot)
    from labdb.adapters.catalogue import connection  # noqa: PLC0415 - keeps --help fast
    from labdb.operations import query as operation  # noqa: PLC0415 - keeps --help fast

    screen = not (as_csv or as_json or plot)
    request = operation.Request(
        found,
        given,
        schema,
        used,
        limit if limit or not screen else ON_SCREEN,
        timeout,
        explain,
    )
    report = operation.query(request, connection.target(service, conninfo))
    if plot is not None and not explain:
        _drawn(found, report, plot)
    if as_csv:
        show_query.csv_to_stdout(report)
    elif as_json:
        render.report(report, as_json=True)
    else:
        drawn = plot if plot is not None and not explain else None
        show_query.tell(report, drawn, no_color=no_color)
    return report.exit_code


def _listed(*, as_json: bool, no_color: bool) -> int:
    report = show_query.listing([query_library.load(name) for name in query_library.names()])
    if as_json:
        render.report(report, as_json=True)
    else:
        show_query.print_listing(report, no_color=no_color)
    return 0


def _shown(found: LibraryQuery, *, as_json: bool, no_color: bool) -> int:
    report = show_query.about(found)
    if as_json:
        render.report(report, as_json=True)
    else:
        show_query.print_about(report, no_color=no_color)
    return 0


def _can_draw(found: LibraryQuery, path: Path) -> None:
    if found.about.plot is None:
        able = [name for name in query_library.names() if query_library.load(name).about.plot]
        raise UsageError(
            f"the answer of {found.name} has no plot",
            why=f"these have one: {', '.join(able)}",
            hint="take --csv, and draw it as you like",
        )
    if path.suffix not in (".png", ".svg", ".pdf"):
        raise UsageError(
            f"{path.name} is no name of a picture", hint="end it with .png, .svg or .pdf"
        )
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}", hint="make it first")
    if find_spec("matplotlib") is None:
        raise UsageError("matplotlib is not installed", hint="pip install 'astro-labdb[plot]'")


def _drawn(found: LibraryQuery, report: Report, path: Path) -> None:
    from labdb.adapters.drawing import draw  # noqa: PLC0415 - matplotlib takes a second

    try:
        draw(found.about, report.data["rows"], path)
    except OSError as error:
        raise RunError(
            f"{path} cannot be written", why=str(error.strerror), hint="choose another place"
        ) from error
