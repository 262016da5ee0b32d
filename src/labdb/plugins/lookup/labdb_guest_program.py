"""What of labdb runs on the server itself, for the role that puts it there."""

import hashlib
import os
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.plugins.lookup import LookupBase

DOCUMENTATION = r"""
name: labdb_guest_program
short_description: Make the file that holds what of labdb runs on the server
description: Its C(source) on the controller, which goes when Ansible ends, and its C(sha256).
options: {}
"""

RETURN = r"""
_list:
  description: The file.
  type: list
  elements: dict
"""


class LookupModule(LookupBase):  # type: ignore[misc]  # Ansible gives no types
    """Lookup ``labdb_guest_program``."""

    def run(self, terms: list[Any], variables: Any = None, **_: Any) -> list[dict[str, str]]:
        """Return the file's source and sum."""
        # Paid only by who asks: every worker loads this file.
        from labdb.adapters.guest_program import archive

        del terms, variables
        content = archive()
        digest = hashlib.sha256(content).hexdigest()
        source = Path(constants.DEFAULT_LOCAL_TMP, f"labdb-{digest}.pyz")
        # Hosts are asked for at once: none reads what another one has half written.
        part = source.with_suffix(f".{os.getpid()}")
        part.write_bytes(content)
        part.rename(source)
        return [{"source": str(source), "sha256": digest}]
