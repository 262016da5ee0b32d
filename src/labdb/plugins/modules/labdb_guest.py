"""Ansible face of :mod:`labdb.adapters.proxmox`: one guest, as declared, or on its way out."""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from labdb.adapters.proxmox import Options, Proxmox, connect, read_authorized_keys
from labdb.adapters.proxmox.converge import Outcome, as_dicts
from labdb.domain.desired import DesiredGuest
from labdb.domain.known_hosts import forget
from labdb.domain.removal import RemovalPlan, RemovalStep
from labdb.errors import LabdbError, RefusedError
from labdb.report import Change
from labdb.spec import ProxmoxApi

DOCUMENTATION = r"""
module: labdb_guest
short_description: Make a Proxmox VE guest what it is declared to be
description:
  - Observes the cluster, plans, and does what is left; a second run changes nothing.
  - Disks only ever grow, the MAC address is kept, nothing is restarted unless allowed.
  - The secret of the API token is read from O(api.token_file) or the environment variable
    E(PROXMOX_TOKEN_SECRET) on the controller.
options:
  state:
    description:
      - V(present) creates, adopts or changes the guest.
      - V(retired) stops it and lifts its protection, V(absent) destroys a retired one.
    type: str
    choices: [present, retired, absent]
    default: present
  inventory_dir:
    description: What relative paths are relative to.
    type: path
    required: true
author: The labdb developers
"""

EXAMPLES = r"""
- name: Make the guest as declared
  labdb_guest:
    inventory_dir: "{{ inventory_dir }}"
    api: "{{ proxmox_guest_api }}"
    name: proj-pg01
    vmid: 2002
"""

RETURN = r"""
changes:
  description: What was changed, or would be in check mode.
  type: list
  returned: success
withheld:
  description: What differs and was not touched, because cloud-init would run anew.
  type: list
  returned: success
started:
  description: Whether this run booted the guest.
  type: bool
  returned: success
"""

ARGUMENTS: dict[str, dict[str, Any]] = {
    "state": {"choices": ["present", "retired", "absent"], "default": "present"},
    "inventory_dir": {"type": "path", "required": True},
    "api": {
        "type": "dict",
        "required": True,
        "options": {
            "host": {"required": True},
            "port": {"type": "int", "default": 8006},
            "token_id": {"required": True, "no_log": False},
            "token_file": {"no_log": False},
            "ca_file": {},
            "probe_addresses": {"type": "bool", "default": True},
        },
    },
    "name": {"required": True},
    "vmid": {"type": "int", "required": True},
    "node": {"required": True},
    "template": {"type": "dict", "required": True},
    "cpu": {"type": "dict", "required": True},
    "memory_mb": {"type": "int", "required": True},
    "disks": {"type": "list", "elements": "dict", "required": True},
    "network": {"type": "dict", "required": True},
    "cloud_init": {"type": "dict", "required": True},
    "boot": {"type": "dict", "required": True},
    "tags": {"type": "list", "elements": "str", "default": []},
    "protection": {"type": "bool", "default": True},
    "backup": {"type": "dict"},
    "firewall_rules": {"type": "list", "elements": "dict", "default": []},
    "known_hosts_file": {"type": "path", "required": True},
    "allow_cloud_init_rerun": {"type": "bool", "default": False},
    "allow_restart": {"type": "bool", "default": False},
    "lock_timeout": {"type": "int", "default": 600},
    "run_id": {"default": ""},
    "confirm_name": {"default": ""},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        result = _remove(module) if module.params["state"] != "present" else _present(module)
    except LabdbError as error:
        module.fail_json(msg=str(error), labdb_error=error.to_dict())
    else:
        module.exit_json(**result)


def _connect(module: AnsibleModule) -> tuple[Proxmox, DesiredGuest]:
    api = {key: value for key, value in module.params["api"].items() if key != "probe_addresses"}
    proxmox = connect(ProxmoxApi(**api), Path(module.params["inventory_dir"]))
    proxmox.session.lock_timeout = float(module.params["lock_timeout"])
    proxmox.session.say = module.log
    return proxmox, DesiredGuest.from_variables(module.params)


def _present(module: AnsibleModule) -> dict[str, Any]:
    given = module.params
    proxmox, wanted = _connect(module)
    keys = read_authorized_keys(
        given["cloud_init"]["authorized_key_files"], Path(given["inventory_dir"])
    )
    options = Options(
        allow_cloud_init_rerun=given["allow_cloud_init_rerun"],
        allow_restart=given["allow_restart"],
        run_id=given["run_id"],
        probe=given["api"]["probe_addresses"],
    )
    do = proxmox.look if module.check_mode else proxmox.converge
    outcome: Outcome = do(wanted, keys, options)
    pinned = False
    guest = outcome.state.guest
    if guest and guest.running:
        pinned = proxmox.pin_host_key(
            wanted,
            Path(given["known_hosts_file"]),
            is_new=outcome.is_new,
            dry=module.check_mode,
        )
    for finding in outcome.plan.findings:
        if finding.is_problem:
            module.warn(f"{wanted.name}: {finding.what}")
    return {
        "changed": bool(outcome.plan.steps) or pinned,
        "changes": as_dicts(outcome.changes),
        "withheld": as_dicts(outcome.plan.withheld),
        "started": outcome.started and not module.check_mode,
        "host_key_pinned": pinned,
        "diff": _diff(outcome.changes, f"guest {wanted.name}"),
    }


def _remove(module: AnsibleModule) -> dict[str, Any]:
    given = module.params
    proxmox, wanted = _connect(module)
    step = RemovalStep.DESTROY if given["state"] == "absent" else RemovalStep.RETIRE
    removal = proxmox.removal(wanted)
    plan: RemovalPlan
    if module.check_mode:
        plan = removal.look(step, confirm_name=given["confirm_name"])
        if plan.refusals:
            first = plan.refusals[0]
            raise RefusedError(first.what, why=first.why, hint=first.hint)
    else:
        plan = removal.run(step, confirm_name=given["confirm_name"])
    known_hosts = Path(given["known_hosts_file"])
    forgotten = False
    if step is RemovalStep.DESTROY and known_hosts.is_file():
        result = forget(known_hosts.read_text(encoding="utf-8"), wanted.network.host)
        forgotten = result.changed
        if forgotten and not module.check_mode:
            known_hosts.write_text(result.text, encoding="utf-8")
    return {
        "changed": bool(plan.actions) or forgotten,
        "changes": as_dicts(plan.changes),
        "losses": list(plan.losses),
        "way_back": plan.way_back,
        "diff": _diff(plan.changes, f"guest {wanted.name}"),
    }


def _diff(changes: tuple[Change, ...], header: str) -> dict[str, str]:
    def side(which: str) -> str:
        lines = [
            f"{item.subject} {item.field}: {value}  [{item.effect}]\n"
            for item in changes
            if (value := getattr(item, which)) is not None
        ]
        return "".join(lines)

    return {
        "before_header": header,
        "after_header": header,
        "before": side("before"),
        "after": side("after"),
    }


if __name__ == "__main__":
    main()
