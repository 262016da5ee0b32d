"""The module's look at files, on the controller: no process for it, and no connection."""

from typing import Any

from ansible.plugins.lookup import LookupBase

DOCUMENTATION = r"""
name: labdb_look
short_description: Tell which files on the controller differ from what is declared
description: Looks as the module M(labdb_look) does, where the playbook runs.
options:
  _terms:
    description: Files as O(labdb_look#module:files) takes them.
    type: list
    required: true
"""

RETURN = r"""
_list:
  description: What differs, a sentence each.
  type: list
"""


class LookupModule(LookupBase):  # type: ignore[misc]  # Ansible gives no types
    """Lookup ``labdb_look``."""

    def run(self, terms: list[Any], variables: Any = None, **_: Any) -> list[str]:
        """Return what differs of the files that are the *terms*."""
        # Paid only by who looks: every worker loads this file.
        from labdb.plugins.modules.labdb_look import look_at_file

        del variables
        return [difference for item in terms for difference in look_at_file(item)]
