"""Ansible face of :mod:`labdb.adapters.proxmox.template`: a template from a cloud image."""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from labdb.adapters.proxmox import connect
from labdb.adapters.proxmox.converge import as_dicts
from labdb.domain.template import DesiredTemplate
from labdb.errors import LabdbError
from labdb.spec import ProxmoxApi

DOCUMENTATION = r"""
module: labdb_template
short_description: Build a Proxmox VE template from a cloud image
description:
  - Lets the node download the image, checks its sum, creates a VM from it and converts it.
  - A template with that VMID and name is left alone.
author: The labdb developers
"""

EXAMPLES = r"""
- name: Build the template
  labdb_template:
    inventory_dir: "{{ inventory_dir }}"
    api: "{{ proxmox_template_api }}"
    vmid: 9000
    name: debian-13-labdb
"""

RETURN = r"""
changes:
  description: What was made, or would be in check mode.
  type: list
  returned: success
"""

ARGUMENTS: dict[str, dict[str, Any]] = {
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
    "vmid": {"type": "int", "required": True},
    "name": {"required": True},
    "node": {"required": True},
    "storage": {"required": True},
    "bridge": {"required": True},
    "image_url": {"required": True},
    "image_checksum": {"required": True},
    "image_storage": {"required": True},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    given = dict(module.params)
    inventory_dir = Path(given.pop("inventory_dir"))
    api = {key: value for key, value in given.pop("api").items() if key != "probe_addresses"}
    try:
        build = connect(ProxmoxApi(**api), inventory_dir, module.log).template(
            DesiredTemplate(**given)
        )
        plan = build.look() if module.check_mode else build.run()
    except LabdbError as error:
        module.fail_json(msg=str(error), labdb_error=error.to_dict())
    else:
        module.exit_json(changed=bool(plan.steps), changes=as_dicts(plan.changes))


if __name__ == "__main__":
    main()
