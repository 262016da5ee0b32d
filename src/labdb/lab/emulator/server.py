# SPDX-License-Identifier: AGPL-3.0-or-later
"""The emulated cluster, put together: which part answers what, and the token at the door."""

import asyncio
import json
from pathlib import Path
from typing import Any

from labdb.lab.cluster import Cluster
from labdb.lab.emulator.availability import Availability
from labdb.lab.emulator.base import PveError, TaskError, dress
from labdb.lab.emulator.config import Configuration
from labdb.lab.emulator.control import Control
from labdb.lab.emulator.credentials import TOKEN_ID, Credentials, ensure
from labdb.lab.emulator.imports import Imports
from labdb.lab.emulator.jobs import Jobs
from labdb.lab.emulator.nodes import Nodes
from labdb.lab.emulator.power import Power
from labdb.lab.emulator.recording import Recording
from labdb.lab.emulator.state import State
from labdb.lab.machines import Machines

WATCH_SECONDS = 2.0


class Emulator(Recording, State, Control, Configuration, Power, Nodes, Availability, Jobs, Imports):
    """A Proxmox VE cluster with everything that labdb asks of one."""

    def __init__(
        self, cluster: Cluster, machines: Machines, state: Path, *, port: int, time_scale: float
    ) -> None:
        super().__init__(cluster, machines, host="127.0.0.1", port=port)
        self.state = state
        self.own_time_scale = self.time_scale = time_scale
        self.latency_seconds = 0.0
        self.state_file = state / "cluster-state.json"
        self.record_file = state / "requests.jsonl"
        self.credentials: Credentials = ensure(state)
        self.enter_token()

    def enter_token(self) -> None:
        """Let the one token in; there is no other way."""
        self.apitokens = {TOKEN_ID: self.credentials.secret()}

    def _authenticate(self, request: Any) -> Any:
        who = super()._authenticate(request)
        if who in self.expired:
            _user, _, name = str(who).partition("!")
            raise PveError(401, f"token '{name}' access expired")
        return who

    async def _answer(self, request: Any, handler: Any, generic: Any, path_node: Any) -> Any:
        if self.latency_seconds:
            await asyncio.sleep(self.latency_seconds)
        return await super()._answer(request, handler, generic, path_node)

    def add_guest(
        self, vmid: int, name: str, *, node: str, config: dict[str, Any], running: bool
    ) -> None:
        """Put a guest there that nobody asked the API for."""
        status = "running" if running else "stopped"
        vm = self.add_vm(vmid, name, node=node, status=status, config=config)
        dress(vm, bookkeeping=True)
        self._adopt_volumes(vm)

    def resume(self) -> bool:
        """Take up the state of an earlier process; tell whether there was one."""
        if self.state_file is None or not self.state_file.exists():
            return False
        self.restore(json.loads(self.state_file.read_text()))
        return True

    async def switch_on_after_boot(self) -> None:
        """Start the guests with ``onboot`` whose machines went down with the host."""
        running = await asyncio.to_thread(self.machines.running)
        if running is None:
            return
        for vm in [v for v in self.vms if not v.bookkeeping and v.status == "running"]:
            if vm.vmid in running:
                continue
            vm.status = vm.qmpstatus = "stopped"
            if vm.config.get("onboot"):
                await self._do_start(vm, "root@pam", {})

    async def watch(self) -> None:
        """Notice guests that powered themselves off or came back, until cancelled."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            seen = [(vm, vm.turn) for vm in self.vms if not (vm.bookkeeping or vm.template)]
            try:
                running = await self.blocking(self.machines.running)
            except TaskError as error:
                self.complain(str(error))
                continue
            if running is None:
                return
            for vm, turn in seen:
                if vm in self.vms and not vm.at_work and vm.turn == turn:
                    self._notice(vm, is_on=vm.vmid in running)

    def _notice(self, vm: Any, *, is_on: bool) -> None:
        status = "running" if is_on else "stopped"
        if vm.status != status:
            vm.status = vm.qmpstatus = status
            if not is_on:
                vm.apply_pending()
            self.save()
