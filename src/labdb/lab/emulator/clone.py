# SPDX-License-Identifier: AGPL-3.0-or-later
"""Clones: what fakepve leaves out when it copies a template."""

from typing import Any

from labdb.lab.emulator.base import DRIVE_KEY, join_drive, split_drive, volume_ref
from labdb.lab.emulator.disks import DATA_DISK, Disks


class Clones(Disks):
    """A clone gets a cloud-init volume of its own and copies of the data disks."""

    async def _qm_clone(self, v: dict[str, Any], user: str) -> str:
        self.clone_storage[int(v["newid"])] = v.get("storage")
        upid: str = await super()._qm_clone(v, user)
        return upid

    async def after_qmclone(self, vm: Any, source: Any) -> None:
        """Finish a clone; runs inside its task."""
        vm.agent = None if source.agent is None else {}
        storage = self.clone_storage.pop(vm.vmid, None)
        for slot, value in list(vm.config.items()):
            if not DRIVE_KEY.match(slot):
                continue
            volume, props = split_drive(value)
            sid, name = volume_ref(volume)
            if name.rpartition("/")[2].partition(".")[0] == f"vm-{source.vmid}-cloudinit":
                own = self.allocate_seed_volume(storage or str(sid), vm.vmid)
                vm.config[slot] = join_drive(own, {**props, "size": "4M"})
            elif DATA_DISK.fullmatch(slot):
                original = split_drive(source.config[slot])[0]
                await self.blocking(self.machines.copy_disk, original, volume)
