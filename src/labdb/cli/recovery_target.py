"""The options that say where recovery stops; every command that restores takes them."""

from collections.abc import Mapping, Sequence
from functools import wraps
from typing import Any, TypeVar, cast

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

TARGETS: dict[str, Kind] = {
    "to_time": "time",
    "xid": "xid",
    "lsn": "lsn",
    "name": "name",
    "latest": "latest",
    "immediate": "immediate",
}
"""The argument of each option that is a target, and its kind."""


def recovery_target(command: Decorated) -> Decorated:
    """Add the options of a target, and of the set that it is reached from.

    The command gets every target that was given, with what was typed, as the list *targets*.
    """

    @wraps(command)
    def with_targets(*arguments: Any, **options: Any) -> Any:
        typed = {kind: options.pop(name) for name, kind in TARGETS.items()}
        # A flag that was given stands for a target without a value.
        found = [
            (kind, "" if text is True else text)
            for kind, text in typed.items()
            if text is not None and text is not False
        ]
        return command(*arguments, targets=found, **options)

    decorated: Any = with_targets
    for option in reversed(OPTIONS):
        decorated = option(decorated)
    return cast("Decorated", decorated)


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
