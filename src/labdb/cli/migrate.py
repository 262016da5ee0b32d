"""The command that brings tables to a newer version of their data model."""

import click

from labdb.cli import render
from labdb.cli.options import on_database


@click.command()
@click.argument("model")
@click.option(
    "--schema", default="raw_catalogs", show_default=True, help="Schema that tables are in."
)
@click.option("--dry-run", is_flag=True, help="Show the steps; change nothing.")
@on_database
def migrate(  # noqa: PLR0913 - one parameter an option
    model: str,
    schema: str,
    service: str | None,
    conninfo: str | None,
    *,
    dry_run: bool,
    as_json: bool,
    no_color: bool,
) -> int:
    """Bring tables that an older version of MODEL loaded to the version at hand.

    Each table is migrated in one transaction, and the ledger of loads has the new version then. A
    table that was altered by hand is refused, and the differences are listed. There is no way
    back: what a step dropped is gone, so take a backup first.

    \b
    Examples:
      labdb catalogue migrate fastspecfit --service desi --dry-run
      labdb catalogue migrate fastspecfit --service desi
      labdb catalogue migrate ./mine.yaml --schema dr1 --service desi
    """
    from labdb.adapters.catalogue import connection, models  # noqa: PLC0415 - keeps --help fast
    from labdb.cli.load_progress import LoadProgress  # noqa: PLC0415 - the same
    from labdb.operations.catalogue import migrate as operation  # noqa: PLC0415 - the same

    found = models.load(model)
    with LoadProgress(no_color=no_color, quiet=as_json) as progress:
        answer = operation.migrate(
            connection.target(service, conninfo),
            operation.Known(found, models.migrations(model, found)),
            schema,
            progress,
            dry_run=dry_run,
        )
    if as_json:
        render.report(answer, as_json=True)
    else:
        render.to(render.console_for(no_color=no_color), answer)
    return answer.exit_code
