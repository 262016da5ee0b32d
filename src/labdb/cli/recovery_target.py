"""The options that say where recovery stops; every command that restores takes them."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import click

from labdb.domain.recovery.target import Kind
from labdb.errors import UsageError

Decorated = TypeVar("Decorated", bound=Any)

OPTIONS = (
    click.option("--to", "to_time", metavar="TIME", help="Restore to a time, with its zone."),
    click.option("--xid", metavar="NUMBER", help="Restore to a transaction."),
    click.option("--lsn", metavar="LSN", help="Restore to a position in the WAL."),
    click.option("--name", metavar="NAME", help="Restore to a named restore point."),
    click.option("--latest", is_flag=True, help="Restore to the end of the archive."),
    click.option("--immediate", is_flag=True, help="Restore to the end of the backup alone."),
    click.option("--exclusive", is_flag=True, help="Leave the transaction at the target out."),
    click.option("--plan", "plan_only", is_flag=True, help="Say what would be restored, no more."),
    click.option("--set", "label", metavar="LABEL", default="", help="Backup set to begin with."),
    click.option("--repository", type=click.IntRange(min=1), help="Repository to take it from."),
)


def recovery_target(command: Decorated) -> Decorated:
    """Add the options of a target, and of the set that it is reached from."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def given(  # noqa: PLR0913 - one argument an option
    *,
    to_time: str | None,
    xid: str | None,
    lsn: str | None,
    name: str | None,
    latest: bool,
    immediate: bool,
) -> list[tuple[Kind, str]]:
    """Return every target that was given, with what was typed."""
    named: list[tuple[Kind, str | None]] = [
        ("time", to_time),
        ("xid", xid),
        ("lsn", lsn),
        ("name", name),
        ("latest", "" if latest else None),
        ("immediate", "" if immediate else None),
    ]
    return [(kind, text) for kind, text in named if text is not None]


def must_be_one(targets: Sequence[tuple[Kind, str]], others: Mapping[str, bool]) -> None:
    """Refuse no target or several; *others* are flags that stand in the place of one.

    Raises:
        UsageError: not exactly one thing is to be done.
    """
    number = len(targets) + sum(others.values())
    if number != 1:
        options = "--to, --xid, --lsn, --name, --latest, --immediate"
        more = list(others)
        raise UsageError(
            "say one thing to do",
            why=f"{number} were given",
            hint=f"one of {', '.join([options, *more[:-1]])} and {more[-1]}",
        )
