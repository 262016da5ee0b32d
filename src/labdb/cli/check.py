"""The command that checks loaded catalogues against the rules of their data models."""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import click

from labdb.cli.options import on_database
from labdb.errors import UsageError


@click.command()
@click.option("--schema", help="Schema whose catalogues are checked. Default: all.")
@click.option("--table", "tables", multiple=True, metavar="NAME", help="Check this table only.")
@click.option("--model", help="Path of the Felis file of a data model that labdb does not have.")
@click.option(
    "--expect",
    type=click.Choice(["any", "full"]),
    default="any",
    show_default=True,
    help="Judge as any part of a survey, or as all of it.",
)
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a report with plots into this file.",
)
@click.option(
    "--timeout",
    type=click.IntRange(1, 86_400),
    default=600,
    show_default=True,
    help="Seconds that each statement may take.",
)
@on_database
def check(  # noqa: PLR0913 - one parameter an option
    schema: str | None,
    tables: tuple[str, ...],
    model: str | None,
    expect: str,
    html: Path | None,
    timeout: int,
    service: str | None,
    conninfo: str | None,
    *,
    as_json: bool,
    no_color: bool,
) -> int:
    """Check loaded catalogues: counts, ranges, duplicates, NULLs, references, distributions.

    The rules stand in the data model; labdb catalogue show names them. Every file must also have
    the rows that the ledger of loads says. Some rules are true of a whole survey alone, such as
    its number of rows: --expect full asks them too.

    Everything is read in one snapshot, and nothing is changed. The exit code is 1 when a rule
    fails whose severity is error; a rule of severity warning is told, and no more.

    \b
    Examples:
      labdb catalogue check --service desi
      labdb catalogue check --service desi --expect full --html check.html
      labdb catalogue check --service desi --schema dr1 --table desivast_voids --json
      labdb catalogue check --service desi --model ./mine.yaml
    """
    if html is not None:
        _need_matplotlib()
    from labdb.adapters.catalogue import connection, models  # noqa: PLC0415 - keeps --help fast
    from labdb.cli import show_check  # noqa: PLC0415 - the same
    from labdb.cli.load_progress import LoadProgress  # noqa: PLC0415 - the same
    from labdb.operations.catalogue import check as operation  # noqa: PLC0415 - the same
    from labdb.operations.catalogue import check_page  # noqa: PLC0415 - the same

    request = operation.Request(
        conninfo=connection.target(service, conninfo),
        schema=schema,
        names=tables,
        model=models.load(model) if model else None,
        expected="full" if expect == "full" else "any",
        timeout=timeout,
        plots=html is not None,
    )
    with LoadProgress(no_color=no_color, quiet=as_json) as progress:
        report = operation.check(request, progress)
    if html is not None:
        check_page.write(report, html)
        report = replace(report, data=report.data | {"html": str(html)})
    return show_check.tell(report, as_json=as_json, no_color=no_color)


def _need_matplotlib() -> None:
    if find_spec("matplotlib") is None:
        raise UsageError(
            "what draws plots is not installed",
            why="there is no matplotlib",
            hint="pip install 'astro-labdb[plot]', or check without --html",
        )
