"""The embedded lab as a whole: up, how it is, down."""

import shutil
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from labdb.lab import host, image, keys, mirror, network
from labdb.lab.containers import LABEL, DockerMachines
from labdb.lab.daemon import Daemon
from labdb.lab.engine import engine
from labdb.lab.settings import PORT_VARIABLE, LabSettings

SERVERS_VLAN = 20
"""The VLAN of the database servers: its gateway is where guests find the mirror."""


class Progress(Protocol):
    """Told of each step twice: without seconds when it begins, with them when it has ended."""

    def __call__(self, step: str, seconds: float | None) -> None:
        """Take note."""


@dataclass(frozen=True, slots=True)
class Guest:
    """One guest of the lab; *status* is Docker's word for its container."""

    vmid: int
    name: str
    address: str
    status: str


@dataclass(frozen=True, slots=True)
class LabStatus:
    """How the lab is; ``api`` and ``mirror`` tell whether they answer."""

    api_url: str
    api: bool
    mirror_url: str
    mirror: bool
    networks: tuple[str, ...]
    guests: tuple[Guest, ...]
    state: Path

    @property
    def up(self) -> bool:
        """Whether a server can be provisioned on it."""
        return self.api and self.mirror


def up(progress: Progress | None = None) -> LabStatus:
    """Bring the lab up, or what of it is missing, and return how it is.

    Raises:
        RefusedError: this machine cannot carry the lab, or somebody else has its range or port.
        RunError: something was started and did not come up.
        UnreachableError: Docker, or the source of an upstream file, does not answer.
    """
    settings = LabSettings.load()
    step = _steps(progress)
    with step("look at this machine"):
        host.check()
        network.guard(settings)
    with step("make the guests' image"):
        image.ensure()
    with step("make the PostgreSQL mirror"):
        mirror.ensure()
    with step("set up the network"):
        network.ensure(SERVERS_VLAN)
    with step("make keys"):
        keys.ensure(settings)
    with step("serve the mirror"):
        _serve_mirror(settings)
    with step("start Proxmox VE"):
        _start_emulator(settings)
    return status()


def status() -> LabStatus:
    """Return how the lab is, without touching it.

    Raises:
        UnreachableError: there is no Docker daemon.
    """
    settings = LabSettings.load()
    return LabStatus(
        api_url=settings.api_url,
        api=_api_answers(settings),
        mirror_url=f"http://{_mirror_address(settings)}:{settings.mirror_port}/{mirror.URL_PATH}",
        mirror=_mirror_daemon(settings).pid() is not None and _mirror_answers(settings),
        networks=tuple(f"{one.name} {one.subnet}" for one in network.existing()),
        guests=tuple(_guests(settings)),
        state=settings.state,
    )


def down(progress: Progress | None = None) -> LabStatus:
    """Take the lab away: its processes, guests, disks, networks and its route.

    What was dear to make stays in the cache; keys and the API's token stay in the state
    directory.

    Raises:
        RunError: something could not be removed.
        UnreachableError: there is no Docker daemon.
    """
    settings = LabSettings.load()
    step = _steps(progress)
    with step("stop Proxmox VE"):
        _emulator(settings).stop()
    with step("stop the mirror"):
        _mirror_daemon(settings).stop()
    with step("remove the guests"):
        _remove_guests(settings)
        # The guests of the next lab are other machines: who they were is forgotten with them.
        settings.known_hosts.unlink(missing_ok=True)
    with step("remove the network"):
        network.remove_all()
    return status()


@contextmanager
def _step(name: str, progress: Progress) -> Iterator[None]:
    began = time.monotonic()
    progress(name, None)
    yield
    progress(name, time.monotonic() - began)


def _steps(progress: Progress | None) -> Callable[[str], AbstractContextManager[None]]:
    return lambda name: _step(name, progress or (lambda _step, _seconds: None))


def _mirror_daemon(settings: LabSettings) -> Daemon:
    folder = settings.mirror
    return Daemon("labdb.lab.mirror", folder / "server.pid", folder / "server.log")


def _mirror_address(settings: LabSettings) -> str:
    return str(settings.gateway(SERVERS_VLAN))


def _serve_mirror(settings: LabSettings) -> None:
    daemon = _mirror_daemon(settings)
    address = _mirror_address(settings)
    if daemon.pid() is None:
        host.check_port(address, settings.mirror_port)
    daemon.start(
        *("serve", "--address", address, "--port", str(settings.mirror_port)),
        ready=lambda: _mirror_answers(settings),
        timeout=60,
    )


def _mirror_answers(settings: LabSettings) -> bool:
    address = _mirror_address(settings)
    # From the same address: were it not ours at the moment, no packet would leave this machine.
    try:
        socket.create_connection(
            (address, settings.mirror_port), timeout=2, source_address=(address, 0)
        ).close()
    except OSError:
        return False
    return True


def _emulator(settings: LabSettings) -> Daemon:
    return Daemon("labdb.lab.emulator", settings.emulator_pid, settings.emulator_log)


def _start_emulator(settings: LabSettings) -> None:
    daemon = _emulator(settings)
    if daemon.pid() is None:
        host.check_port("127.0.0.1", settings.api_port, variable=PORT_VARIABLE)
    daemon.start(
        *("--machines", "docker", "--port", str(settings.api_port)),
        *("--state", str(settings.state)),
        ready=lambda: _api_answers(settings),
        timeout=60,
    )


def _api_answers(settings: LabSettings) -> bool:
    """Tell whether a Proxmox VE with the lab's own certificate answers; it need not let us in."""
    if not settings.ca_file.exists():
        return False
    trust = ssl.create_default_context(cafile=settings.ca_file)
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)
    )
    try:
        opener.open(f"{settings.api_url}/api2/json/version", timeout=5).close()
    except urllib.error.HTTPError as error:
        error.close()
        return True
    except OSError:
        return False
    return True


def _guests(settings: LabSettings) -> Iterator[Guest]:
    for container in engine().containers.list(all=True, filters=_filter(settings)):
        networks = container.attrs["NetworkSettings"]["Networks"].values()
        addresses = [(one.get("IPAMConfig") or {}).get("IPv4Address", "") for one in networks]
        yield Guest(
            vmid=_vmid(str(container.name)),
            name=container.attrs["Config"]["Hostname"],
            address=next(iter(addresses), ""),
            status=container.status,
        )


def _remove_guests(settings: LabSettings) -> None:
    machines = DockerMachines(settings.state, image=lambda: image.IMAGE, network=str)
    for container in engine().containers.list(all=True, filters=_filter(settings)):
        machines.delete(_vmid(str(container.name)))
    for disk in sorted(settings.disks.glob("*")):
        attached = ["losetup", "--associated", str(disk), "--noheadings", "--output", "NAME"]
        for device in subprocess.check_output(attached, text=True).split():
            subprocess.run(["losetup", "--detach", device], check=True)
    shutil.rmtree(settings.disks, ignore_errors=True)
    shutil.rmtree(settings.machines, ignore_errors=True)
    settings.cluster_state.unlink(missing_ok=True)


def _filter(settings: LabSettings) -> dict[str, str | list[str] | bool]:
    return {"label": f"{LABEL}={settings.state}"}


def _vmid(container: str) -> int:
    return int(container.rpartition("-")[2])
