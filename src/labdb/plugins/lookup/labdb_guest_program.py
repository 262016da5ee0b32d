"""The files of labdb that run on the server itself, for the role that puts them there."""

from typing import Any

from ansible.plugins.lookup import LookupBase

DOCUMENTATION = r"""
name: labdb_guest_program
short_description: Tell which files of labdb run on the server, and where they go
description: Each file with its C(source) on the controller, its C(path) and its C(sha256).
options:
  _terms:
    description: The folder on the server below which they go.
    type: list
    required: true
"""

RETURN = r"""
_list:
  description: The files.
  type: list
  elements: dict
"""


class LookupModule(LookupBase):  # type: ignore[misc]  # Ansible gives no types
    """Lookup ``labdb_guest_program``."""

    def run(self, terms: list[Any], variables: Any = None, **_: Any) -> list[dict[str, str]]:
        """Return the files below the folder that is the one term."""
        # Paid only by who asks: every worker loads this file.
        from labdb.adapters.guest_program import files

        del variables
        return [item for term in terms for item in files(str(term))]
