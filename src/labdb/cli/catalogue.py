"""Commands of catalogues: load files, list data models, show one."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from labdb.adapters.catalogue import models
from labdb.cli import catalogue_files, render, show_catalogue
from labdb.cli.advise import advise
from labdb.cli.check import check
from labdb.cli.felis import felis
from labdb.cli.migrate import migrate
from labdb.cli.options import color_option, json_option, on_database
from labdb.cli.partitions import partitions
from labdb.cli.tap_schema import tap_schema
from labdb.errors import UsageError


@click.group()
def catalogue() -> None:
    """Load astronomical catalogues, check them, and show the data models that they are loaded by.

    \b
    Examples:
      labdb catalogue models
      labdb catalogue show desivast
      labdb catalogue load /data/desivast --model desivast --service desi
      labdb catalogue check --service desi
    """


catalogue.add_command(check)


@catalogue.command()
@click.argument(
    "paths",
    nargs=-1,
    required=True,
    metavar="FILE_OR_DIRECTORY...",
    type=click.Path(path_type=Path),
)
@click.option("--model", required=True, help="Data model: a name, or the path of a Felis file.")
@click.option("--table", help="Load this table of the model only.")
@click.option("--as", "name", help="Name of the table in the database. Default: MODEL_TABLE.")
@click.option(
    "--schema", default="raw_catalogs", show_default=True, help="Schema that tables are in."
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 32),
    default=1,
    show_default=True,
    help="Files that are loaded at the same time.",
)
@click.option(
    "--max-rejects",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Bad rows that may be left out, of each file.",
)
@click.option("--replace", is_flag=True, help="Load a changed file in place of the old one.")
@click.option("--dry-run", is_flag=True, help="Show columns, rows, bytes and time; connect not.")
@on_database
def load(  # noqa: PLR0913 - one parameter an option
    paths: tuple[Path, ...],
    model: str,
    table: str | None,
    name: str | None,
    schema: str,
    service: str | None,
    conninfo: str | None,
    jobs: int,
    max_rejects: int,
    *,
    replace: bool,
    dry_run: bool,
    as_json: bool,
    no_color: bool,
) -> int:
    """Load catalogue files into PostgreSQL: each file whole or not at all, and none twice.

    Rows are sorted by their place on the sky and written with binary COPY; indexes, primary key
    and statistics follow after the last file. A ledger, the table load_ledger in the same
    schema, tells of each file its SHA-256, its rows, and what became NULL. A load that was
    broken off is run again as it was.

    Passwords come from ~/.pgpass or from the service, never from the command line.

    \b
    Examples:
      labdb catalogue load /data/desivast --model desivast --service desi
      labdb catalogue load /data/desivast --model desivast --dry-run
      labdb catalogue load fastspec-*.fits --model fastspecfit --service desi --jobs 2
      labdb catalogue load gaia.parquet --model positions --as gaia --service desi
    """
    operation = _operation()
    from labdb.adapters.catalogue import connection  # noqa: PLC0415 - keeps --help fast

    request = operation.Request(
        paths=paths,
        asked=operation.Asked(models.load(model), schema, table, name),
        how=operation.How(connection.target(service, conninfo), replace, max_rejects),
        jobs=jobs,
    )
    if dry_run:
        report = operation.rehearse(request)
    else:
        from labdb.cli.load_progress import LoadProgress  # noqa: PLC0415 - keeps --help fast

        with LoadProgress(no_color=no_color, quiet=as_json) as progress:
            report = operation.load(request, progress)
    return show_catalogue.tell(report, as_json=as_json, no_color=no_color)


catalogue.add_command(tap_schema)
catalogue.add_command(felis)
catalogue.add_command(migrate)

READERS = ("numpy", "astropy", "pyarrow")
"""What the extra brings; listing and showing models needs none of it."""


def _operation() -> Any:
    lacking = [name for name in READERS if find_spec(name) is None]
    if lacking:
        raise UsageError(
            "what reads catalogues is not installed",
            why=f"there is no {', '.join(lacking)}",
            hint="pip install 'astro-labdb[catalogue]'",
        )
    from labdb.operations.catalogue import load as operation  # noqa: PLC0415 - numpy is optional

    return operation


@catalogue.command(name="models")
@json_option
@color_option
def list_models(*, as_json: bool, no_color: bool) -> int:
    """List the data models that labdb has, and their tables.

    \b
    Examples:
      labdb catalogue models
      labdb catalogue models --json
    """
    answer = show_catalogue.models([models.load(name) for name in models.names()])
    if as_json:
        render.report(answer, as_json=True)
    else:
        show_catalogue.print_models(answer, no_color=no_color)
    return 0


@catalogue.command()
@click.argument("model")
@json_option
@color_option
def show(model: str, *, as_json: bool, no_color: bool) -> int:
    """Show the tables of MODEL: files, columns with units and UCDs, key, indexes.

    \b
    Examples:
      labdb catalogue show desivast
      labdb catalogue show ./my-model.yaml --json
    """
    answer = show_catalogue.model(models.load(model))
    if as_json:
        render.report(answer, as_json=True)
    else:
        show_catalogue.print_model(answer, no_color=no_color)
    return 0


catalogue.add_command(advise)
catalogue.add_command(partitions)
for command in (
    catalogue_files.export,
    catalogue_files.archive,
    catalogue_files.restore_from_archive,
):
    catalogue.add_command(command)
