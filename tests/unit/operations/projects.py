"""An inventory of one server with projects, and no cluster that could be asked."""

import shutil
from pathlib import Path

from tests.pages import TOP

DECLARED = """\
  projects:
    - name: voids
      profile: void-galaxies
      networks: [10.25.20.0/24]
      people:
        - name: voids_dev
          kind: owner
        - name: voids_analyst
          kind: analyst
"""


def inventory(folder: Path, text: str = DECLARED) -> Path:
    """Copy the production inventory to *folder*, with *text* at the end of its server."""
    shutil.copytree(TOP / "inventories/production", folder, ignore=shutil.ignore_patterns("vault*"))
    server = folder / "host_vars/proj-pg01/server.yml"
    server.write_text(server.read_text(encoding="utf-8") + text, encoding="utf-8")
    environment = folder / "group_vars/all/environment.yml"
    said = environment.read_text(encoding="utf-8")
    assert "probe_addresses" not in said
    environment.write_text(said + "  probe_addresses: false\n", encoding="utf-8")
    return folder
