"""The command drift: what is not as declared any more."""

import sys
from pathlib import Path

import click

from labdb.adapters import inventory as inventories
from labdb.cli import render
from labdb.cli.options import on_server
from labdb.cli.server import RERUN_HELP, RESTART_HELP
from labdb.cli.watch import Watch
from labdb.errors import UsageError


@click.command()
@on_server
@click.option("--fix", is_flag=True, help="Let the playbook mend what has drifted.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before mending.")
@click.option("--allow-cloud-init-rerun", is_flag=True, help=RERUN_HELP)
@click.option("--allow-guest-restart", is_flag=True, help=RESTART_HELP)
@click.option(
    "--no-postgresql-restart", is_flag=True, help="Leave parameters that need one pending."
)
def drift(  # noqa: PLR0913 - one argument an option
    server: str,
    inventory: Path,
    *,
    as_json: bool,
    no_color: bool,
    fix: bool,
    yes: bool,
    allow_cloud_init_rerun: bool,
    allow_guest_restart: bool,
    no_postgresql_restart: bool,
) -> int:
    """Say what is not as declared: in PostgreSQL's files, in what runs, in Proxmox VE.

    One row a difference. Exit code 0 when there is none, 1 when there is one, 4 when the
    server cannot be asked. Without --fix nothing is changed; with it the playbook mends what
    was shown, values set by ALTER SYSTEM included, and what is left is reported.

    \b
    Examples:
      labdb drift proj-pg01 -i inventories/lab
      labdb drift proj-pg01 -i inventories/production --json | jq '.data.differences[]'
      labdb drift proj-pg01 -i inventories/lab --fix --yes
    """
    if fix and not (yes or sys.stdin.isatty()):
        raise UsageError("nobody is there to agree to the changes", hint="give --yes")
    from labdb.operations import drift as operation  # noqa: PLC0415 - keeps --help fast
    from labdb.operations.plan import Allowed  # noqa: PLC0415 - the same

    declaration = inventories.load(inventory, server)
    with Watch(no_color=no_color, agreed=yes, quiet=as_json) as watch:
        if fix:
            allowed = Allowed(
                rerun_cloud_init=allow_cloud_init_rerun, restart_guest=allow_guest_restart
            )
            options = operation.Options(allowed, restart_postgresql=not no_postgresql_restart)
            report = operation.mend(declaration, options, watch)
        else:
            report = operation.drift(declaration, watch.say).report
    render.report(report, as_json=as_json, no_color=no_color)
    return report.exit_code or int(bool(report.changes))
