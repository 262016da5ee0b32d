# SPDX-License-Identifier: AGPL-3.0-or-later
"""Nodes: what each has, what its guests take, and which bridges it offers.

Source: pve-manager, PVE/API2/Nodes.pm, PVE/API2/Network.pm and PVE/API2/Cluster.pm.
"""

import json
from typing import Any

from labdb.lab.cluster import GIB
from labdb.lab.emulator.base import Pve, Routes, die, ok, parse_size, split_drive

SYSTEM_MEMORY = 4 * GIB
"""What the node's own services take."""
REPOSITORY = "6c61626462303030"


class Nodes(Pve):
    """Capacity and bridges, which fakepve makes up."""

    def _routes_labnodes(self) -> Routes:
        return [
            ("GET", "/nodes/{node}/status", self._node_status),
            ("GET", "/nodes/{node}/network", self._networks),
            ("GET", "/nodes/{node}/network/{iface}", self._network_card),
            ("GET", "/cluster/sdn/vnets", self._nothing),
            ("GET", "/cluster/sdn/zones", self._nothing),
        ]

    async def _nothing(self, _v: dict[str, Any], _user: str) -> list[Any]:
        return []

    async def _version(self, _request: Any) -> Any:
        answer = {"version": self.version, "release": self.release_version, "repoid": REPOSITORY}
        return ok(answer)

    @staticmethod
    def _vm_maxdisk(vm: Any) -> int:
        """Return the bytes of the disk that the guest boots from."""
        _volume, props = split_drive(str(vm.config.get("scsi0", "")))
        return parse_size(props.get("size", "0")) or 0

    def capacity(self, name: str) -> dict[str, Any]:
        """Return what the node has and what its guests take, as the node list shows it."""
        node = self.cluster.nodes[name]
        if not self.nodes[name].get("online", True):
            return {}
        usage = [self._vm_usage(vm) for vm in self.vms if vm.node == name]
        running = [entry for entry in usage if entry["mem"]]
        memory = node.memory_gib * GIB
        taken = SYSTEM_MEMORY + sum(entry["maxmem"] for entry in running)
        disk = int(self.cluster.storages["local"].total_gib * GIB)
        return {
            "cpu": 0.02,
            "maxcpu": node.cpus,
            "mem": min(taken, memory),
            "maxmem": memory,
            "disk": disk // 8,
            "maxdisk": disk,
            "uptime": 864_000,
        }

    async def _cluster_status(self, request: Any) -> Any:
        answer = json.loads((await super()._cluster_status(request)).text)["data"]
        answer[0].pop("online")
        return ok(answer)

    def _vm_status(self, vm: Any, listing: bool = False) -> dict[str, Any]:
        status: dict[str, Any] = super()._vm_status(vm, listing)
        return {key: value for key, value in status.items() if value is not None}

    async def _nodes(self, request: Any) -> Any:
        answer = json.loads((await super()._nodes(request)).text)["data"]
        return ok([node | self.capacity(node["node"]) for node in answer])

    async def _resources(self, request: Any) -> Any:
        answer = json.loads((await super()._resources(request)).text)["data"]
        for entry in answer:
            if entry["type"] == "node":
                entry.update(self.capacity(entry["node"]))
            elif entry["type"] == "storage":
                total, used, _left = self._space(self.storages[entry["storage"]])
                entry.update(maxdisk=total, disk=used)
        return ok(answer)

    async def _node_status(self, v: dict[str, Any], _user: str) -> dict[str, Any]:
        node, now = self.cluster.nodes[v["node"]], self.capacity(v["node"])
        free = now["maxmem"] - now["mem"]
        left = now["maxdisk"] - now["disk"]
        return {
            "uptime": now["uptime"],
            "cpu": now["cpu"],
            "wait": 0,
            "idle": 0,
            "loadavg": ["0.42", "0.40", "0.38"],
            "kversion": "Linux 6.14.11-2-pve",
            "pveversion": f"pve-manager/{self.version}/{REPOSITORY}",
            "current-kernel": {
                "sysname": "Linux",
                "release": "6.14.11-2-pve",
                "version": "#1 SMP PREEMPT_DYNAMIC PMX",
                "machine": "x86_64",
            },
            "boot-info": {"mode": "efi", "secureboot": 1},
            "cpuinfo": {
                "cpus": node.cpus,
                "cores": node.cpus,
                "sockets": 1,
                "model": node.model,
                "mhz": "2600.000",
                "hvm": "1",
                "user_hz": 100,
                "flags": "vmx",
            },
            "memory": {
                "total": now["maxmem"],
                "used": now["mem"],
                "free": free,
                "available": free,
            },
            "swap": {"total": 0, "used": 0, "free": 0},
            "ksm": {"shared": 0},
            "rootfs": {
                "total": now["maxdisk"],
                "used": now["disk"],
                "free": left,
                "avail": left,
            },
        }

    def _interfaces_of_node(self) -> list[dict[str, Any]]:
        cards: list[dict[str, Any]] = []
        for name, bridge in self.cluster.bridges.items():
            card: dict[str, Any] = {
                "iface": name,
                "type": "bridge",
                "active": 1,
                "autostart": 1,
                "exists": 1,
                "method": "manual",
                "method6": "manual",
                "families": ["inet"],
                "priority": len(cards) + 1,
                "bridge_ports": bridge.ports,
                "bridge_stp": "off",
                "bridge_fd": "0",
            }
            if bridge.vlan_aware:
                card |= {"bridge_vlan_aware": 1, "bridge_vids": "2-4094"}
            if bridge.comment:
                card["comments"] = f"{bridge.comment}\n"
            cards.append(card)
        for name in sorted({bridge.ports for bridge in self.cluster.bridges.values()} - {""}):
            kind = "bond" if name.startswith("bond") else "eth"
            cards.append(
                {
                    "iface": name,
                    "type": kind,
                    "active": 1,
                    "exists": 1,
                    "method": "manual",
                    "method6": "manual",
                    "families": ["inet"],
                    "priority": len(cards) + 1,
                }
            )
        return cards

    async def _networks(self, v: dict[str, Any], user: str) -> list[dict[str, Any]]:
        wanted = v.get("type")
        kinds = {"any_bridge": {"bridge", "OVSBridge"}, "any_local_bridge": {"bridge"}}
        kinds["include_sdn"] = kinds["any_bridge"]
        chosen = kinds.get(str(wanted), {wanted})
        return [
            card
            for card in self._interfaces_of_node()
            if (wanted is None or card["type"] in chosen)
            and (card["type"] != "bridge" or self._may_see(user, v["node"], card["iface"]))
        ]

    def _may_see(self, user: str, node: str, bridge: str) -> bool:
        return bool(
            self.allowed(user, f"/nodes/{node}", "Sys.Audit|Sys.Modify")
            or self.allowed(user, f"/sdn/zones/localnet/{bridge}", "SDN.Audit|SDN.Use")
        )

    async def _network_card(self, v: dict[str, Any], _user: str) -> dict[str, Any]:
        for card in self._interfaces_of_node():
            if card["iface"] == v["iface"]:
                return card
        raise die("interface does not exist")
