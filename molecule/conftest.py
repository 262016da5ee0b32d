"""What the scenarios' tests share: the role run once more, as an operator would run it."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

Play = Callable[..., "subprocess.CompletedProcess[str]"]
CUT_SECONDS = 120


def _play(*options: str, play: str = "converge.yml", **variables: object) -> list[str]:
    """Return the command that runs a play of the scenario."""
    return [
        *("ansible-playbook", "-i", os.environ["MOLECULE_INVENTORY_FILE"]),
        *("-e", json.dumps(variables, default=str)),
        *options,
        os.environ.get("LABDB_PLAY") or str(Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"], play)),
    ]


@pytest.fixture(scope="session")
def play_again() -> Play:
    """Run the scenario's play again, with options and variables; all it said is in ``stdout``.

    *play* is another one of the scenario's.
    """

    def run(
        *options: str, play: str = "converge.yml", **variables: object
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            _play(*options, play=play, **variables),
            check=False,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    return run


@pytest.fixture(scope="session")
def play_killed(tmp_path_factory) -> Callable[..., None]:
    """Run the scenario's play and kill it, with all its workers, as soon as *reached* says so."""

    def run(reached: Callable[[], bool], **variables: object) -> None:
        said = tmp_path_factory.mktemp("killed") / "said"
        with said.open("w") as file:
            begun = subprocess.Popen(
                _play(**variables),
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        end = time.monotonic() + CUT_SECONDS
        while begun.poll() is None and not reached() and time.monotonic() < end:
            time.sleep(0.1)
        ended = begun.poll() is not None
        if not ended:
            os.killpg(begun.pid, signal.SIGKILL)
            begun.wait()
        assert not ended, said.read_text()
        assert reached(), said.read_text()

    return run


@dataclass(frozen=True, slots=True)
class Clients:
    """Hosts of other networks, inside the guest; put before a command, it is run from there."""

    client: str = "198.18.20.10"
    monitoring: str = "198.18.20.9"
    foreign: str = "198.18.30.9"

    def __str__(self) -> str:
        return "ip netns exec clients"


@pytest.fixture(scope="module")
def address(host) -> str:
    """The guest's own address."""
    return host.check_output("hostname -i")


@pytest.fixture(scope="module")
def clients(host) -> Iterator[Clients]:
    """A host of the client network, the monitoring host, and one of a foreign network."""
    host.check_output(
        "ip netns add clients && ip link add inside type veth peer name outside netns clients"
        " && ip address add 198.18.20.1/24 dev inside && ip address add 198.18.30.1/24 dev inside"
        " && ip link set inside up && ip -n clients link set lo up"
        " && ip -n clients link set outside up"
    )
    hosts = Clients()
    for each in (hosts.client, hosts.monitoring, hosts.foreign):
        host.check_output(f"ip -n clients address add {each}/24 dev outside")
    host.check_output("ip -n clients route add default via 198.18.20.1")
    yield hosts
    host.run("ip netns delete clients")


@dataclass(frozen=True, slots=True)
class Cluster:
    """The scenario's emulated Proxmox VE, asked by hand."""

    url: str
    certificate: str
    token: str

    def get(self, path: str) -> requests.Response:
        return requests.get(
            f"{self.url}/api2/json{path}",
            headers={"Authorization": f"PVEAPIToken=labdb@pve!lab={self.token}"},
            verify=self.certificate,
            timeout=30,
        )

    def guests(self) -> dict[int, dict[str, object]]:
        """VMs of the cluster by VMID: configuration and power."""
        found = self.get("/cluster/resources?type=vm").json()["data"]
        return {
            guest["vmid"]: {"status": guest["status"]}
            | self.get(f"/nodes/{guest['node']}/qemu/{guest['vmid']}/config").json()["data"]
            for guest in found
        }


@pytest.fixture
def cluster() -> Cluster:
    """The scenario's own cluster."""
    api = Path(os.environ["LABDB_STATE"], "lab", "api")
    port = os.environ["LABDB_LAB_API_PORT"]
    token = (api / "token").read_text(encoding="utf-8").strip()
    return Cluster(f"https://127.0.0.1:{port}", str(api / "ca.pem"), token)
