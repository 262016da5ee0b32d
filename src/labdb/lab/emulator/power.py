# SPDX-License-Identifier: AGPL-3.0-or-later
"""Tasks with consequences: what fakepve books, a machine then does.

Every worker of Proxmox VE passes through :meth:`Power.task`; what has to happen to the
machine happens inside the same task, so that its failure is the task's.
"""

import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

from labdb.lab.emulator.agent import Agent
from labdb.lab.emulator.base import TaskError, dress, drives, parse_size, split_props
from labdb.lab.emulator.clone import Clones
from labdb.lab.emulator.cloudinit import CloudInit, mac_of
from labdb.lab.emulator.disks import data_disks
from labdb.lab.machines import Hardware

Body = Callable[[], Awaitable[str | None]]


@contextlib.contextmanager
def at_work(vm: Any) -> Iterator[None]:
    """Mark *vm* as in the hands of a task, so that nobody else judges its power."""
    if vm is None:
        yield
        return
    vm.at_work += 1
    try:
        yield
    finally:
        vm.at_work -= 1
        vm.turn += 1


class Power(Clones, CloudInit, Agent):
    """Start, stop, reboot, snapshots and deletion, carried out."""

    agent_delay = 0.0
    """Seconds after a start before the guest agent answers."""

    async def task(  # noqa: PLR0913  # the signature is fakepve's
        self, node: str, ttype: str, tid: Any, user: str, body: Body,
        vm: Any = None, lock: bool = True, log: Iterable[str] = (),
    ) -> str:  # fmt: skip
        """Run *body* and what follows from it as one task; return its UPID."""
        target = vm or (self.vm(int(tid)) if str(tid).isdigit() else None)
        source = self.vm(int(tid)) if ttype == "qmclone" else None
        if target is not None and not hasattr(target, "image"):
            dress(target)

        async def whole() -> str | None:
            before = set(target.snapshots) if target else set()
            if ttype in ("qmstart", "qmreboot") and target is not None:
                self._check_bridges(target)
            with at_work(target):
                note = await body()
                if ttype == "qmclone":
                    await self.after_qmclone(target, source)
                elif follow := getattr(self, f"after_{ttype}", None):
                    await follow(target, before)
            self.save()
            return note

        try:
            upid: str = await super().task(node, ttype, tid, user, whole, vm=vm, lock=lock, log=log)
        finally:
            self.save()
        return upid

    def _check_bridges(self, vm: Any) -> None:
        for key in self.net_keys(vm.config | vm.pending):
            value = vm.pending.get(key) or vm.config.get(key) or ""
            bridge = split_props(value)[1].get("bridge")
            if bridge is not None and bridge not in self.cluster.bridges:
                raise TaskError(f"bridge '{bridge}' does not exist")

    def hardware_of(self, vm: Any) -> Hardware:
        """Return what *vm* is switched on with."""
        config = vm.config
        card = str(config.get("net0", ""))
        return Hardware(
            vmid=vm.vmid,
            name=str(config.get("name", vm.name)),
            cores=int(config.get("cores", 1)) * int(config.get("sockets", 1)),
            memory=int(str(config.get("memory", 512)).rpartition("=")[2]) << 20,
            vlan=int(split_props(card)[1].get("tag", 1)),
            address=self.address_of(vm).partition("/")[0],
            mac=mac_of(card),
            disks=data_disks(config),
        )

    async def _switch_on(self, vm: Any) -> None:
        self.take_image(vm)
        vm.agent_since = time.monotonic() + self.agent_delay
        try:
            machines = self.behind(vm)
            await self.blocking(machines.start, self.hardware_of(vm), self.seed_of(vm))
        except TaskError as error:
            vm.status = vm.qmpstatus = "stopped"
            raise TaskError(f"start failed: {error}") from error

    async def after_qmstart(self, vm: Any, _before: set[str]) -> None:
        """Switch the machine on."""
        await self._switch_on(vm)

    async def after_qmreboot(self, vm: Any, _before: set[str]) -> None:
        """Switch the machine on again, with what was pending."""
        await self._switch_on(vm)

    async def after_qmcreate(self, vm: Any, _before: set[str]) -> None:
        """Switch a guest on that was made with ``start``."""
        if vm.status == "running":
            await self._switch_on(vm)

    async def after_qmreset(self, vm: Any, _before: set[str]) -> None:
        """Cut the power for a moment."""
        await self.blocking(self.behind(vm).stop, vm.vmid)
        await self._switch_on(vm)

    async def after_qmstop(self, vm: Any, _before: set[str]) -> None:
        """Cut the power."""
        await self.blocking(self.behind(vm).stop, vm.vmid)
        vm.apply_pending()

    async def after_qmshutdown(self, vm: Any, _before: set[str]) -> None:
        """A guest that is off takes what was pending."""
        if vm.status == "stopped":
            vm.apply_pending()

    async def after_qmdestroy(self, vm: Any, _before: set[str]) -> None:
        """Take the machine away, with what other tables say of it."""
        self.ha_resources.pop(f"vm:{vm.vmid}", None)
        await self.blocking(self.behind(vm).delete, vm.vmid)

    async def after_qmsnapshot(self, vm: Any, before: set[str]) -> None:
        """Keep the disks."""
        for name in set(vm.snapshots) - before:
            try:
                disks = data_disks(vm.config)
                await self.blocking(self.behind(vm).snapshot, vm.vmid, name, disks)
            except TaskError:
                del vm.snapshots[name]
                raise

    async def after_qmdelsnapshot(self, vm: Any, before: set[str]) -> None:
        """Forget the copies."""
        for name in before - set(vm.snapshots):
            disks = data_disks(vm.config)
            await self.blocking(self.behind(vm).drop_snapshot, vm.vmid, name, disks)

    async def after_qmrollback(self, vm: Any, _before: set[str]) -> None:
        """Put the disks back; the guest is off, or on again when that was asked for."""
        machines = self.behind(vm)
        await self.blocking(machines.stop, vm.vmid)
        disks = data_disks(vm.config)
        await self.blocking(machines.rollback, vm.vmid, vm.config["parent"], disks)
        for _slot, volume, props in drives(vm.config):
            if (booked := self._qm_volume(volume)) and "size" in props:
                booked["size"] = parse_size(props["size"])
        if vm.status == "running":
            await self._switch_on(vm)

    async def _powerdown(self, vm: Any, p: dict[str, Any]) -> str | None:
        timeout = float(p.get("timeout") or self.shutdown_default_timeout)
        if not vm.acpi:
            note: str | None = await super()._powerdown(vm, p)
        elif await self.blocking(self.behind(vm).shutdown, vm.vmid, timeout=timeout):
            note = await super()._powerdown(vm, p)
        elif str(p.get("forceStop", "0")) in ("1", "true"):
            note = "VM still running - terminating now with SIGTERM"
            vm.status = vm.qmpstatus = "stopped"
        else:
            raise TaskError("VM quit/powerdown failed - got timeout")
        if vm.status == "stopped":
            await self.blocking(self.behind(vm).stop, vm.vmid)
        return note

    async def _ha_request(self, vm: Any, user: str, state: str) -> str:
        """Do what the HA manager would, in the task that asks it to."""

        async def body() -> None:
            await self.pause(self.ha_delay)
            if state == "started":
                vm.apply_pending()
                vm.status = vm.qmpstatus = "running"
                vm.started_at = time.time()
                await self._switch_on(vm)
            else:
                vm.status = vm.qmpstatus = "stopped"
                await self.blocking(self.behind(vm).stop, vm.vmid)
            vm.ha_state = state
            self.ha_resources.setdefault(f"vm:{vm.vmid}", {})["state"] = state

        verb = "start" if state == "started" else "stop"
        log = [f"Requesting HA {verb} for VM {vm.vmid}"]
        upid: str = await self.task(vm.node, f"ha{verb}", vm.vmid, user, body, lock=False, log=log)
        return upid
