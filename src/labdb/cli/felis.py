"""The command that exports a schema as a Felis file."""

import sys

import click
import yaml

from labdb.cli import render
from labdb.cli.options import on_database


@click.command("felis")
@click.option(
    "--schema", default="raw_catalogs", show_default=True, help="Schema that tables are in."
)
@click.option(
    "--diff",
    "model",
    metavar="MODEL",
    help="Compare the tables of this model with it, and export nothing.",
)
@on_database
def felis(  # noqa: PLR0913 - one parameter an option
    schema: str,
    model: str | None,
    service: str | None,
    conninfo: str | None,
    *,
    as_json: bool,
    no_color: bool,
) -> int:
    """Print the tables of a schema as a Felis file: types, units, UCDs, keys and indexes.

    Units, UCDs and descriptions come from the COMMENTs that a load wrote, the longest text of a
    column from TAP_SCHEMA, where it is there. With --diff, differences from a model are listed
    instead, and the exit code is 1 if there are any.

    \b
    Examples:
      labdb catalogue felis --service desi > desi.yaml
      labdb catalogue felis --service desi --schema dr1
      labdb catalogue felis --service desi --diff fastspecfit
    """
    from labdb.adapters.catalogue import connection, models  # noqa: PLC0415 - keeps --help fast
    from labdb.operations.catalogue import felis as operation  # noqa: PLC0415 - the same

    target = connection.target(service, conninfo)
    if model is not None:
        answer = operation.diff(target, schema, models.load(model))
    else:
        answer = operation.export(target, schema)
    if as_json:
        render.report(answer, as_json=True)
    elif model is not None:
        render.to(render.console_for(no_color=no_color), answer)
    else:
        sys.stdout.write(
            yaml.safe_dump(
                answer.data["felis"],
                sort_keys=False, allow_unicode=True, explicit_start=True, width=100,
            )
        )  # fmt: skip
        for finding in answer.findings:
            click.echo(f"{finding.what}: {finding.why}", err=True)
    return answer.exit_code
