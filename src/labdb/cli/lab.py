"""Commands of the embedded lab: up, status, down."""

import dataclasses
import json
import sys

import click
from rich.console import Console

from labdb.cli.options import json_option
from labdb.cli.watch import step
from labdb.errors import UsageError


@click.group()
def lab() -> None:
    """Run an emulated Proxmox VE whose guests are containers on this machine.

    \b
    Examples:
      labdb lab up
      labdb lab status --json
      labdb lab down
    """


def _lifecycle() -> "object":
    try:
        from labdb.lab import lifecycle  # noqa: PLC0415 - an optional part
    except ModuleNotFoundError as error:
        raise UsageError(
            "the embedded lab is not installed",
            why=str(error),
            hint="pip install 'astro-labdb[lab]'",
        ) from error
    return lifecycle


def _print(status: object, *, as_json: bool) -> int:
    up = bool(status.up)  # type: ignore[attr-defined]  # LabStatus, imported late
    if as_json:
        fields = dataclasses.asdict(status)  # type: ignore[call-overload]  # the same
        sys.stdout.write(json.dumps(fields | {"up": up}, indent=2, default=str) + "\n")
        return int(not up)
    console = Console(highlight=False)
    console.print(f"lab is {'up' if up else 'down'}")
    console.print(f"  API     {status.api_url} {'answers' if status.api else 'is down'}")  # type: ignore[attr-defined]
    console.print(f"  mirror  {status.mirror_url} {'answers' if status.mirror else 'is down'}")  # type: ignore[attr-defined]
    for guest in status.guests:  # type: ignore[attr-defined]
        console.print(f"  guest   {guest.vmid} {guest.name} {guest.address} {guest.status}")
    return int(not up)


@lab.command()
@json_option
def up(*, as_json: bool) -> int:
    """Start the API, the package mirror and the networks; safe to repeat.

    \b
    Examples:
      labdb lab up
    """
    status = _lifecycle().up(step(Console(stderr=True)))  # type: ignore[attr-defined]
    return _print(status, as_json=as_json)


@lab.command()
@json_option
def status(*, as_json: bool) -> int:
    """Say what runs; exit code 1 when the lab is down.

    \b
    Examples:
      labdb lab status
    """
    return _print(_lifecycle().status(), as_json=as_json)  # type: ignore[attr-defined]


@lab.command()
@json_option
def down(*, as_json: bool) -> int:
    """Remove the guests with their disks, the networks and the API; keep keys and caches.

    \b
    Examples:
      labdb lab down
    """
    _print(_lifecycle().down(step(Console(stderr=True))), as_json=as_json)  # type: ignore[attr-defined]
    return 0
