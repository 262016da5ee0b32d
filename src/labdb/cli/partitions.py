"""Commands on the partitions of a table: list, create, detach, attach, expire."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from labdb.cli import render, show_partitions
from labdb.cli.catalogue_files import need_parquet
from labdb.cli.options import on_database

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def on_table(command: Decorated) -> Decorated:
    """Add what says which table, in which database."""
    command = on_database(command)
    for option in (
        click.option(
            "--schema", default="raw_catalogs", show_default=True, help="Schema of the table."
        ),
        click.option("--model", help="Felis file of the table, where it is not one of labdb's."),
        click.argument("table"),
    ):
        command = option(command)
    return command


@click.group(name="partitions")
def partitions() -> None:
    """See and change the partitions of a table that grows.

    \b
    Examples:
      labdb catalogue partitions list exposures --service desi
      labdb catalogue partitions create exposures --until 20291231 --service desi
      labdb catalogue partitions detach exposures exposures_20210000 --service desi
    """


def _where(table: str, given: dict[str, Any], *, dry_run: bool = False) -> Any:
    from labdb.adapters.catalogue import connection  # noqa: PLC0415 - keeps --help fast
    from labdb.operations.catalogue.parted import place  # noqa: PLC0415 - the same
    from labdb.operations.catalogue.partitions import Where  # noqa: PLC0415 - the same

    return Where(
        connection.target(given["service"], given["conninfo"]),
        place(table, given["schema"]),
        given["model"],
        dry_run,
    )


def _asked(question: str, confirm: str | None, *, dry_run: bool) -> str:
    """Return what was typed, on the command line or at the prompt."""
    if confirm is None and not dry_run and sys.stdin.isatty():
        return str(click.prompt(f"{question}? Type its name", err=True))
    return confirm or ""


@partitions.command(name="list")
@on_table
def list_(table: str, *, as_json: bool, no_color: bool, **given: Any) -> int:
    """List the partitions of TABLE: range, rows by estimate, bytes, and how even they are.

    Tables that were detached are listed too, and what was dropped with its archive.

    \b
    Examples:
      labdb catalogue partitions list exposures --service desi
      labdb catalogue partitions list dr1.exposures --service desi --json
    """
    from labdb.operations.catalogue import partitions as operation  # noqa: PLC0415 - fast --help

    report = operation.show(_where(table, given))
    if as_json:
        render.report(report, as_json=True)
    else:
        show_partitions.print_list(report, no_color=no_color)
    return report.exit_code


@partitions.command()
@on_table
@click.option("--until", type=int, required=True, help="A value that the last one is to hold.")
@click.option("--dry-run", is_flag=True, help="Show which would be made; make none.")
def create(
    table: str, *, until: int, dry_run: bool, as_json: bool, no_color: bool, **given: Any
) -> int:
    """Make the partitions of TABLE ahead, from the last one to that of a value.

    A load makes the ones that its rows need by itself; this is for who writes by other means.

    \b
    Examples:
      labdb catalogue partitions create exposures --until 20291231 --service desi
      labdb catalogue partitions create exposures --until 20291231 --service desi --dry-run
    """
    from labdb.operations.catalogue import partitions as operation  # noqa: PLC0415 - fast --help

    report = operation.create(_where(table, given, dry_run=dry_run), until)
    render.report(report, as_json=as_json, no_color=no_color)
    return report.exit_code


@partitions.command()
@on_table
@click.argument("partition")
@click.option("--confirm", metavar="NAME", help="The partition's name, in place of typing it.")
@click.option("--dry-run", is_flag=True, help="Say what would be done; do nothing.")
def detach(  # noqa: PLR0913 - one parameter an option
    table: str,
    partition: str,
    *,
    confirm: str | None,
    dry_run: bool,
    as_json: bool,
    no_color: bool,
    **given: Any,
) -> int:
    """Take PARTITION out of TABLE: it stays, under its own name, and can be attached again.

    Others go on reading and writing meanwhile. Loads of rows that belong there are refused. A
    detaching that was broken off is brought to its end by the same command.

    \b
    Examples:
      labdb catalogue partitions detach exposures exposures_20210000 --service desi
    """
    from labdb.operations.catalogue import partitions as operation  # noqa: PLC0415 - fast --help

    typed = _asked(f"detach {partition} from {table}", confirm, dry_run=dry_run)
    report = operation.detach(_where(table, given, dry_run=dry_run), partition, confirm_name=typed)
    render.report(report, as_json=as_json, no_color=no_color)
    return report.exit_code


@partitions.command()
@on_table
@click.argument("partition")
@click.option("--dry-run", is_flag=True, help="Say what would be done; do nothing.")
def attach(
    table: str, partition: str, *, dry_run: bool, as_json: bool, no_color: bool, **given: Any
) -> int:
    """Take PARTITION, which was detached, into TABLE again.

    Its rows are looked at first, under a lock that stops nobody; one that does not belong there
    fails the command, and nothing is changed.

    \b
    Examples:
      labdb catalogue partitions attach exposures exposures_20210000 --service desi
    """
    from labdb.operations.catalogue import partitions as operation  # noqa: PLC0415 - fast --help

    report = operation.attach(_where(table, given, dry_run=dry_run), partition)
    render.report(report, as_json=as_json, no_color=no_color)
    return report.exit_code


@partitions.command()
@on_table
@click.option(
    "--keep",
    type=click.IntRange(1),
    required=True,
    help="So many of the newest partitions with rows stay.",
)
@click.option("--confirm", metavar="TABLE", help="The table's name, in place of typing it.")
@click.option(
    "--archive-to",
    metavar="DIRECTORY",
    type=click.Path(path_type=Path),
    help="Archive each one into a folder below this one, prove it, and drop it.",
)
@click.option(
    "--drop-unarchived",
    metavar="PARTITION",
    multiple=True,
    help="Drop this one without an archive: its rows are gone. May be repeated.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done; do nothing.")
def expire(  # noqa: PLR0913 - one parameter an option
    table: str,
    *,
    keep: int,
    confirm: str | None,
    archive_to: Path | None,
    drop_unarchived: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
    no_color: bool,
    **given: Any,
) -> int:
    """Detach the partitions of TABLE that are older than the newest --keep, and drop them.

    Only those are dropped that --archive-to archives; without it they stay, detached, and the exit
    code is 1. One that is archived comes back by labdb catalogue restore-from-archive, and into
    the table by labdb catalogue partitions attach. A run that was broken off is taken up by the
    same command.

    \b
    Examples:
      labdb catalogue partitions expire exposures --keep 3 --service desi --dry-run
      labdb catalogue partitions expire exposures --keep 3 --archive-to /archive --service desi
    """
    from labdb.operations.catalogue import partitions as operation  # noqa: PLC0415 - fast --help

    where = _where(table, given, dry_run=dry_run)
    typed = _asked(f"let old partitions of {where.target} expire", confirm, dry_run=dry_run)
    retention = operation.Retention(keep, typed, drop_unarchived)
    if archive_to is None:
        report = operation.expire(where, retention)
    else:
        need_parquet()
        from labdb.cli.load_progress import LoadProgress  # noqa: PLC0415 - keeps --help fast
        from labdb.operations.catalogue import archive  # noqa: PLC0415 - the same

        with LoadProgress(no_color=no_color, quiet=as_json) as progress:
            report = operation.expire(
                where, retention, archive.into(where.conninfo, archive_to, progress)
            )
    render.report(report, as_json=as_json, no_color=no_color)
    return report.exit_code
