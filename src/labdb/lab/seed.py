"""The NoCloud seed of a guest: three files that cloud-init reads at boot.

Source: cloud-init documentation, "NoCloud" data source.
"""

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Seed:
    """The texts of one seed, as the API shows them in ``cloudinit/dump``."""

    user: str
    network: str
    meta: str

    @property
    def instance_id(self) -> str:
        """The instance-id; another one makes the next boot a first boot."""
        found = re.search(r"^instance-id: (\S+)$", self.meta, re.MULTILINE)
        return found.group(1) if found else ""


def write(seed: Seed, directory: Path) -> None:
    """Write *seed* where a guest finds it.

    The network is not the guest's to configure: Docker owns the address that the API
    was told, so cloud-init's own network configuration is switched off.
    """
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "user-data").write_text(seed.user)
    (directory / "meta-data").write_text(seed.meta)
    (directory / "network-config").write_text("network: {config: disabled}\n")
