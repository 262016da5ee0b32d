"""The command restore-in-place: restored data in the place of the running ones."""

import sys
from pathlib import Path

import click

from labdb.adapters import inventory as inventories
from labdb.cli import render
from labdb.cli.options import on_server
from labdb.cli.recovery_target import must_be_one, recovery_target
from labdb.cli.show_restore import show
from labdb.cli.watch import Watch
from labdb.domain.recovery.target import Kind
from labdb.errors import UsageError


@click.command("restore-in-place")
@on_server
@recovery_target
@click.option("--resume", is_flag=True, help="Go on with one that was cut short.")
@click.option("--undo", is_flag=True, help="Put what was there before back in its place.")
@click.option("--forget", is_flag=True, help="Delete what was there before.")
@click.option("--confirm", metavar="NAME", help="The server's name, in place of typing it.")
@click.option(
    "--no-safety-backup",
    is_flag=True,
    help="Make no backup before: of a server that does not run, none can be made.",
)
def restore_in_place(  # noqa: PLR0913 - one argument an option
    server: str,
    inventory: Path,
    *,
    as_json: bool,
    no_color: bool,
    targets: list[tuple[Kind, str]],
    exclusive: bool,
    plan_only: bool,
    label: str,
    repository: int | None,
    resume: bool,
    undo: bool,
    forget: bool,
    confirm: str | None,
    no_safety_backup: bool,
) -> int:
    """Put restored data in the place of the running ones, with the server's name typed.

    Whoever wants back a few rows takes labdb restore, which touches nothing. Here all databases
    go back to the target. A differential backup is made first; then the set is restored while the
    server runs on; then the two change places, and the server stands still while WAL is replayed.
    Where recovery fails, they change back.

    What was there before is kept: --undo takes it back, --forget deletes it. One that was cut short
    after the two had begun to change places is refused until --resume goes on with it, or --undo
    takes back what was there.

    \b
    Examples:
      labdb restore-in-place proj-pg01 -i inventories/lab --to '20 min ago' --plan
      labdb restore-in-place proj-pg01 -i inventories/lab --to '2026-11-25 09:12 Europe/Berlin'
      labdb restore-in-place proj-pg01 -i inventories/lab --undo
      labdb restore-in-place proj-pg01 -i inventories/lab --forget --confirm proj-pg01
    """
    from labdb.operations import replace as operation  # noqa: PLC0415 - keeps --help fast
    from labdb.operations.restore import Request  # noqa: PLC0415 - the same

    others = {"--resume": resume, "--undo": undo, "--forget": forget}
    must_be_one(targets, others)
    if plan_only and any(others.values()):
        raise UsageError("only a target has a plan", hint="leave --plan away")
    declaration = inventories.load(inventory, server)
    if not plan_only and confirm is None and sys.stdin.isatty():
        what = "take back" if undo else "delete" if forget else "replace the data of"
        confirm = click.prompt(f"{what} {server}? Type its name", err=True)
    typed = confirm or ""
    with Watch(no_color=no_color, agreed=True, quiet=as_json) as watch:
        if resume:
            report = operation.resume(declaration, watch, confirm_name=typed)
        elif undo:
            report = operation.undo(declaration, watch, confirm_name=typed)
        elif forget:
            report = operation.forget(declaration, watch, confirm_name=typed)
        else:
            kind, text = targets[0]
            request = Request(kind, text, exclusive, label, repository or 0)
            report = (
                operation.plan(declaration, request)
                if plan_only
                else operation.replace(
                    declaration,
                    request,
                    watch,
                    confirm_name=typed,
                    safety_backup=not no_safety_backup,
                )
            )
    if as_json:
        render.report(report, as_json=True)
    else:
        show(report, no_color=no_color)
    return report.exit_code
