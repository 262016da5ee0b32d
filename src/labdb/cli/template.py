"""Commands on the VM template that guests are cloned from."""

from pathlib import Path

import click

from labdb.adapters import inventory as inventories
from labdb.cli import render
from labdb.cli.options import on_server
from labdb.cli.watch import Watch


@click.group()
def template() -> None:
    """Build the template that guests are cloned from.

    \b
    Examples:
      labdb template build proj-pg01 -i inventories/production --image-url URL --checksum SUM
    """


@template.command()
@on_server
@click.option("--image-url", required=True, help="Cloud image (qcow2) with a guest agent inside.")
@click.option("--checksum", required=True, help="SHA-512 or SHA-256 of the image.")
def build(  # noqa: PLR0913 - one argument an option
    server: str, inventory: Path, *, as_json: bool, no_color: bool, image_url: str, checksum: str
) -> int:
    """Build the template that SERVER declares, on its node, from a cloud image.

    \b
    Examples:
      labdb template build proj-pg01 -i inventories/production --image-url URL --checksum SUM
    """
    from labdb.operations.template import (  # noqa: PLC0415 - keeps --help fast
        build as operation,
    )

    with Watch(no_color=no_color, agreed=True, quiet=as_json) as watch:
        report = operation(
            inventories.load(inventory, server), image_url=image_url, checksum=checksum,
            watcher=watch,
        )  # fmt: skip
    render.report(report, as_json=as_json, no_color=no_color)
    return report.exit_code
