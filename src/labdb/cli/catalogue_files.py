"""Commands that take tables out of the database into files, and bring them back."""

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import click

from labdb.cli import render
from labdb.cli.options import on_database
from labdb.errors import UsageError
from labdb.report import Report

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
NEEDED = ("numpy", "pyarrow")


def _table(command: Decorated) -> Decorated:
    """Add which table, and how its files are written."""
    options = (
        click.argument("table"),
        click.option(
            "--schema", default="raw_catalogs", show_default=True, help="Schema that TABLE is in."
        ),
        click.option(
            "--to",
            "folder",
            required=True,
            metavar="DIRECTORY",
            type=click.Path(path_type=Path),
            help="Folder for the files: a new one, or an empty one.",
        ),
        click.option(
            "--compression",
            type=click.Choice(["zstd", "snappy", "none"]),
            default="zstd",
            show_default=True,
            help="How files are packed; every reader knows snappy.",
        ),
        click.option(
            "--row-group-rows",
            type=click.IntRange(1_000, 10_000_000),
            default=1_000_000,
            show_default=True,
            help="Rows of a row group; fewer where they would take more than 64 MiB.",
        ),
        click.option(
            "--healpix",
            "healpix_order",
            type=click.IntRange(0, 10),
            help="Divide the files by the sky: HEALPix order, nested scheme.",
        ),
        click.option(
            "--position",
            metavar="RA,DEC",
            help="Columns of the position in degrees. Default: those of the data model.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _request(given: dict[str, Any]) -> Any:
    need_parquet()
    from labdb.adapters.catalogue import connection  # noqa: PLC0415 - keeps --help fast
    from labdb.adapters.catalogue.tables import Target  # noqa: PLC0415 - keeps --help fast
    from labdb.operations.catalogue.export import Form, Request  # noqa: PLC0415 - the same

    position = tuple(given["position"].split(",")) if given["position"] else None
    if position is not None and len(position) != 2:  # noqa: PLR2004 - right ascension, declination
        raise UsageError("--position takes two columns", hint="for example --position ra,dec")
    return Request(
        connection.target(given["service"], given["conninfo"]),
        Target(given["schema"], given["table"]),
        given["folder"],
        Form(given["compression"], given["row_group_rows"], given["healpix_order"], position),
    )


def need_parquet() -> None:
    """Refuse to go on where what writes and reads Parquet is not installed."""
    lacking = [name for name in NEEDED if find_spec(name) is None]
    if lacking:
        raise UsageError(
            "what writes Parquet is not installed",
            why=f"there is no {', '.join(lacking)}",
            hint="pip install 'astro-labdb[catalogue]'",
        )


def _tell(report: Report, *, as_json: bool, no_color: bool) -> int:
    render.report(report, as_json=as_json, no_color=no_color)
    return report.exit_code


@click.command()
@_table
@click.option("--dry-run", is_flag=True, help="Show rows and column types; write nothing.")
@on_database
def export(*, dry_run: bool, as_json: bool, no_color: bool, **given: Any) -> int:
    """Write TABLE into Parquet files: one snapshot, read back and proven before it counts.

    The folder gets its name when all files are complete. Its manifest.json has the SHA-256 of each
    file, types, data model, snapshot and fingerprint. Types stay what they are, NULL stays NULL;
    unit, UCD and description stand in each column's metadata. model.yaml in the folder is the data
    model by which labdb catalogue load takes the files again.

    \b
    Examples:
      labdb catalogue export fastspecfit_galaxies --to /data/out/galaxies --service desi
      labdb catalogue export positions --to out --healpix 3 --service desi
      labdb catalogue export positions --to out --schema dr1 --service desi --dry-run
    """
    request = _request(given)
    from labdb.cli.load_progress import LoadProgress  # noqa: PLC0415 - keeps --help fast
    from labdb.operations.catalogue import export as operation  # noqa: PLC0415 - the same

    with LoadProgress(no_color=no_color, quiet=as_json) as progress:
        report = operation.export(request, progress, dry_run=dry_run)
    return _tell(report, as_json=as_json, no_color=no_color)


@click.command()
@_table
@click.option("--confirm", metavar="TABLE", help="The table's name, in place of typing it.")
@click.option("--dry-run", is_flag=True, help="Show what depends on it; change nothing.")
@on_database
def archive(
    *, confirm: str | None, dry_run: bool, as_json: bool, no_color: bool, **given: Any
) -> int:
    """Export TABLE, prove the files, and drop it: its name is asked for.

    At any moment the table is there, or its archive is whole. Refused where a view or a foreign key
    needs the table; nothing is ever dropped with it. A run that was killed is taken up by the same
    command. The table archive_ledger in the same schema tells of every archive.

    \b
    Examples:
      labdb catalogue archive exposures_2023 --to /data/archive/exposures_2023 --service desi
      labdb catalogue archive positions --to /data/archive/positions --dry-run --service desi
    """
    request = _request(given)
    from labdb.cli.load_progress import LoadProgress  # noqa: PLC0415 - keeps --help fast
    from labdb.operations.catalogue import archive as operation  # noqa: PLC0415 - the same

    if confirm is None and not dry_run and sys.stdin.isatty():
        confirm = click.prompt(f"archive and drop {request.target}? Type its name", err=True)
    with LoadProgress(no_color=no_color, quiet=as_json) as progress:
        report = operation.archive(request, operation.How(confirm or "", dry_run), progress)
    return _tell(report, as_json=as_json, no_color=no_color)


@click.command("restore-from-archive")
@click.argument("folder", metavar="DIRECTORY", type=click.Path(path_type=Path))
@click.option("--trusted", is_flag=True, help="Believe an archive that this database has not made.")
@click.option("--dry-run", is_flag=True, help="Look at all files; change nothing.")
@on_database
def restore_from_archive(  # noqa: PLR0913 - one parameter an option
    folder: Path,
    service: str | None,
    conninfo: str | None,
    *,
    trusted: bool,
    dry_run: bool,
    as_json: bool,
    no_color: bool,
) -> int:
    """Bring back the table whose archive is in DIRECTORY, equal to what was archived.

    Rows, comments, keys, indexes, grants, statistics and the lines of the ledger of loads come
    back in one transaction, or nothing does. Refused where a table of the name stands, or where a
    file is missing or changed; all of those are named.

    \b
    Examples:
      labdb catalogue restore-from-archive /data/archive/exposures_2023 --service desi
      labdb catalogue restore-from-archive /media/copy/exposures_2023 --trusted --service other
    """
    need_parquet()
    from labdb.adapters.catalogue import connection  # noqa: PLC0415 - keeps --help fast
    from labdb.cli.load_progress import LoadProgress  # noqa: PLC0415 - the same
    from labdb.operations.catalogue import restore_archive  # noqa: PLC0415 - the same

    place = connection.target(service, conninfo)
    with LoadProgress(no_color=no_color, quiet=as_json) as progress:
        report = restore_archive.restore(place, folder, progress, trusted=trusted, dry_run=dry_run)
    return _tell(report, as_json=as_json, no_color=no_color)
