"""Commands on releases of catalogues: a schema each, and views that show one of them."""

from collections.abc import Callable
from typing import Any, TypeVar

import click
from rich.markup import escape
from rich.table import Table

from labdb.cli import render
from labdb.cli.load_progress import LoadProgress
from labdb.cli.options import on_database
from labdb.report import Report

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def _on_views(command: Decorated) -> Decorated:
    """Add where to connect to, and the schema of the views."""
    views = click.option(
        "--views", default="catalogs", show_default=True, help="Schema of the views."
    )
    return views(on_database(command))


def _changing(command: Decorated) -> Decorated:
    """Add what promote and rollback have in common."""
    patience = click.option(
        "--patience",
        type=click.FloatRange(0, 3600),
        default=5.0,
        show_default=True,
        help="Seconds to try while somebody reads a view.",
    )
    dry = click.option("--dry-run", is_flag=True, help="Look at everything; change nothing.")
    return _on_views(patience(dry(command)))


@click.group()
def release() -> None:
    """Show researchers one release of the catalogues, and change to another one at once.

    A release is a schema that catalogues were loaded into. The views of one schema, which everybody
    queries, show the tables of the promoted release.

    \b
    Examples:
      labdb catalogue load /data/dr2 --model desivast --schema dr2 --service desi
      labdb release promote dr2 --service desi --dry-run
      labdb release promote dr2 --service desi
      labdb release rollback --service desi
    """


@release.command("list")
@_on_views
def list_(
    views: str, service: str | None, conninfo: str | None, *, as_json: bool, no_color: bool
) -> int:
    """List the releases, and which one the views show.

    \b
    Examples:
      labdb release list --service desi
      labdb release list --service desi --json | jq -r .data.current
    """
    from labdb.adapters.catalogue import connection  # noqa: PLC0415 - keeps --help fast
    from labdb.operations import releases  # noqa: PLC0415 - the same

    report = releases.list_releases(connection.target(service, conninfo), views)
    render.report(report, as_json=as_json, no_color=no_color)
    if not as_json:
        render.console_for(no_color=no_color).print(_listed(report))
    return report.exit_code


def _listed(report: Report) -> Table:
    grid = _grid("release", "shown", "tables", "rows", "in its way")
    for one in report.data["releases"]:
        grid.add_row(
            escape(one["release"]),
            "yes" if one["current"] else "",
            str(one["tables"]),
            f"{one['rows']:,}",
            escape("; ".join(one["problems"])),
        )
    return grid


def _grid(*columns: str) -> Table:
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        grid.add_column(column, overflow="fold")
    return grid


@release.command()
@click.argument("name", metavar="[RELEASE]", required=False)
@_on_views
def show(  # noqa: PLR0913 - one parameter an option
    name: str | None,
    views: str,
    service: str | None,
    conninfo: str | None,
    *,
    as_json: bool,
    no_color: bool,
) -> int:
    """Show a release, or the promoted one: tables, models, files, and what was done with it.

    Exit code 1 when a view shows something else than the promoted release.

    \b
    Examples:
      labdb release show --service desi
      labdb release show dr1 --service desi --json | jq '.data.tables[].files[].sha256'
    """
    from labdb.adapters.catalogue import connection  # noqa: PLC0415 - keeps --help fast
    from labdb.operations import releases  # noqa: PLC0415 - the same

    report = releases.show(connection.target(service, conninfo), views, name)
    render.report(report, as_json=as_json, no_color=no_color)
    if not as_json:
        console = render.console_for(no_color=no_color)
        grid = _grid("table", "model", "version", "rows", "files")
        for one in report.data["tables"]:
            grid.add_row(
                escape(one["table"]),
                escape(", ".join(one["models"])),
                escape(", ".join(one["versions"])),
                f"{one['rows']:,}",
                str(len(one["files"])),
            )
        console.print(grid)
        past = _grid("what", "when", "by", "labdb")
        for line in report.data["history"]:
            past.add_row(line["action"], line["at"], escape(line["by"]), line["code_version"])
        console.print(past)
    return report.exit_code


@release.command()
@click.argument("name", metavar="RELEASE")
@click.option(
    "--recreate",
    is_flag=True,
    help="Make views anew whose columns differ, where nobody depends on them.",
)
@_changing
def promote(  # noqa: PLR0913 - one parameter an option
    name: str,
    recreate: bool,
    patience: float,
    dry_run: bool,
    views: str,
    service: str | None,
    conninfo: str | None,
    *,
    as_json: bool,
    no_color: bool,
) -> int:
    """Let all views show RELEASE, in one transaction: all of them or none.

    Refused, with everything that stands against it: a load that is not complete, versions of a
    model that are mixed, columns that are gone or have another type, readers without rights,
    somebody who reads a view in a transaction that stays open. Grants and whatever was built on
    the views stay.

    \b
    Examples:
      labdb release promote dr2 --service desi --dry-run
      labdb release promote dr2 --service desi
    """
    from labdb.adapters.catalogue import connection  # noqa: PLC0415 - keeps --help fast
    from labdb.operations import releases  # noqa: PLC0415 - the same

    request = releases.Request(
        connection.target(service, conninfo), views, recreate, dry_run, patience
    )
    with LoadProgress(no_color=no_color, quiet=as_json) as progress:
        report = releases.promote(request, name, progress)
    render.report(report, as_json=as_json, no_color=no_color)
    return report.exit_code


@release.command()
@click.argument("name", metavar="[RELEASE]", required=False)
@_changing
def rollback(  # noqa: PLR0913 - one parameter an option
    name: str | None,
    patience: float,
    dry_run: bool,
    views: str,
    service: str | None,
    conninfo: str | None,
    *,
    as_json: bool,
    no_color: bool,
) -> int:
    """Let all views show the release before, or RELEASE, which was promoted once.

    The same path as promote. Views that nobody depends on are made anew where the older release
    has fewer columns; dependents that need a newer column are named, and nothing changes then.

    \b
    Examples:
      labdb release rollback --service desi
      labdb release rollback dr1 --service desi --dry-run
    """
    from labdb.adapters.catalogue import connection  # noqa: PLC0415 - keeps --help fast
    from labdb.operations import releases  # noqa: PLC0415 - the same

    request = releases.Request(
        connection.target(service, conninfo), views, dry_run=dry_run, patience=patience
    )
    with LoadProgress(no_color=no_color, quiet=as_json) as progress:
        report = releases.rollback(request, name, progress)
    render.report(report, as_json=as_json, no_color=no_color)
    return report.exit_code
