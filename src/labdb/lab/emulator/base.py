# SPDX-License-Identifier: AGPL-3.0-or-later
"""The one door to fakepve, and the state that every part of the emulator shares."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from fakepve import FakePve, FakeVm, PveError, TaskError
from fakepve import schema as pve_schema
from fakepve.lxc import SIZE_UNITS, format_size, parse_size, split_props
from fakepve.qemu import (
    DRIVE_KEY,
    NEW_DISK,
    drives_of,
    is_cdrom,
    join_drive,
    split_drive,
    volume_ref,
    with_mac,
)
from fakepve.routing import die, param_error, split_list
from fakepve.server import USER, ok, params

from labdb.errors import LabdbError
from labdb.lab.cluster import GIB, Cluster
from labdb.lab.machines import Machines, NoMachines

__all__ = [
    "DRIVE_KEY",
    "NEW_DISK",
    "SIZE_UNITS",
    "USER",
    "FakeVm",
    "Pve",
    "PveError",
    "TaskError",
    "die",
    "drives_of",
    "format_size",
    "is_cdrom",
    "join_drive",
    "ok",
    "param_error",
    "params",
    "parse_size",
    "pve_schema",
    "split_drive",
    "split_list",
    "split_props",
    "volume_ref",
    "with_mac",
]

QEMU = "/nodes/{node}/qemu/{vmid}"

Routes = list[tuple[str, str, Callable[..., Awaitable[Any]]]]


class Pve(FakePve):  # type: ignore[misc]  # fakepve carries no types
    """fakepve with the cluster of a file and machines behind its guests."""

    def __init__(self, cluster: Cluster, machines: Machines, *, host: str, port: int) -> None:
        super().__init__(user="root@pam", password="", host=host, port=port)
        self.machines: Machines = machines
        self.made_up: Machines = NoMachines()
        self.cluster = cluster
        self.background: set[asyncio.Task[None]] = set()
        self.clone_storage: dict[int, str | None] = {}
        self.dropped: list[dict[str, Any]] = []
        self.sums: dict[str, str] = {}
        self.populate(cluster)

    def check_password(self, user: str, password: str) -> bool:
        """Refuse every password: the lab is entered with a token."""
        del user, password
        return False

    def populate(self, cluster: Cluster) -> None:
        """Become *cluster*, whatever was there before."""
        self.cluster = cluster
        self.cluster_name = cluster.name
        self.version = cluster.version
        self.release_version = ".".join(cluster.version.split(".")[:2])
        self.nodes = {name: {"online": node.online} for name, node in cluster.nodes.items()}
        self.vms: list[Any] = []
        self.storages = {name: _storage(name, cluster) for name in cluster.storages}
        self.pools: dict[str, set[int]] = {}
        self.pool_info: dict[str, Any] = {}
        self.tasks: dict[str, Any] = {}
        self.tasklog: list[Any] = []
        self.requests: list[Any] = []
        self.failures: dict[Any, Any] = {}
        self.dropped.clear()
        self.apitokens: dict[str, str] = {}
        self.expired: set[str] = set()
        self.ha_resources: dict[str, dict[str, Any]] = {}
        self.ha_rules: dict[str, dict[str, Any]] = {}
        self.backup_jobs: dict[str, dict[str, Any]] = {}
        self.__dict__.pop("_fw_state", None)
        self.quorate = True
        self.lock_wait = 10
        self.slow_network(0.0)
        self.network["node_latency"] = {}
        self.acl: dict[str, Any] = {}
        for token, what in cluster.tokens.items():
            for path, privileges in what.privileges.items():
                self.grant(token, path, *privileges)
        for guest in cluster.guests:
            vm = self.add_vm(
                guest.vmid,
                guest.name,
                node=guest.node,
                status="running" if guest.running else "stopped",
                config=dict(guest.config),
                template=guest.template,
            )
            if guest.template:
                vm.config["template"] = 1
            dress(vm, has_agent=guest.agent, address=guest.address, bookkeeping=guest.bookkeeping)
            self._adopt_volumes(vm)

    def _adopt_volumes(self, vm: Any) -> None:
        """Book the volumes that the cluster file only names in the guest's configuration."""
        for _slot, volume, props in drives_of(vm.config):
            sid, name = volume_ref(volume)
            if sid is None:
                continue
            size = parse_size(props.get("size", "0")) or 0
            self.storages[sid]["volumes"][name] = {
                "content": "images",
                "format": "raw",
                "size": size,
                "vmid": vm.vmid,
                "ctime": 0,
            }
            if "avail" in self.storages[sid]:
                self.storages[sid]["avail"] -= size

    def behind(self, vm: Any) -> Machines:
        """Return the machines that *vm* has its machine among."""
        return self.made_up if vm.bookkeeping else self.machines

    async def blocking(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run a blocking call of the machines beside the event loop; its failure is the task's."""
        try:
            return await asyncio.to_thread(call, *args, **kwargs)
        except LabdbError as error:
            raise TaskError(" - ".join(p for p in (error.what, error.why) if p)) from error

    def save(self) -> None:
        """Keep the cluster's state, where there is a place for it."""

    def complain(self, text: str) -> None:
        """Say *text* in the emulator's log."""
        print(text, flush=True)  # noqa: T201  # stdout is the emulator's log


def dress(vm: Any, *, has_agent: bool = True, address: str = "", bookkeeping: bool = False) -> None:
    """Give *vm* the attributes that the emulator keeps beside fakepve's."""
    vm.agent = {} if has_agent else None
    vm.address = address
    vm.bookkeeping = bookkeeping
    vm.image = {}
    vm.agent_since = 0.0
    vm.at_work = 0
    vm.turn = 0


def _storage(name: str, cluster: Cluster) -> dict[str, Any]:
    declared = cluster.storages[name]
    total = int(declared.total_gib * GIB)
    store: dict[str, Any] = {
        "type": declared.type,
        "content": ",".join(declared.content),
        "active": 1,
        "files": set(),
        "volumes": {
            path: {
                "content": path.partition("/")[0],
                "format": path.rpartition(".")[2],
                "size": int(size * GIB),
                "ctime": 0,
            }
            for path, size in declared.files.items()
        },
        "total": total,
        **declared.options,
    }
    if declared.nodes:
        store["nodes"] = ",".join(declared.nodes)
    if declared.type != "lvmthin":
        store["avail"] = total - sum(v["size"] for v in store["volumes"].values())
    return store


def drives(
    config: dict[str, Any], slots: Sequence[str] = ()
) -> list[tuple[str, str, dict[str, str]]]:
    """Return (slot, volume, options) of the configured disks, CD-ROM drives left out."""
    found = drives_of(config, skip_cdrom=True)
    return [entry for entry in found if not slots or entry[0] in slots]


def change(entry: dict[str, Any], values: dict[str, Any], *, fixed: tuple[str, ...]) -> None:
    """Change a section of a configuration file as ``PUT`` does; *fixed* keys stay."""
    for key in split_list(values.get("delete")):
        entry.pop(key, None)
    entry |= {
        key: value
        for key, value in values.items()
        if key not in ("delete", "digest", "node", *fixed) and value is not None
    }
