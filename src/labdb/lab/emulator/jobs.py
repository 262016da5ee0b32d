# SPDX-License-Identifier: AGPL-3.0-or-later
"""Backup jobs of the cluster.

Source: pve-manager, PVE/API2/Backup.pm.
"""

import time
import uuid
from typing import Any

from labdb.lab.emulator.base import Pve, Routes, change, die, split_props


class Jobs(Pve):
    """Backup jobs, kept; nothing is backed up."""

    def _routes_labjobs(self) -> Routes:
        jobs = "/cluster/backup"
        return [
            ("GET", jobs, self._jobs_list),
            ("POST", jobs, self._jobs_create),
            ("GET", f"{jobs}/{{id}}", self._jobs_read),
            ("PUT", f"{jobs}/{{id}}", self._jobs_update),
            ("DELETE", f"{jobs}/{{id}}", self._jobs_delete),
        ]

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
        change(self._job(v["id"]), _unfolded(v), fixed=("id", "type"))

    async def _jobs_delete(self, v: dict[str, Any], _user: str) -> None:
        self.need_quorum()
        self._job(v["id"])
        del self.backup_jobs[v["id"]]


def _unfolded(values: dict[str, Any]) -> dict[str, Any]:
    """Return *values* with the property strings of a backup job as the objects it shows."""
    folded = {key for key in ("fleecing", "performance", "prune-backups") if values.get(key)}
    return values | {key: split_props(values[key])[1] for key in folded}
