"""What Proxmox VE makes of the declaration: the machine's MAC address and cloud-init's seed.

labdb's own client asks the emulated API, as a provision would.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from labdb.adapters import proxmox
from labdb.adapters.inventory import Declaration
from labdb.lab import control
from labdb.spec import ProxmoxApi

SEED = {"user": "user-data", "network": "network-config", "meta": "meta-data"}


@dataclass(frozen=True, slots=True)
class Guest:
    """The declared guest as its hypervisor knows it; *seed* is a folder of three files."""

    mac: str
    seed: Path


def ask_hypervisor(declaration: Declaration, folder: Path) -> Guest:
    """Create the declared guest in an emulated cluster and return what became of it."""
    guest, seed = declaration.server.guest, folder / "seed"
    seed.mkdir()
    keys = proxmox.read_authorized_keys(
        guest.cloud_init.authorized_key_files, declaration.inventory
    )
    with control.start(folder / "pve") as pve:
        api = ProxmoxApi(
            host=pve.host,
            port=pve.port,
            token_id=pve.token_id,
            token_file=str(pve.token_file),
            ca_file=str(pve.ca_file),
        )
        connection = proxmox.connect(api, folder)
        connection.converge(declaration.server, keys, proxmox.Options(run_id="qemu"))
        path = f"nodes/{guest.node}/qemu/{guest.vmid}"
        for kind, name in SEED.items():
            text = connection.session.get(f"{path}/cloudinit/dump", type=kind)
            (seed / name).write_text(text, encoding="utf-8")
        card = connection.session.get(f"{path}/config")["net0"]
    found = re.search(r"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}", card)
    assert found, card
    return Guest(found[0], seed)
