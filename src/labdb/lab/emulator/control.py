# SPDX-License-Identifier: AGPL-3.0-or-later
"""Faults on demand: one JSON object a line on a unix socket, one line of answer each.

The commands are listed, with their arguments, in ``labdb.lab.control``.
"""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

from labdb.lab.emulator.base import Pve, TaskError

LOCK_TASKS = {"backup": "vzdump", "migrate": "qmigrate", "snapshot": "qmsnapshot"}


class Control(Pve):
    """The operations that tests reach across the process border."""

    async def listen(self, path: Path) -> asyncio.AbstractServer:
        """Serve the control socket at *path*."""
        _clear(path)
        server = await asyncio.start_unix_server(self._converse, path)
        _only_for_us(path)
        return server

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._obey(line), default=str).encode() + b"\n")
                await writer.drain()
        except ConnectionError:
            return
        finally:
            writer.close()

    async def _obey(self, line: bytes) -> dict[str, Any]:
        try:
            order = json.loads(line)
            action = getattr(self, f"_on_{order.pop('do')}")
            result = await action(**order)
            self.save()
        except (AttributeError, KeyError, TypeError, ValueError, TaskError) as error:
            return {"ok": False, "error": f"{type(error).__name__}: {error}"}
        return {"ok": True, "result": result}

    async def _on_reset(self) -> None:
        for task in self.background:
            task.cancel()
        self.time_scale = self.own_time_scale
        self.agent_delay = self.latency_seconds = 0.0
        self.sums.clear()
        self.populate(self.cluster)
        self.enter_token()

    async def _on_fail(self, method: str, path: str, times: int | None = 1, **how: Any) -> None:
        self.fail(method, path, times=times, **how)

    async def _on_clear(self) -> None:
        self.failures.clear()
        self.dropped.clear()

    async def _on_drop_connection_after(self, method: str, path: str, times: int = 1) -> None:
        self.dropped.append({"method": method, "path": path, "times": times})

    async def _on_hold_config_lock(self, vmid: int, seconds: float | None = None) -> None:
        await self.hold_config_lock(vmid, None)
        if seconds is not None:
            self._soon(seconds, lambda: self.release_config_lock(vmid))

    async def _on_release_config_lock(self, vmid: int) -> None:
        self.release_config_lock(vmid)

    async def _on_lock(self, vmid: int, kind: str = "backup", seconds: float | None = None) -> str:
        vm = self.find(self.vm(vmid).node, vmid)
        self.snapshot_lock(vmid, kind)
        upid, pid, start = self._upid(vm.node, LOCK_TASKS.get(kind, kind), vmid, "root@pam")
        task = {
            "upid": upid, "node": vm.node, "pid": pid, "pstart": pid * 7, "starttime": start,
            "type": LOCK_TASKS.get(kind, kind), "id": str(vmid), "user": "root@pam",
            "status": "running", "log": [f"INFO: {kind} of VM {vmid} is running"],
        }  # fmt: skip
        if kind in LOCK_TASKS:
            self.tasks[upid] = task
            self.tasklog.append(task)
        if seconds is not None:
            self._soon(seconds, lambda: self._end_lock(vmid))
        return str(upid)

    async def _on_unlock(self, vmid: int) -> None:
        self._end_lock(vmid)

    def _end_lock(self, vmid: int) -> None:
        self.unlock(vmid)
        for task in self.tasklog:
            if task["id"] == str(vmid) and task["status"] == "running":
                task |= {"status": "stopped", "exitstatus": "OK", "endtime": int(time.time())}
                task["log"].append("TASK OK")

    def _soon(self, seconds: float, call: Any) -> None:
        async def wait() -> None:
            await asyncio.sleep(seconds)
            call()

        task = asyncio.ensure_future(wait())
        self.background.add(task)
        task.add_done_callback(self.background.discard)

    async def _on_lose_quorum(self) -> None:
        self.lose_quorum()

    async def _on_regain_quorum(self) -> None:
        self.regain_quorum()

    async def _on_node_offline(self, node: str, offline: bool = True) -> None:
        self.set_node_offline(node, offline)

    async def _on_expire_token(self) -> None:
        self.expired.update(self.apitokens)

    async def _on_renew_token(self) -> None:
        self.expired.clear()

    async def _on_revoke(self, privilege: str) -> None:
        for entries in self.acl.values():
            for _path, privileges in entries:
                privileges.discard(privilege)

    async def _on_grant(self, privilege: str, path: str = "/") -> None:
        for token in self.apitokens:
            self.grant(token, path, privilege)

    async def _on_slow(self, seconds: float) -> None:
        self.latency_seconds = seconds

    async def _on_time_scale(self, value: float) -> None:
        self.time_scale = value

    async def _on_agent(self, vmid: int, state: str = "off") -> None:
        vm = self.vm(vmid)
        vm.agent_hangs = state == "hangs"
        vm.agent = None if state == "off" else {}

    async def _on_agent_delay(self, seconds: float) -> None:
        self.agent_delay = seconds

    async def _on_address(self, vmid: int, address: str) -> None:
        vm = self.vm(vmid)
        vm.address = address
        vm.image = {k: v for k, v in vm.image.items() if not k.startswith("ipconfig")}

    async def _on_set_config(self, vmid: int, config: dict[str, Any]) -> None:
        vm = self.vm(vmid)
        for key, value in config.items():
            if value is None:
                vm.config.pop(key, None)
            else:
                vm.config[key] = value

    async def _on_add_guest(
        self, vmid: int, name: str, node: str, config: dict[str, Any], running: bool = False
    ) -> None:
        self.add_guest(vmid, name, node=node, config=config, running=running)

    async def _on_fill_storage(self, storage: str, free: int) -> None:
        store = self.storages[storage]
        store["avail"] = free

    async def _on_storage_content(self, storage: str, content: str) -> None:
        self.storages[storage]["content"] = content

    async def _on_checksum(self, url: str, checksum: str) -> None:
        self.sums[url] = checksum

    async def _on_guest(self, vmid: int) -> dict[str, Any] | None:
        vm = self.vm(vmid)
        if vm is None:
            return None
        return {
            "name": vm.name, "node": vm.node, "status": vm.status, "config": vm.config,
            "pending": vm.pending, "lock": vm.lock, "snapshots": sorted(vm.snapshots),
            "template": vm.template, "image": vm.image,
        }  # fmt: skip

    async def _on_errors_for(self, method: str, path: str) -> list[str]:
        return [entry["name"] for entry in self.errors_for(method, path)]


def _clear(path: Path) -> None:
    path.unlink(missing_ok=True)


def _only_for_us(path: Path) -> None:
    path.chmod(0o600)
