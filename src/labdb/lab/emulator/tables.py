# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the cluster knows beside its guests: node capacity, bridges, HA and backup jobs.

Source: pve-manager, PVE/API2/{Nodes,Network,Backup}.pm; pve-ha-manager,
PVE/API2/HA/Resources.pm.
"""

import hashlib
import json
import time
import uuid
from typing import Any

from labdb.lab.cluster import GIB
from labdb.lab.emulator.base import (
    Pve,
    Routes,
    die,
    ok,
    parse_size,
    split_drive,
    split_list,
    split_props,
)

SYSTEM_MEMORY = 4 * GIB
"""What the node's own services take."""
REPOSITORY = "6c61626462303030"


class Tables(Pve):
    """Small tables that fakepve answers with made-up rows."""

    def _routes_labtables(self) -> Routes:
        resources, jobs, rules = "/cluster/ha/resources", "/cluster/backup", "/cluster/ha/rules"
        return [
            ("GET", "/nodes/{node}/status", self._node_status),
            ("GET", "/nodes/{node}/network", self._networks),
            ("GET", "/nodes/{node}/network/{iface}", self._network_card),
            ("GET", "/cluster/sdn/vnets", self._nothing),
            ("GET", "/cluster/sdn/zones", self._nothing),
            ("GET", "/cluster/ha/groups", self._nothing),
            ("GET", resources, self._ha_list),
            ("POST", resources, self._ha_create),
            ("GET", f"{resources}/{{sid}}", self._ha_read),
            ("PUT", f"{resources}/{{sid}}", self._ha_update),
            ("DELETE", f"{resources}/{{sid}}", self._ha_delete),
            ("GET", rules, self._rules_list),
            ("POST", rules, self._rules_create),
            ("GET", f"{rules}/{{rule}}", self._rules_read),
            ("DELETE", f"{rules}/{{rule}}", self._rules_delete),
            ("GET", jobs, self._jobs_list),
            ("POST", jobs, self._jobs_create),
            ("GET", f"{jobs}/{{id}}", self._jobs_read),
            ("PUT", f"{jobs}/{{id}}", self._jobs_update),
            ("DELETE", f"{jobs}/{{id}}", self._jobs_delete),
        ]

    async def _nothing(self, _v: dict[str, Any], _user: str) -> list[Any]:
        return []

    async def _version(self, _request: Any) -> Any:
        answer = {"version": self.version, "release": self.release_version, "repoid": REPOSITORY}
        return ok(answer)

    # nodes

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

    # bridges

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

    # high availability

    async def _ha_list(self, v: dict[str, Any], _user: str) -> list[dict[str, Any]]:
        kind = v.get("type")
        return [
            entry | {"digest": _digest(entry)}
            for entry in self.ha_resources.values()
            if kind is None or entry["type"] == kind
        ]

    def _ha_entry(self, sid: str) -> dict[str, Any]:
        entry = self.ha_resources.get(_sid(sid))
        if entry is None:
            raise die(f"no such resource '{_sid(sid)}'")
        return entry

    async def _ha_create(self, v: dict[str, Any], _user: str) -> None:
        self.need_quorum()
        sid = _sid(v["sid"])
        if sid in self.ha_resources:
            raise die(f"resource ID '{sid}' already defined")
        vm = self.vm(int(sid.partition(":")[2]))
        if vm is None:
            raise die(f"unable to add resource '{sid}' - service does not exist")
        entry = {k: x for k, x in v.items() if k != "sid"}
        self.ha_resources[sid] = {"state": "started", **entry, "sid": sid, "type": "vm"}
        self._tell_guest(sid)

    async def _ha_read(self, v: dict[str, Any], _user: str) -> dict[str, Any]:
        entry = self._ha_entry(v["sid"])
        return entry | {"digest": _digest(entry)}

    async def _ha_update(self, v: dict[str, Any], _user: str) -> None:
        self.need_quorum()
        entry = self._ha_entry(v["sid"])
        _check_digest(entry, v)
        _change(entry, v, fixed=("sid", "type"))
        self._tell_guest(entry["sid"])

    async def _ha_delete(self, v: dict[str, Any], _user: str) -> None:
        self.need_quorum()
        sid = self._ha_entry(v["sid"])["sid"]
        del self.ha_resources[sid]
        if vm := self.vm(int(sid.partition(":")[2])):
            vm.ha_state = None

    def _tell_guest(self, sid: str) -> None:
        if vm := self.vm(int(sid.partition(":")[2])):
            vm.ha_state = self.ha_resources[sid].get("state", "started")

    async def _rules_list(self, _v: dict[str, Any], _user: str) -> list[dict[str, Any]]:
        return list(self.ha_rules.values())

    async def _rules_create(self, v: dict[str, Any], _user: str) -> None:
        if v["rule"] in self.ha_rules:
            raise die(f"HA rule '{v['rule']}' already defined")
        self.ha_rules[v["rule"]] = dict(v)

    async def _rules_read(self, v: dict[str, Any], _user: str) -> dict[str, Any]:
        if v["rule"] not in self.ha_rules:
            raise die(f"no such ha rule '{v['rule']}'")
        return self.ha_rules[v["rule"]]

    async def _rules_delete(self, v: dict[str, Any], _user: str) -> None:
        if self.ha_rules.pop(v["rule"], None) is None:
            raise die(f"no such ha rule '{v['rule']}'")

    # backup jobs

    async def _jobs_list(self, _v: dict[str, Any], _user: str) -> list[dict[str, Any]]:
        return [dict(entry) for entry in self.backup_jobs.values()]

    def _job(self, job: str) -> dict[str, Any]:
        entry = self.backup_jobs.get(job)
        if entry is None:
            raise die(f"No such job '{job}'")
        return entry

    async def _jobs_create(self, v: dict[str, Any], _user: str) -> None:
        self.need_quorum()
        job = v.get("id") or f"backup-{uuid.uuid4().hex[:8]}-{uuid.uuid4().hex[:4]}"
        if job in self.backup_jobs:
            raise die(f"Job '{job}' already exists")
        if (storage := v.get("storage")) and storage not in self.storages:
            raise die(f"storage '{storage}' does not exist")
        self.backup_jobs[job] = {
            "enabled": 1,
            "mode": "snapshot",
            **_unfolded(v),
            "id": job,
            "type": "vzdump",
            "next-run": int(time.time()) // 86_400 * 86_400 + 86_400,
        }

    async def _jobs_read(self, v: dict[str, Any], _user: str) -> dict[str, Any]:
        return dict(self._job(v["id"]))

    async def _jobs_update(self, v: dict[str, Any], _user: str) -> None:
        self.need_quorum()
        _change(self._job(v["id"]), _unfolded(v), fixed=("id", "type"))

    async def _jobs_delete(self, v: dict[str, Any], _user: str) -> None:
        self.need_quorum()
        self._job(v["id"])
        del self.backup_jobs[v["id"]]


def _unfolded(values: dict[str, Any]) -> dict[str, Any]:
    """Return *values* with the property strings of a backup job as the objects it shows."""
    folded = {key for key in ("fleecing", "performance", "prune-backups") if values.get(key)}
    return values | {key: split_props(values[key])[1] for key in folded}


def _sid(text: str) -> str:
    return text if ":" in text else f"vm:{text}"


def _digest(entry: dict[str, Any]) -> str:
    text = json.dumps(entry, sort_keys=True).encode()
    return hashlib.sha1(text, usedforsecurity=False).hexdigest()


def _check_digest(entry: dict[str, Any], values: dict[str, Any]) -> None:
    if (given := values.get("digest")) and given != _digest(entry):
        raise die("detected modified configuration - file changed by other user? Try again.")


def _change(entry: dict[str, Any], values: dict[str, Any], *, fixed: tuple[str, ...]) -> None:
    for key in split_list(values.get("delete")):
        entry.pop(key, None)
    entry |= {
        key: value
        for key, value in values.items()
        if key not in ("delete", "digest", "node", *fixed) and value is not None
    }
