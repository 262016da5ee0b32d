# SPDX-License-Identifier: AGPL-3.0-or-later
"""The cluster's state in a file, so that a restarted emulator takes up where it was."""

import json
from pathlib import Path
from typing import Any

from labdb.lab.emulator.base import Pve, dress

GUEST = (
    "name", "node", "status", "qmpstatus", "config", "pending", "template", "lock", "pool",
    "snapshots", "started_at", "ha_state", "agent", "address", "bookkeeping", "image", "acpi",
)  # fmt: skip
TABLES = ("ha_resources", "ha_rules", "backup_jobs", "pool_info", "nodes")
KEPT_TASKS = 200


class State(Pve):
    """Saves after every change and loads at the start."""

    state_file: Path | None = None

    def save(self) -> None:
        """Write the state, whole or not at all."""
        if self.state_file is None:
            return
        text = json.dumps(self.dump(), default=_plain)
        draft = self.state_file.with_suffix(".new")
        draft.write_text(text)
        draft.replace(self.state_file)

    def dump(self) -> dict[str, Any]:
        """Return everything that outlives the process."""
        return {
            "guests": [
                {"vmid": vm.vmid, **{key: getattr(vm, key) for key in GUEST}} for vm in self.vms
            ],
            "storages": self.storages,
            "pools": self.pools,
            "firewall": self._fw(),
            "tasks": self.tasklog[-KEPT_TASKS:],
            **{key: getattr(self, key) for key in TABLES},
        }

    def restore(self, kept: dict[str, Any]) -> None:
        """Become what :meth:`dump` returned."""
        self.vms = []
        for entry in kept["guests"]:
            vm = self.add_vm(entry["vmid"], entry["name"], node=entry["node"])
            dress(vm)
            for key in GUEST:
                setattr(vm, key, entry[key])
        self.storages = kept["storages"]
        for store in self.storages.values():
            store["files"] = set(store["files"])
        self.pools = {name: set(ids) for name, ids in kept["pools"].items()}
        firewall = kept["firewall"]
        firewall["guests"] = {int(vmid): conf for vmid, conf in firewall["guests"].items()}
        self.__dict__["_fw_state"] = firewall
        self.tasklog = kept["tasks"]
        for task in self.tasklog:
            if task["status"] == "running":
                task |= {"status": "stopped", "exitstatus": "unexpected status"}
        self.tasks = {task["upid"]: task for task in self.tasklog}
        for key in TABLES:
            setattr(self, key, kept[key])


def _plain(value: Any) -> Any:
    if isinstance(value, set):
        return sorted(value)
    raise TypeError(f"{value!r} cannot be kept in the state file")
