"""Commands on one declared machine: plan, provision, verify, status, deprovision."""

import sys
from pathlib import Path

import click

from labdb.adapters import inventory as inventories
from labdb.cli import render
from labdb.cli.options import on_machine
from labdb.cli.watch import Watch
from labdb.errors import UsageError

RERUN_HELP = "Allow changes that make cloud-init run again (new SSH host keys)."
RESTART_HELP = "Allow a restart of the guest where a change needs one."


@click.command()
@on_machine
@click.option("--offline", is_flag=True, help="Compute from the declaration alone; ask nobody.")
@click.option("--allow-cloud-init-rerun", is_flag=True, help=RERUN_HELP)
@click.option("--allow-guest-restart", is_flag=True, help=RESTART_HELP)
def plan(  # noqa: PLR0913 - one argument an option
    server: str,
    inventory: Path,
    *,
    as_json: bool,
    no_color: bool,
    offline: bool,
    allow_cloud_init_rerun: bool,
    allow_guest_restart: bool,
) -> int:
    """Say what a provision would change, and when each change takes effect.

    The guest, parameters, roles and databases are compared, those of projects
    among them. Nothing is changed. Exit code 0 when there is nothing to do, 1 when there is, 6 when
    the declaration asks for what labdb refuses.

    \b
    Examples:
      labdb plan proj-pg01 -i inventories/lab
      labdb plan proj-pg01 -i inventories/production --json | jq '.changes[]'
      labdb plan proj-pg01 -i inventories/production --offline
    """
    from labdb.operations import plan as operation  # noqa: PLC0415 - keeps --help fast

    allowed = operation.Allowed(
        rerun_cloud_init=allow_cloud_init_rerun, restart_guest=allow_guest_restart
    )
    planned = operation.plan(
        inventories.load_machine(inventory, server),
        offline=offline,
        allowed=allowed,
        say=Watch(no_color=no_color).say,
    )
    render.report(planned.report, as_json=as_json, no_color=no_color)
    if planned.blockers:
        return 6
    return planned.report.exit_code or int(bool(planned.report.changes))


@click.command()
@on_machine
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--check", is_flag=True, help="Change nothing; say which tasks would.")
@click.option("--allow-cloud-init-rerun", is_flag=True, help=RERUN_HELP)
@click.option("--allow-guest-restart", is_flag=True, help=RESTART_HELP)
@click.option(
    "--no-postgresql-restart", is_flag=True, help="Leave parameters that need one pending."
)
@click.option(
    "--recover-from",
    type=click.Choice(["repo1", "repo2", "repo3", "repo4"]),
    help="Recover the data of a lost server from this repository.",
)
@click.option("-v", "--verbose", count=True, help="More of Ansible's own words; may be repeated.")
def provision(  # noqa: PLR0913 - one argument an option
    server: str,
    inventory: Path,
    *,
    as_json: bool,
    no_color: bool,
    yes: bool,
    check: bool,
    allow_cloud_init_rerun: bool,
    allow_guest_restart: bool,
    no_postgresql_restart: bool,
    recover_from: str | None,
    verbose: int,
) -> int:
    """Make the server what it is declared to be, and prove it.

    Plans, asks, runs the playbook, verifies and reports. May be interrupted at any point:
    the next run takes it up. A second run changes nothing.

    With --recover-from a server that was lost is made again, guest and data: its newest backup
    and all WAL that the repository has. A cluster that holds anything is never overwritten.

    \b
    Examples:
      labdb provision proj-pg01 -i inventories/lab
      labdb provision proj-pg01 -i inventories/lab --check
      labdb provision proj-bak01 -i inventories/lab
      labdb provision proj-pg01 -i inventories/lab --recover-from repo2
      labdb provision proj-pg01 -i inventories/production --yes --json
    """
    if not (yes or check or sys.stdin.isatty()):
        raise UsageError("nobody is there to agree to the plan", hint="give --yes, or --check")
    from labdb.operations import provision as operation  # noqa: PLC0415 - keeps --help fast
    from labdb.operations.plan import Allowed  # noqa: PLC0415 - the same

    options = operation.Options(
        check=check,
        allowed=Allowed(rerun_cloud_init=allow_cloud_init_rerun, restart_guest=allow_guest_restart),
        restart_postgresql=not no_postgresql_restart,
        recover_from=int(recover_from.removeprefix("repo")) if recover_from else 0,
        verbosity=verbose,
    )
    with Watch(no_color=no_color, agreed=yes or check, quiet=as_json, verbose=verbose) as watch:
        report = operation.provision(inventories.load_machine(inventory, server), options, watch)
    render.report(report, as_json=as_json, no_color=no_color)
    if check:
        return report.exit_code or int(bool(report.data["changed_tasks"]))
    return report.exit_code


@click.command()
@on_machine
def verify(server: str, inventory: Path, *, as_json: bool, no_color: bool) -> int:
    """Prove from the outside that the running server is what it is declared to be.

    \b
    Examples:
      labdb verify proj-pg01 -i inventories/lab
      labdb verify proj-pg01 -i inventories/production --json
    """
    from labdb.operations.verify import verify as operation  # noqa: PLC0415 - keeps --help fast

    report = operation(inventories.load_machine(inventory, server))
    render.report(report, as_json=as_json, no_color=no_color)
    return report.exit_code


@click.command()
@on_machine
def status(server: str, inventory: Path, *, as_json: bool, no_color: bool) -> int:
    """Show a machine on one screen; exit code 1 when something needs attention.

    Of a server: guest, PostgreSQL, archive, backups, drill, disks. Of a repository host: guest,
    accounts, what each server has stored there, disks.

    \b
    Examples:
      labdb status proj-pg01 -i inventories/lab
      labdb status proj-bak01 -i inventories/lab
      watch -n 30 labdb status proj-pg01 -i inventories/production
    """
    from labdb.operations.status import status as operation  # noqa: PLC0415 - keeps --help fast

    report = operation(inventories.load_machine(inventory, server))
    render.report(report, as_json=as_json, no_color=no_color)
    return report.exit_code


@click.command()
@on_machine
@click.option(
    "--step",
    type=click.Choice(["retire", "destroy"]),
    required=True,
    help="retire stops and unprotects the guest; destroy deletes it and its disks.",
)
@click.option("--confirm", metavar="NAME", help="The server's name, in place of typing it.")
def deprovision(  # noqa: PLR0913 - one argument an option
    server: str, inventory: Path, *, as_json: bool, no_color: bool, step: str, confirm: str | None
) -> int:
    """Take the guest away, in two steps, each with the server's name typed.

    After retire the guest is stopped and everything is still there: labdb provision brings
    it back. After destroy only backups outside the guest remain.

    \b
    Examples:
      labdb deprovision proj-pg01 -i inventories/lab --step retire
      labdb deprovision proj-pg01 -i inventories/lab --step destroy --confirm proj-pg01
    """
    from labdb.operations.deprovision import (  # noqa: PLC0415 - keeps --help fast
        deprovision as operation,
    )

    declaration = inventories.load_machine(inventory, server)
    if confirm is None and sys.stdin.isatty():
        confirm = click.prompt(f"{step} {server}? Type its name", err=True)
    with Watch(no_color=no_color, agreed=True, quiet=as_json) as watch:
        report = operation(declaration, step=step, confirm_name=confirm or "", watcher=watch)
    render.report(report, as_json=as_json, no_color=no_color)
    return report.exit_code
