"""Ask a guest over SSH: one connection, one program, one JSON answer.

The guest's host key must be pinned; an unknown or changed key ends the conversation.
"""

import ipaddress
import json
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labdb.adapters.content import PACKAGE
from labdb.adapters.inventory import MachineDeclaration
from labdb.adapters.rundir import environment_dir
from labdb.errors import UnreachableError
from labdb.paths import expand

CONNECT_SECONDS = 5
ANSWER_SECONDS = 180
SSH_FAILED = 255
TEST_RANGE = ipaddress.ip_network("198.18.0.0/15")
"""Set aside for tests by RFC 2544; nobody routes it, so it must never leave this machine."""


@dataclass(frozen=True, slots=True)
class Guest:
    """How to reach a guest: address, user, pinned key file, and our own key."""

    address: str
    user: str
    known_hosts: Path
    identity: Path | None = None

    def options(self) -> list[str]:
        """Return the options that every SSH connection of ours has."""
        options = [
            "-o", "BatchMode=yes",
            "-o", f"ConnectTimeout={CONNECT_SECONDS}",
            "-o", "StrictHostKeyChecking=yes",
            "-o", "HostKeyAlgorithms=ssh-ed25519",
            "-o", f"UserKnownHostsFile={self.known_hosts}",
            "-o", "LogLevel=ERROR",
        ]  # fmt: skip
        if self.identity:
            options += ["-o", "IdentitiesOnly=yes", "-i", str(self.identity)]
        return options


def known_hosts_file(environment: str) -> Path:
    """Return the file with the pinned host keys of *environment*."""
    return environment_dir(environment) / "known_hosts"


def guest_of(declaration: MachineDeclaration) -> Guest:
    """Return how the declared machine's guest is reached."""
    environment = declaration.environment
    identity = (
        expand(environment.ssh_key_file, relative_to=declaration.inventory)
        if environment.ssh_key_file
        else None
    )
    machine = declaration.machine
    known_hosts = known_hosts_file(environment.name)
    return Guest(machine.address, machine.guest.cloud_init.user, known_hosts, identity)


@contextmanager
def with_host_key(guest: Guest, key: str) -> Iterator[Guest]:
    """Yield *guest* with the host *key* that the hypervisor told, pinned for this once."""
    with tempfile.NamedTemporaryFile("w", prefix="labdb-known-hosts-") as file:
        file.write(f"{guest.address} {key}\n")
        file.flush()
        yield Guest(guest.address, guest.user, Path(file.name), guest.identity)


def probe(
    guest: Guest, wanted: Mapping[str, Any], *, seconds: float = ANSWER_SECONDS
) -> dict[str, Any]:
    """Return what the probe program finds in *guest*, within so many *seconds*.

    Raises:
        UnreachableError: no route, no answer, an unknown host key, or no right to be root.
    """
    must_be_local(guest.address)
    source = (PACKAGE / "probe" / "guest.py").read_text(encoding="utf-8")
    question = json.dumps(dict(wanted))
    program = f"{source}\nprint(json.dumps(look(json.loads({question!r}))))\n"
    command = ["ssh", *guest.options(), f"{guest.user}@{guest.address}", "sudo -n python3 -"]
    try:
        done = subprocess.run(
            command,
            input=program,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UnreachableError(
            f"{guest.address} did not answer within {seconds} s",
            hint="look at the guest's console in Proxmox VE",
        ) from error
    except FileNotFoundError as error:
        raise UnreachableError(
            "ssh is not installed", hint="install the package openssh-client"
        ) from error
    if done.returncode == SSH_FAILED:
        raise _unreachable(guest, done.stderr.strip())
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise UnreachableError(
            f"{guest.user}@{guest.address} cannot be looked at from inside",
            why=said[-1] if said else f"exit code {done.returncode}",
            hint="the user needs sudo without a password, and the guest python3",
        )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _unreachable(guest: Guest, said: str) -> UnreachableError:
    why = said.splitlines()[-1] if said else "ssh said nothing"
    if "host key" in said.lower():
        hint = f"if the guest was made anew, remove its line from {guest.known_hosts}"
        return UnreachableError(f"{guest.address} is not who it was", why=why, hint=hint)
    if "Permission denied" in said:
        hint = "set ssh_key_file in environment.yml, or load the key into the SSH agent"
        return UnreachableError(f"{guest.address} does not let us in", why=why, hint=hint)
    return UnreachableError(
        f"{guest.address} does not answer on SSH", why=why, hint="is the guest running?"
    )


def own_address(towards: str) -> str:
    """Return the address that *towards* sees us by; nothing is sent to find out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.connect((towards, 1))
        return str(asked.getsockname()[0])


def must_be_local(address: str) -> None:
    """Refuse to send anything to a test address that is not on this machine's own networks.

    Raises:
        UnreachableError: the address would be sought by way of a gateway.
    """
    if ipaddress.ip_address(address) not in TEST_RANGE:
        return
    done = subprocess.run(
        ["ip", "-json", "route", "get", address], capture_output=True, text=True, check=False
    )
    routes = json.loads(done.stdout or "[]") if done.returncode == 0 else []
    if not routes or any("gateway" in route for route in routes):
        raise UnreachableError(
            f"the lab's network with {address} is not up",
            why="a packet to it would leave this machine",
            hint="bring the lab up: labdb lab up",
        )
