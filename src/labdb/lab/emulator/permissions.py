# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which privilege each configuration key needs.

Source: qemu-server, PVE/API2/Qemu.pm, check_vm_modify_config_perm and the option
tables above it; PVE/RPCEnvironment.pm for bridges.
"""

import re
from typing import Any

from labdb.lab.emulator.base import Pve, split_props

CPU = {"cores", "cpu", "cpulimit", "cpuunits", "numa", "smp", "sockets", "vcpus"}
MEMORY = {"allow-ksm", "balloon", "memory", "shares"}
HARDWARE = {
    "acpi", "audio0", "hotplug", "kvm", "machine", "rng0", "scsihw", "smbios1", "tablet", "vga",
    "vmgenid", "watchdog",
}  # fmt: skip
OPTIONS = {
    "agent", "autostart", "bios", "description", "keyboard", "localtime", "migrate_downtime",
    "migrate_speed", "name", "onboot", "ostype", "protection", "reboot", "startdate", "startup",
    "tags", "tdf", "template",
}  # fmt: skip
DISK = {"boot", "bootdisk", "vmstatestorage"}
CLOUDINIT = {
    "cicustom", "cipassword", "citype", "ciupgrade", "ciuser", "nameserver", "searchdomain",
    "sshkeys",
}  # fmt: skip
DRIVE = re.compile(r"(ide|sata|scsi|virtio|unused|efidisk|tpmstate)\d+")
EITHER = "VM.Config.Cloudinit|VM.Config.Network"


class Permissions(Pve):
    """The privileges of PVE 9 for each key of a guest's configuration."""

    def _config_priv(self, key: str) -> str:
        if key in CLOUDINIT or re.fullmatch(r"ipconfig\d+", key):
            return EITHER
        if re.fullmatch(r"net\d+", key):
            return "VM.Config.Network"
        if DRIVE.fullmatch(key) or key in DISK:
            return "VM.Config.Disk"
        for keys, privilege in (
            (CPU, "VM.Config.CPU"),
            (MEMORY, "VM.Config.Memory"),
            (HARDWARE, "VM.Config.HWType"),
            (OPTIONS, "VM.Config.Options"),
        ):
            if key in keys:
                return privilege
        if re.fullmatch(r"serial\d+", key):
            return "VM.Config.HWType"
        return "VM.PowerMgmt" if key == "freeze" else "root"

    def allowed(self, user: str, path: str, priv: str) -> bool:
        """Tell whether *user* holds *priv* on *path*; ``a|b`` means either of them."""
        return any(super(Permissions, self).allowed(user, path, one) for one in priv.split("|"))

    def require_bridge(self, user: str, value: str) -> None:
        """Refuse a network card on a bridge, or a tag of it, that *user* may not use.

        Raises:
            PveError: 403 with the path that lacks ``SDN.Use``.
        """
        _model, props = split_props(value)
        bridge = props.get("bridge")
        if bridge is None:
            return
        path = "/".join(["/sdn/zones/localnet", bridge, *filter(None, [props.get("tag")])])
        self.require(user, path, "SDN.Use")

    def net_keys(self, values: dict[str, Any]) -> list[str]:
        """Return the network cards among *values*."""
        return [key for key in values if re.fullmatch(r"net\d+", key)]
