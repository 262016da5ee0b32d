"""Build the template that a server's guest is cloned from."""

from labdb.adapters.inventory import Declaration
from labdb.operations.provision import Watcher, play_alone
from labdb.report import Report

PLAYBOOK = "template_build"


def build(declaration: Declaration, *, image_url: str, checksum: str, watcher: Watcher) -> Report:
    """Download the image at *image_url* and make the declared template of it.

    Raises:
        RunError: the playbook failed; the message is the failing task's own.
    """
    vmid = declaration.server.guest.template.vmid
    variables = {
        "proxmox_template_image_url": image_url,
        "proxmox_template_image_checksum": checksum,
    }
    return play_alone(
        declaration,
        PLAYBOOK,
        variables,
        watcher,
        command="template build",
        summary=lambda changed: f"template {vmid} {'is built' if changed else 'was there already'}",
    )
