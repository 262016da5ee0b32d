# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a guest's configuration becomes when somebody writes to it.

Source: qemu-server, PVE/API2/Qemu.pm (update_vm_api) and PVE/QemuServer.pm
(vmconfig_hotplug_pending, cleanup_pending): which keys a running guest takes at once
and which wait for the next start.
"""

import re
from typing import Any

from labdb.lab.emulator.base import (
    DRIVE_KEY,
    QEMU,
    PveError,
    TaskError,
    die,
    is_cdrom,
    param_error,
    pve_schema,
    split_drive,
    split_list,
    with_mac,
)
from labdb.lab.emulator.cloudinit import CLOUDINIT_KEY
from labdb.lab.emulator.disks import Disks

AT_ONCE = {
    "cpulimit", "cpuunits", "description", "hookscript", "lock", "migrate_downtime",
    "migrate_speed", "name", "onboot", "protection", "shares", "startup", "tags",
    "vmstatestorage",
}  # fmt: skip
NOT_CONFIGURATION = (
    "background_delay", "delete", "digest", "force", "import-working-storage", "node", "revert",
    "skiplock", "vmid",
)  # fmt: skip
CPU_MODELS = re.compile(
    r"486|athlon|core2duo|coreduo|host|kvm32|kvm64|max|pentium[23]?|phenom|qemu32|qemu64"
    r"|x86-64-v[234](-AES)?|(Broadwell|Cascadelake|Conroe|Cooperlake|EPYC|GraniteRapids|Haswell"
    r"|Icelake|IvyBridge|KnightsMill|Nehalem|Opteron_G[1-5]|Penryn|SandyBridge|SapphireRapids"
    r"|SierraForest|Skylake|Westmere)[\w-]*"
)


class Configuration(Disks):
    """PUT and POST config, with allocation, hotplug and the clean-up of pending values."""

    async def _apply_config(self, vm: Any, user: str, p: dict[str, Any]) -> None:
        self.need_quorum()
        updates = self._typed(vm, p)
        if (digest := p.get("digest")) and digest != vm.digest():
            raise die("checksum mismatch (file change by other user?)")
        deletes = split_list(p.get("delete"))
        for key in split_list(p.get("revert")):
            vm.pending.pop(key, None)
        self._check_rights(vm, user, updates, deletes)
        if not p.get("skiplock"):
            self._check_lock(vm)
        self._check_values(vm, updates, deletes)
        try:
            await self.acquire(vm, "config")
        except TaskError as error:
            raise die(str(error)) from error
        try:
            for key in deletes:
                await self._delete_key(vm, key)
            for key in sorted(updates, key=lambda name: (name == "boot", name)):
                await self._set_key(vm, user, key, updates[key])
            _drop_equal(vm)
        except TaskError as error:
            raise die(str(error)) from error
        finally:
            self.release(vm, "config")
        vm.name = vm.config.get("name") or f"VM {vm.vmid}"

    def _typed(self, vm: Any, p: dict[str, Any]) -> dict[str, Any]:
        """Return the configuration keys of *p* as the schema types them."""
        spec = pve_schema.load().paths[f"{QEMU}/config"]["POST"]["parameters"]
        typed, errors = pve_schema.validate(spec, dict(p, node=vm.node, vmid=vm.vmid))
        if errors:
            raise param_error(**errors)
        return {key: value for key, value in typed.items() if key not in NOT_CONFIGURATION}

    def _check_rights(
        self, vm: Any, user: str, updates: dict[str, Any], deletes: list[str]
    ) -> None:
        path = f"/vms/{vm.vmid}"
        for key in [*updates, *deletes]:
            value = str(updates.get(key, vm.config.get(key, "")))
            privilege = self._config_priv(key)
            if privilege == "root":
                if user != "root@pam":
                    raise PveError(403, f"only root can set '{key}' config")
            elif DRIVE_KEY.match(key) and "media=cdrom" in value:
                self.require(user, path, "VM.Config.CDROM")
            else:
                self.require(user, path, privilege)
        for key in self.net_keys(updates):
            self.require_bridge(user, str(updates[key]))

    def _check_values(self, vm: Any, updates: dict[str, Any], deletes: list[str]) -> None:
        coming = {**vm.config, **{k: v for k, v in vm.pending.items() if v}, **updates}
        memory = int(str(coming.get("memory", 512)).rpartition("=")[2])
        if {"memory", "balloon"} & set(updates) and int(coming.get("balloon") or 0) > memory:
            raise die("balloon value too large (must be smaller than assigned memory)")
        if "cpu" in updates:
            model = str(updates["cpu"]).split(",")[0].removeprefix("cputype=")
            if not model.startswith("custom-") and not CPU_MODELS.fullmatch(model):
                text = f"Built-in cputype '{model}' is not defined (missing 'custom-' prefix?)"
                raise param_error(cpu=text)
        if str(updates.get("boot", "")).startswith("order="):
            known = set(vm.devices({k: v for k, v in coming.items() if k not in deletes}))
            for device in str(updates["boot"]).removeprefix("order=").split(";"):
                if device and device not in known:
                    text = f"invalid bootorder: device '{device}' does not exist'"
                    raise param_error(boot=text)
        if vm.config.get("protection"):
            for key in deletes:
                if DRIVE_KEY.match(key) and not _is_cdrom(vm.config.get(key, "")):
                    raise die(f"can't remove drive '{key}' - protection mode enabled")

    async def _delete_key(self, vm: Any, key: str) -> None:
        if key not in vm.config:
            vm.pending.pop(key, None)
            return
        unplugged = vm.status != "running" or self._takes_at_once(vm, key, None)
        if not unplugged:
            vm.pending[key] = None
            return
        if key.startswith("unused"):
            self._qm_free(split_drive(vm.config.pop(key))[0])
        elif DRIVE_KEY.match(key):
            await self.release_drive(vm, key)
        else:
            vm.config.pop(key)
        vm.pending.pop(key, None)

    async def _set_key(self, vm: Any, user: str, key: str, value: Any) -> None:
        if key == "tags":
            value = ";".join(sorted({t.lower() for t in re.split(r"[;, ]+", str(value)) if t}))
        elif re.fullmatch(r"net\d+", key):
            value = with_mac(value)
        elif DRIVE_KEY.match(key):
            self._qm_check_drive(user, vm.vmid, None, key, value, None)
            value = self.changed_drive(vm, key, str(value))
        if vm.status == "running" and not self._takes_at_once(vm, key, value):
            vm.pending[key] = value
            return
        if DRIVE_KEY.match(key):
            await self.plug_drive(vm, key, value)
        else:
            vm.config[key] = value
        vm.pending.pop(key, None)

    def _takes_at_once(self, vm: Any, key: str, value: Any) -> bool:
        """Tell whether a running guest takes *key* without a restart (hotplug: the default)."""
        features = split_list(vm.config.get("hotplug", "network,disk,usb"))
        if key in AT_ONCE or CLOUDINIT_KEY.fullmatch(key) or key.startswith("unused"):
            return True
        if key == "balloon":
            return bool(value) and vm.config.get("balloon") != 0
        if re.fullmatch(r"net\d+", key):
            return "network" in features
        if DRIVE_KEY.match(key):
            return self._drive_takes_at_once(vm, key, value, hotplug="disk" in features)
        return False

    @staticmethod
    def _drive_takes_at_once(vm: Any, key: str, value: Any, *, hotplug: bool) -> bool:
        if _is_cdrom(value or vm.config.get(key, "")):
            return True
        if not hotplug or not key.startswith(("scsi", "virtio")):
            return False
        if value is None or key not in vm.config:
            return True
        old, new = split_drive(vm.config[key]), split_drive(value)
        live = {"backup", "cache", "discard", "replicate", "size", "ssd"} | {
            name for name in {*old[1], *new[1]} if name.startswith(("iops", "mbps", "bps"))
        }
        changed = {n for n in {*old[1], *new[1]} if old[1].get(n) != new[1].get(n)}
        return old[0] == new[0] and changed <= live - {"ssd", "cache"}


def _drop_equal(vm: Any) -> None:
    """Forget pending values that are what the guest has already (cleanup_pending)."""
    for key in list(vm.pending):
        value = vm.pending[key]
        missing = value is None and key not in vm.config
        if missing or (value is not None and str(vm.config.get(key)) == str(value)):
            del vm.pending[key]


def _is_cdrom(value: Any) -> bool:
    return bool(value) and is_cdrom(*split_drive(str(value)))
