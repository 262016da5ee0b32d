"""The command tune: parameters for a declared server or for a machine made of flags."""

import sys
from pathlib import Path
from typing import Any

import click

from labdb.adapters import inventory as inventories
from labdb.cli import render, show_comparison, show_tuning
from labdb.cli.options import PeerName, ServerName, color_option, json_option
from labdb.errors import UsageError

LINTED = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)


@click.command()
@click.argument("server", type=ServerName(), metavar="[SERVER]", required=False)
@click.option(
    "-i",
    "--inventory",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="LABDB_INVENTORY",
    show_envvar=True,
    help="Inventory directory of SERVER.",
)
@click.option("--cores", type=int, help="Processor cores.")
@click.option("--memory", metavar="SIZE", help="Memory, for example 8GB.")
@click.option("--disk", metavar="SIZE", help="Size of the data disk.")
@click.option("--medium", help="Medium of the data disk: nvme, ssd or hdd.")
@click.option("--wal-disk", metavar="SIZE", help="Size of a disk for WAL alone.")
@click.option("--backup-disk", metavar="SIZE", help="Size of a disk for backups alone.")
@click.option("--workload", help="oltp, olap, mixed or ingest.")
@click.option("--connections", type=int, help="Client connections in all.")
@click.option("--analysts", type=int, help="Analysts whose big queries run at the same time.")
@click.option("--data", metavar="SIZE", help="Expected size of all databases.")
@click.option("--wal-rate", metavar="SIZE", help="WAL a second in the heaviest hours.")
@click.option("--recovery-seconds", type=int, help="Longest crash recovery.")
@click.option("--major", type=int, help="Major version: 16, 17 or 18.")
@click.option("--set", "by_hand", multiple=True, metavar="NAME=VALUE", help="Set one by hand.")
@click.option("--accept-risk", is_flag=True, help="Go on although memory may not suffice.")
@click.option("--explain", multiple=True, metavar="NAME", help="Explain this parameter only.")
@click.option(
    "--compare",
    type=PeerName(),
    multiple=True,
    metavar="TUNER",
    help="Show what this tuner would write: stock, pgtune, pgtune-dw, pigsty-olap, pigsty-oltp, "
    "autobase, timescale, tpa, pgconfig, or all.",
)
@click.option("--conf", is_flag=True, help="Print a postgresql.conf file.")
@click.option("--lint", "file", type=LINTED, metavar="FILE", help="Judge this postgresql.conf.")
@json_option
@color_option
def tune(  # noqa: PLR0913 - one argument an option
    server: str | None,
    inventory: Path | None,
    *,
    by_hand: tuple[str, ...],
    accept_risk: bool,
    explain: tuple[str, ...],
    compare: tuple[str, ...],
    conf: bool,
    file: Path | None,
    as_json: bool,
    no_color: bool,
    **flags: Any,
) -> int:
    """Compute PostgreSQL's parameters, each with its reason, within a memory budget.

    For a declared SERVER, or for a machine given by flags. Flags win over the declaration:
    a what-if. Nothing is changed and nobody is asked.

    \b
    Examples:
      labdb tune proj-pg01 -i inventories/production
      labdb tune proj-pg01 -i inventories/production --memory 16GB --analysts 12
      labdb tune --cores 4 --memory 16GB --workload olap --explain work_mem
      labdb tune --cores 8 --memory 8GB --compare pgtune --compare pigsty-olap
      labdb tune --cores 8 --memory 8GB --conf > postgresql.conf
      labdb tune --memory 32GB --cores 8 --lint /etc/postgresql/16/main/postgresql.conf
    """
    from labdb.operations import tune as operation  # noqa: PLC0415 - keeps --help fast

    if (server is None) != (inventory is None) and server is not None:
        raise UsageError(f"in which inventory is {server} declared?", hint="give it with -i")
    if conf and (as_json or explain or compare):
        raise UsageError(
            "--conf prints a file and nothing else", hint="leave out --json, --explain, --compare"
        )
    declaration = inventories.load(inventory, server) if server and inventory else None
    if file:
        if by_hand or explain or compare or conf or accept_risk:
            raise UsageError("--lint judges a file as it is", hint="give a machine, or a server")
        from labdb.operations.lint import lint  # noqa: PLC0415 - the same

        report = lint(file, declaration, flags)
        render.report(report, as_json=as_json, no_color=no_color)
        return report.exit_code
    inputs = operation.inputs_for(declaration, flags, by_hand, accept_risk=accept_risk)
    report = operation.tune(inputs, explain=explain, compare=compare)
    if conf:
        sys.stdout.write(operation.conf(report))
        return report.exit_code
    render.report(report, as_json=as_json, no_color=no_color)
    if not as_json and (explain or not compare):
        show_tuning.show(report, explained=bool(explain), no_color=no_color)
    if not as_json and compare:
        show_comparison.show(report, no_color=no_color)
    return report.exit_code
