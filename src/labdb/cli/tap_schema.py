"""The command that describes catalogues in TAP_SCHEMA."""

import click

from labdb.cli import render
from labdb.cli.options import on_database


@click.command("tap-schema")
@click.option(
    "--model",
    "names",
    multiple=True,
    metavar="PATH",
    help="Felis file of a model of your own that tables were loaded by; repeatable.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be written; write nothing.")
@on_database
def tap_schema(  # noqa: PLR0913 - one parameter an option
    names: tuple[str, ...],
    service: str | None,
    conninfo: str | None,
    *,
    dry_run: bool,
    as_json: bool,
    no_color: bool,
) -> int:
    """Describe the loaded catalogues in TAP_SCHEMA: units, UCDs, types, keys, for TAP clients.

    The tables are those that the ledgers of loads know; a table that was dropped vanishes. Run it
    after a load: it changes nothing when all is described. Everybody may read TAP_SCHEMA.

    \b
    Examples:
      labdb catalogue tap-schema --service desi
      labdb catalogue tap-schema --service desi --dry-run
      labdb catalogue tap-schema --service desi --model ./mine.yaml
    """
    from labdb.adapters.catalogue import connection, models  # noqa: PLC0415 - keeps --help fast
    from labdb.operations.catalogue import describe  # noqa: PLC0415 - keeps --help fast

    answer = describe.describe(
        connection.target(service, conninfo), [models.load(name) for name in names], dry_run=dry_run
    )
    if as_json:
        render.report(answer, as_json=True)
    else:
        render.to(render.console_for(no_color=no_color), answer)
    return answer.exit_code
