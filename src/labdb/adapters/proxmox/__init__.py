"""The one door to the Proxmox VE API: connect, observe, converge."""

from pathlib import Path

from labdb.domain.desired import DesiredGuest
from labdb.facts import ClusterState
from labdb.spec import ProxmoxApi, Server


class Proxmox:
    """A connection to the API of one cluster."""

    def observe(self, server: Server | DesiredGuest, *, probe: bool = False) -> ClusterState:
        """Collect everything that preflight and plan look at; with *probe* ask the network too."""
        raise NotImplementedError


def connect(api: ProxmoxApi, inventory_dir: Path) -> Proxmox:
    """Return a connection; the token's secret is read from its file or PROXMOX_TOKEN_SECRET."""
    raise NotImplementedError


def read_authorized_keys(files: tuple[str, ...], inventory_dir: Path) -> tuple[str, ...]:
    """Return the public keys that *files* (as declared) hold, one a line."""
    raise NotImplementedError
