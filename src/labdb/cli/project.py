"""Commands on the research projects of a server."""

import sys
from pathlib import Path

import click

from labdb.adapters import inventory as inventories
from labdb.cli.options import on_server
from labdb.cli.show_project import tell, tell_draft
from labdb.cli.watch import Watch
from labdb.domain.projects.profiles import profiles
from labdb.errors import RefusedError, UsageError


@click.group()
def project() -> None:
    """Research projects side by side on one server, each with a database of its own.

    \b
    Examples:
      labdb project create proj-pg01 voids -i inventories/lab --profile void-galaxies
      labdb project list proj-pg01 -i inventories/lab
      labdb project show proj-pg01 voids -i inventories/lab
    """


@project.command("list")
@on_server
def list_(server: str, inventory: Path, *, as_json: bool, no_color: bool) -> int:
    """Show the declared projects, and what each takes.

    Exit code 1 when a project is declared and not there yet.

    \b
    Examples:
      labdb project list proj-pg01 -i inventories/lab
      labdb project list proj-pg01 -i inventories/production --json | jq '.data.projects[]'
    """
    from labdb.operations.projects import list_projects  # noqa: PLC0415 - keeps --help fast

    report = list_projects(inventories.load(inventory, server))
    return tell(report, as_json=as_json, no_color=no_color)


@project.command()
@on_server
@click.argument("name")
@click.option("--profile", type=click.Choice(list(profiles())), help="Kind of research.")
@click.option(
    "--network",
    "networks",
    multiple=True,
    metavar="CIDR",
    help="From where its people come; may be repeated.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be declared; change nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def create(  # noqa: PLR0913 - one argument an option
    server: str,
    inventory: Path,
    *,
    as_json: bool,
    no_color: bool,
    name: str,
    profile: str | None,
    networks: tuple[str, ...],
    dry_run: bool,
    yes: bool,
) -> int:
    """Declare a project with one role of each kind, and make it on the server.

    The declaration gets a few lines more and stays as it is otherwise. Of the playbook, the roles
    run whose variables these lines change; PostgreSQL is not restarted.

    \b
    Examples:
      labdb project create proj-pg01 voids -i inventories/lab --profile void-galaxies --dry-run
      labdb project create proj-pg01 voids -i inventories/lab --network 198.18.20.0/24
    """
    if not (yes or dry_run or sys.stdin.isatty()):
        raise UsageError("nobody is there to agree to the change", hint="give --yes, or --dry-run")
    from labdb.operations import project_create as operation  # noqa: PLC0415 - keeps --help fast

    declaration = inventories.load(inventory, server)
    made = operation.draft(declaration, name, profile=profile, networks=networks)
    if dry_run:
        return tell_draft(made.report, as_json=as_json, no_color=no_color)
    if not yes:
        tell_draft(made.report, as_json=False, no_color=no_color, error=True)
        if not click.confirm("Declare it and make it?", err=True):
            raise RefusedError(
                "nothing was done: the change was not accepted",
                hint="--dry-run shows it; the lines can be written by hand",
            )
    with Watch(no_color=no_color, agreed=True, quiet=as_json) as watch:
        report = operation.create(made, watch)
    return tell_draft(report, as_json=as_json, no_color=no_color)


@project.command()
@on_server
@click.argument("name")
def show(server: str, inventory: Path, *, as_json: bool, no_color: bool, name: str) -> int:
    """Show one project: its people, how each connects, and where each one's password is.

    \b
    Examples:
      labdb project show proj-pg01 voids -i inventories/lab
    """
    from labdb.operations.projects import show_project  # noqa: PLC0415 - keeps --help fast

    report = show_project(inventories.load(inventory, server), name)
    return tell(report, as_json=as_json, no_color=no_color)


@project.command()
@on_server
@click.argument("name")
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the files go, and are used; a new directory with the project's name if absent.",
)
@click.option("--role", default="", help="The role of the researcher, when the files are for one.")
def client(  # noqa: PLR0913 - one argument an option
    server: str,
    inventory: Path,
    *,
    as_json: bool,
    no_color: bool,
    name: str,
    directory: Path | None,
    role: str,
) -> int:
    """Write what researchers need to connect: pg_service.conf, environment, CA certificate.

    No password is in any of them. Files that labdb did not write are not overwritten.

    \b
    Examples:
      labdb project client proj-pg01 voids -i inventories/lab
      labdb project client proj-pg01 voids -i inventories/lab --directory /etc/labdb/voids
    """
    from labdb.operations.project_client import write_client  # noqa: PLC0415 - keeps --help fast

    declaration = inventories.load(inventory, server)
    report = write_client(declaration, name, directory or Path(name), role=role)
    return tell(report, as_json=as_json, no_color=no_color)


@project.command()
@on_server
@click.argument("name")
@click.option("--confirm", metavar="NAME", help="The project's name, in place of typing it.")
def drop(  # noqa: PLR0913 - one argument an option
    server: str,
    inventory: Path,
    *,
    as_json: bool,
    no_color: bool,
    name: str,
    confirm: str | None,
) -> int:
    """Take a project away, after a final export that is proven by restoring it.

    Its database and its roles go, and its lines in the declaration. The export stays on the
    server's backup volume: labdb project restore brings the project back. Refused while anybody
    is connected.

    \b
    Examples:
      labdb project drop proj-pg01 voids -i inventories/lab
      labdb project drop proj-pg01 voids -i inventories/lab --confirm voids
    """
    from labdb.operations import project_drop as operation  # noqa: PLC0415 - keeps --help fast

    declaration = inventories.load(inventory, server)
    if confirm is None and sys.stdin.isatty():
        confirm = click.prompt(f"drop project {name}? Type its name", err=True)
    with Watch(no_color=no_color, agreed=True, quiet=as_json) as watch:
        report = operation.drop(declaration, name, confirm_name=confirm or "", watcher=watch)
    return tell_draft(report, as_json=as_json, no_color=no_color)


@project.command()
@on_server
@click.argument("name")
def restore(server: str, inventory: Path, *, as_json: bool, no_color: bool, name: str) -> int:
    """Bring a dropped project back from its final export: lines, roles, passwords, data.

    A database that is there is left alone. May be interrupted and run again.

    \b
    Examples:
      labdb project restore proj-pg01 voids -i inventories/lab
    """
    from labdb.operations import project_drop as operation  # noqa: PLC0415 - keeps --help fast

    declaration = inventories.load(inventory, server)
    with Watch(no_color=no_color, agreed=True, quiet=as_json) as watch:
        report = operation.restore(declaration, name, watch)
    return tell_draft(report, as_json=as_json, no_color=no_color)
