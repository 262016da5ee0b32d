"""What the scenarios' tests share: the role run once more, as an operator would run it."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

Play = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def play_again() -> Play:
    """Run the scenario's play again, with options and variables; all it said is in ``stdout``."""

    def run(*options: str, **variables: object) -> "subprocess.CompletedProcess[str]":
        command = ["ansible-playbook", "-i", os.environ["MOLECULE_INVENTORY_FILE"]]
        command += ["-e", json.dumps(variables, default=str)]
        return subprocess.run(
            [
                *command,
                *options,
                str(Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"], "converge.yml")),
            ],
            check=False,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

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
