# SPDX-License-Identifier: AGPL-3.0-or-later
"""High availability: resources and rules, kept and told to the guests.

Source: pve-ha-manager, PVE/API2/HA/Resources.pm and PVE/API2/HA/Rules.pm.
"""

import hashlib
import json
from typing import Any

from labdb.lab.emulator.base import Pve, Routes, change, die


class Availability(Pve):
    """What the HA manager is to look after."""

    def _routes_labavailability(self) -> Routes:
        resources, rules = "/cluster/ha/resources", "/cluster/ha/rules"
        return [
            ("GET", "/cluster/ha/groups", self._no_groups),
            ("GET", resources, self._ha_list),
            ("POST", resources, self._ha_create),
            ("GET", f"{resources}/{{sid}}", self._ha_read),
            ("PUT", f"{resources}/{{sid}}", self._ha_update),
            ("DELETE", f"{resources}/{{sid}}", self._ha_delete),
            ("GET", rules, self._rules_list),
            ("POST", rules, self._rules_create),
            ("GET", f"{rules}/{{rule}}", self._rules_read),
            ("DELETE", f"{rules}/{{rule}}", self._rules_delete),
        ]

    async def _no_groups(self, _v: dict[str, Any], _user: str) -> list[Any]:
        return []

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
        change(entry, v, fixed=("sid", "type"))
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


def _sid(text: str) -> str:
    return text if ":" in text else f"vm:{text}"


def _digest(entry: dict[str, Any]) -> str:
    text = json.dumps(entry, sort_keys=True).encode()
    return hashlib.sha1(text, usedforsecurity=False).hexdigest()


def _check_digest(entry: dict[str, Any], values: dict[str, Any]) -> None:
    if (given := values.get("digest")) and given != _digest(entry):
        raise die("detected modified configuration - file changed by other user? Try again.")
