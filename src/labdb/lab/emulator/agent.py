# SPDX-License-Identifier: AGPL-3.0-or-later
"""The guest agent: answers that come from the machine, or from the configuration.

Source: qemu-server, PVE/API2/Qemu/Agent.pm for the shape of the answers.
"""

import asyncio
import ipaddress
import time
from typing import Any

from labdb.lab.emulator.base import Pve, PveError, die, split_props
from labdb.lab.emulator.cloudinit import mac_of
from labdb.lab.machines import MachineError

LOOPBACK = {
    "name": "lo",
    "hardware-address": "00:00:00:00:00:00",
    "ip-addresses": [{"ip-address": "127.0.0.1", "ip-address-type": "ipv4", "prefix": 8}],
}


class Agent(Pve):
    """The QEMU guest agent of every guest whose configuration enables it."""

    async def _agent_call(self, match: Any, values: dict[str, Any]) -> Any:
        vm = self.find(values["node"], values["vmid"])
        command = match.template.rpartition("/")[2]
        if str(vm.config.get("agent", "0")).split(",")[0].removeprefix("enabled=") != "1":
            raise die("No QEMU guest agent configured")
        if time.monotonic() < vm.agent_since:
            raise die("QEMU guest agent is not running")
        answers = {
            "network-get-interfaces": self._interfaces,
            "file-read": self._file_read,
            "exec": self._exec,
            "exec-status": self._exec_status,
            "get-fsinfo": self._fsinfo,
        }
        if vm.status != "running" or vm.agent is None or vm.agent_hangs or command not in answers:
            return await super()._agent_call(match, values)
        return await answers[command](vm, values)

    async def _interfaces(self, vm: Any, _values: dict[str, Any]) -> dict[str, Any]:
        cards = []
        for number in range(32):
            if (card := vm.config.get(f"net{number}")) is None:
                continue
            text = self.address_of(vm, number)
            found: list[dict[str, Any]] = []
            if text:
                interface = ipaddress.ip_interface(text)
                found.append(
                    {
                        "ip-address": str(interface.ip),
                        "ip-address-type": "ipv4",
                        "prefix": interface.network.prefixlen,
                    }
                )
            cards.append(
                {
                    "name": f"eth{number}",
                    "hardware-address": mac_of(str(card)).lower(),
                    "ip-addresses": found,
                }
            )
        return {"result": [LOOPBACK, *cards]}

    @staticmethod
    def address_of(vm: Any, number: int = 0) -> str:
        """Return the address (with prefix) that the guest has on card *number*, or nothing."""
        given = split_props(str(vm.image.get(f"ipconfig{number}", "")))[1]
        declared: str = given.get("ip", "")
        if declared and declared != "dhcp":
            return declared
        return str(vm.address) if number == 0 else ""

    async def _file_read(self, vm: Any, values: dict[str, Any]) -> dict[str, Any]:
        path = values["file"]
        try:
            content = await asyncio.to_thread(self.behind(vm).read_file, vm.vmid, path)
        except FileNotFoundError as error:
            text = f"Agent error: failed to open file '{path}' (mode: 'r'): "
            raise die(text + "No such file or directory") from error
        except MachineError as error:
            raise die(f"Agent error: {error.what}") from error
        return {"content": content.decode(errors="replace"), "truncated": False,
                "bytes-read": len(content)}  # fmt: skip

    async def _exec(self, vm: Any, values: dict[str, Any]) -> dict[str, Any]:
        argv = [str(part) for part in values["command"]]
        vm.agent_pid += 1
        pid = vm.agent_pid
        vm.agent_execs[pid] = None
        done = await asyncio.to_thread(self.behind(vm).exec, vm.vmid, argv)
        vm.agent_execs[pid] = done
        return {"pid": pid}

    async def _exec_status(self, vm: Any, values: dict[str, Any]) -> dict[str, Any]:
        if values["pid"] not in vm.agent_execs:
            raise PveError(500, f"Agent error: PID {values['pid']} does not exist")
        done = vm.agent_execs[values["pid"]]
        if done is None:
            return {"exited": False}
        return {
            "exited": True,
            "exitcode": done.status,
            "out-data": done.out,
            "err-data": done.err,
        }

    async def _fsinfo(self, _vm: Any, _values: dict[str, Any]) -> dict[str, Any]:
        return {"result": []}
