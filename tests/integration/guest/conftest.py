"""A declared guest, a connection to the emulated cluster, and ways to change the declaration."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from labdb.adapters import proxmox as adapter
from labdb.adapters.proxmox import Options, Outcome, Proxmox
from labdb.lab.control import EmulatedPve
from labdb.spec import ProxmoxApi, Server

INVENTORIES = Path(__file__).parents[3] / "inventories"
KEYS = ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBSGb6BsIXU0Sk1TRhDUyIw1GQ0xZmFrZWtleQ== operator",)

Declare = Callable[..., Server]
Provision = Callable[..., Outcome]


def _read(environment: str) -> dict[str, Any]:
    path = INVENTORIES / environment / "host_vars" / "proj-pg01" / "server.yml"
    declared: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))["labdb_server"]
    return declared


def _declare(environment: str, changes: dict[str, Any]) -> Server:
    declared = _read(environment)
    for key, value in changes.items():
        *parents, last = key.split("__")
        part = declared
        for parent in parents:
            part = part[parent]
        part[last] = value
    return Server.model_validate(declared)


@pytest.fixture
def declare() -> Declare:
    """Make the lab's server, with changes: ``declare(storage__data__size="300GB")``."""
    return lambda **changes: _declare("lab", changes)


@pytest.fixture
def declare_production() -> Declare:
    """Make production's server, whose backups go to a storage that the emulator has."""
    return lambda **changes: _declare("production", {"guest__backup__storage": "local"} | changes)


@pytest.fixture
def server(declare: Declare) -> Server:
    """The lab's server as it is declared."""
    return declare()


def api_of(pve: EmulatedPve, **changes: Any) -> ProxmoxApi:
    values = {
        "host": pve.host,
        "port": pve.port,
        "token_id": pve.token_id,
        "token_file": str(pve.token_file),
        "ca_file": str(pve.ca_file),
    }
    return ProxmoxApi.model_validate(values | changes)


def connected(api: ProxmoxApi) -> Proxmox:
    proxmox = adapter.connect(api, Path("/"))
    proxmox.session.pace = 0.01
    return proxmox


@pytest.fixture
def proxmox(pve: EmulatedPve) -> Proxmox:
    """A connection that hardly waits."""
    return connected(api_of(pve))


@pytest.fixture
def proxmox_today(pve_today: EmulatedPve) -> Proxmox:
    """The same, to production as it stands before labdb."""
    return connected(api_of(pve_today))


@pytest.fixture
def provision(proxmox: Proxmox, server: Server) -> Provision:
    """Make the guest; never asks the network."""

    def do(declared: Server = server, **options: Any) -> Outcome:
        quick: dict[str, Any] = {"run_id": "first", "agent_seconds": 0.3}
        return proxmox.converge(declared, KEYS, Options(**quick | options))

    return do
