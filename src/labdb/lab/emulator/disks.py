# SPDX-License-Identifier: AGPL-3.0-or-later
"""Disks: allocation, resize, detaching and freeing, with the files behind them.

Source: qemu-server, PVE/API2/Qemu.pm (create_disks, resize_vm) and
PVE/QemuServer/Drive.pm.
"""

import asyncio
import re
from typing import Any

from labdb.lab.emulator.base import (
    DRIVE_KEY,
    NEW_DISK,
    QEMU,
    Routes,
    TaskError,
    die,
    drives,
    format_size,
    is_cdrom,
    join_drive,
    param_error,
    parse_size,
    split_drive,
    volume_ref,
)
from labdb.lab.emulator.permissions import Permissions
from labdb.lab.machines import Disk

DATA_DISK = re.compile(r"scsi([1-9]|[12]\d|30)|virtio([1-9]|1[0-5])")
"""Slots with a block device behind them; slot 0 is the machine's own root."""


class Disks(Permissions):
    """The volumes of the guests."""

    def _routes_labdisks(self) -> Routes:
        return [("PUT", f"{QEMU}/resize", self._resize)]

    async def _resize(self, v: dict[str, Any], user: str) -> str:
        self.need_quorum()
        vm = self.find(v["node"], v["vmid"])
        slot, text = v["disk"], str(v["size"])
        if (digest := v.get("digest")) and digest != vm.digest():
            raise die("checksum mismatch (file change by other user?)")
        if not v.get("skiplock"):
            self._check_lock(vm)
        if slot not in vm.config:
            raise die(f"disk '{slot}' does not exist")
        volume, props = split_drive(vm.config[slot])
        if is_cdrom(volume, props):
            raise die("you can't resize a cdrom")
        self.require(user, f"/storage/{volume_ref(volume)[0]}", "Datastore.AllocateSpace")

        async def body() -> None:
            booked = self._qm_volume(volume) or {}
            old = int(booked.get("size") or parse_size(props.get("size", "0")))
            given = parse_size(text.removeprefix("+"))
            new = old + given if text.startswith("+") else given
            if new < old:
                raise TaskError("shrinking disks is not supported")
            if new > old:
                self._book(vm, volume, old=old, new=new)
                vm.config[slot] = join_drive(volume, dict(props, size=format_size(new)))
                for disk in data_disks(vm.config, slot):
                    await self.blocking(self.behind(vm).grow_disk, disk)

        upid: str = await self.task(vm.node, "resize", vm.vmid, user, body, vm=vm)
        return upid

    def _book(self, vm: Any, volume: str, *, old: int, new: int) -> None:
        """Take the difference from the storage and give it to the volume."""
        sid, name = volume_ref(volume)
        store = self.storages[sid]
        if "avail" in store:
            if store["avail"] < new - old:
                raise TaskError(f"unable to write to storage '{sid}': No space left on device")
            store["avail"] -= new - old
        store["volumes"].setdefault(name, {"content": "images", "vmid": vm.vmid})["size"] = new

    # allocation

    def _qm_check_drive(  # noqa: PLR0913  # the signature is fakepve's
        self, user: str, vmid: int, pool: str | None, key: str, value: str, default: str | None
    ) -> None:
        super()._qm_check_drive(user, vmid, pool, key, value, default)
        _volume, props = split_drive(value)
        if (source := props.get("import-from")) is not None:
            self._source_size(source, user)

    def _source_size(self, source: str, user: str | None = None) -> int:
        """Return the bytes of the volume that ``import-from`` names."""
        sid, name = volume_ref(source)
        if sid is None:
            raise param_error(**{"import-from": "Only root can pass arbitrary filesystem paths."})
        store = self._store(sid)
        kind = name.partition("/")[0]
        if kind == "import" and "import" not in str(store.get("content")).split(","):
            raise die(f"storage '{sid}' is not configured for content-type 'import'")
        volume = self._volumes(sid).get(name)
        if volume is None:
            raise die(f"volume '{source}' does not exist")
        if user is not None:
            self.require(user, f"/storage/{sid}", "Datastore.Audit|Datastore.AllocateSpace")
        return int(volume.get("virtual-size") or volume.get("size") or 0)

    def _qm_new_drive(
        self, vmid: int, key: str, value: str, default: str | None
    ) -> tuple[str, list[str]]:
        volume, props = split_drive(value)
        if volume.endswith(":cloudinit"):
            sid = volume_ref(volume)[0] or default
            volid = self.allocate_seed_volume(str(sid), vmid)
            return join_drive(volid, {**props, "media": "cdrom", "size": "4M"}), [volid]
        found = NEW_DISK.match(volume)
        if found and (source := props.pop("import-from", None)) is not None:
            size = self._source_size(source)
            sid = found.group(1) or default
            volid, _kind = self._qm_alloc(sid, vmid, props.pop("format", None), size)
            return join_drive(volid, {**props, "size": format_size(size)}), [volid]
        made: tuple[str, list[str]] = super()._qm_new_drive(vmid, key, value, default)
        return made

    def allocate_seed_volume(self, sid: str, vmid: int) -> str:
        """Allocate the volume of the cloud-init drive and return its id."""
        store = self._store(sid)
        name = f"vm-{vmid}-cloudinit"
        if store.get("type") == "dir":
            name = f"{vmid}/{name}.qcow2"
        size = 4 << 20
        if name not in store["volumes"] and "avail" in store:
            if store["avail"] < size:
                raise die(f"unable to write to storage '{sid}': No space left on device")
            store["avail"] -= size
        store["volumes"][name] = {
            "content": "images",
            "format": "raw",
            "size": size,
            "vmid": vmid,
            "ctime": 0,
        }
        return f"{sid}:{name}"

    def changed_drive(self, vm: Any, key: str, value: str) -> str:
        """Return the value *key* will have: a new volume is allocated, a known one looked up."""
        volume, props = split_drive(value)
        current = split_drive(vm.config[key]) if key in vm.config else ("", {})
        if volume == current[0]:
            return str(join_drive(volume, props))
        if volume.endswith(":cloudinit"):
            taken = [s for s, v in vm.config.items() if DRIVE_KEY.match(s) and "-cloudinit" in v]
            if taken:
                raise die(f"{taken[0]} - cloud-init drive is already attached at '{taken[0]}'")
        made, _volumes = self._qm_new_drive(vm.vmid, key, value, None)
        return made

    async def plug_drive(self, vm: Any, key: str, value: str) -> None:
        """Put *value* at *key*; another volume that was there becomes ``unusedN``."""
        if key in vm.config and split_drive(vm.config[key])[0] != split_drive(value)[0]:
            await self.release_drive(vm, key)
        fresh = key not in vm.config
        vm.config[key] = value
        for slot in [s for s in vm.config if s.startswith("unused")]:
            if vm.config[slot] == split_drive(value)[0]:
                del vm.config[slot]
        if fresh and vm.status == "running":
            for disk in data_disks(vm.config, key):
                await self.blocking(self.behind(vm).attach_disk, vm.vmid, disk)

    async def release_drive(self, vm: Any, key: str) -> None:
        """Take the drive out: a disk stays as ``unusedN``, a cloud-init volume is freed."""
        attached = data_disks(vm.config, key) if vm.status == "running" else ()
        volume, props = split_drive(vm.config.pop(key))
        for disk in attached:
            await self.blocking(self.behind(vm).detach_disk, vm.vmid, disk)
        if is_cdrom(volume, props):
            if volume.endswith("-cloudinit"):
                self._qm_free(volume)
            return
        free = next(n for n in range(256) if f"unused{n}" not in vm.config)
        vm.config[f"unused{free}"] = volume

    def _qm_free(self, volid: str) -> None:
        super()._qm_free(volid)
        self.later(self.machines.drop_disk, volid)

    def _qm_rename_volume(self, volid: str) -> str:
        new: str = super()._qm_rename_volume(volid)
        if new != volid:
            self.later(self.machines.rename_disk, volid, new)
        return new

    def later(self, call: Any, *args: Any) -> None:
        """Run a blocking call of the machines soon, where nobody can wait for it."""

        async def run() -> None:
            try:
                await self.blocking(call, *args)
            except TaskError as error:
                self.complain(str(error))

        task = asyncio.ensure_future(run())
        self.background.add(task)
        task.add_done_callback(self.background.discard)


def data_disks(config: dict[str, Any], *slots: str) -> tuple[Disk, ...]:
    """Return the block devices of a guest; without a serial a disk is called by its slot."""
    return tuple(
        Disk(slot, volume, parse_size(props.get("size", "0")) or 0, props.get("serial", ""))
        for slot, volume, props in drives(config, slots)
        if DATA_DISK.fullmatch(slot)
    )
