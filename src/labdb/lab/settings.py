"""Where the embedded lab lives: its addresses, its ports and its files."""

import os
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from labdb import paths
from labdb.errors import UsageError

NETWORK_VARIABLE = "LABDB_LAB_NETWORK"
PORT_VARIABLE = "LABDB_LAB_API_PORT"
USUAL_PREFIX = "198.18"
PRODUCTION_PREFIX = "10.25"
TOKEN_ID = "labdb@pve!lab"  # noqa: S105 - the token's name; its secret is made by `up`


@dataclass(frozen=True, slots=True)
class LabSettings:
    """The lab's addresses and files.

    ``prefix`` is the first two octets of the /16 that the lab uses: VLAN V of the real
    lab, 10.25.V.0/24, is ``prefix.V.0/24`` here. The default is the range that RFC 2544
    sets aside for tests, so that nothing real can be shadowed.
    """

    prefix: str = USUAL_PREFIX
    api_port: int = 8006
    mirror_port: int = 8480
    state: Path = field(default_factory=lambda: paths.state_dir() / "lab")

    @classmethod
    def load(cls) -> "LabSettings":
        """Return the settings as the environment changes them.

        Raises:
            UsageError: a variable does not hold what it should.
        """
        return cls(prefix=_prefix(), api_port=_port())

    @property
    def range(self) -> IPv4Network:
        """The whole range of the lab."""
        return IPv4Network(f"{self.prefix}.0.0/16")

    def subnet(self, vlan: int) -> IPv4Network:
        """Return the network of *vlan*.

        Raises:
            UsageError: the number has no /24 of its own in the lab.
        """
        if not 0 < vlan < 255:  # noqa: PLR2004 - the third octet of an IPv4 address
            raise UsageError(
                f"VLAN {vlan} has no network in the lab",
                why=f"the lab gives VLAN V the network {self.prefix}.V.0/24",
                hint="declare a VLAN between 1 and 254",
            )
        return IPv4Network(f"{self.prefix}.{vlan}.0/24")

    def gateway(self, vlan: int) -> IPv4Address:
        """Return the first address of the network of *vlan*: the host itself."""
        return self.subnet(vlan)[1]

    def guest_name(self, vmid: int) -> str:
        """Return the name of a guest's container; labs in two ranges never share one.

        >>> LabSettings().guest_name(2002), LabSettings(prefix="198.19").guest_name(2002)
        ('labdb-vm-2002', 'labdb-vm-198.19-2002')
        """
        return f"labdb-vm-{'' if self.prefix == USUAL_PREFIX else f'{self.prefix}-'}{vmid}"

    @property
    def api_url(self) -> str:
        """Where the emulated Proxmox VE answers."""
        return f"https://127.0.0.1:{self.api_port}"

    @property
    def ssh_key(self) -> Path:
        """The operator's private key; the public one stands beside it with ``.pub``."""
        return self.state / "ssh" / "id_ed25519"

    @property
    def ca_file(self) -> Path:
        """The certificate that signed the API's certificate."""
        return self.state / "api" / "ca.pem"

    @property
    def token_file(self) -> Path:
        """The API token's secret, nothing else in the file."""
        return self.state / "api" / "token"

    @property
    def known_hosts(self) -> Path:
        """The pinned host keys of the guests."""
        return self.state / "known_hosts"

    @property
    def vault_key(self) -> Path:
        """The key of the Ansible Vault file with the generated passwords."""
        return self.state / "vault-key"

    @property
    def disks(self) -> Path:
        """The guests' disks: sparse files."""
        return self.state / "disks"

    @property
    def machines(self) -> Path:
        """One folder for each guest: its cloud-init seed."""
        return self.state / "machines"

    @property
    def requests_log(self) -> Path:
        """Every API request, one JSON object a line."""
        return self.state / "requests.jsonl"

    @property
    def emulator_pid(self) -> Path:
        """Process id of the emulator."""
        return self.state / "emulator.pid"

    @property
    def emulator_log(self) -> Path:
        """What the emulator wrote."""
        return self.state / "emulator.log"

    @property
    def cluster_state(self) -> Path:
        """Where a restarted emulator takes up."""
        return self.state / "cluster-state.json"

    @property
    def mirror(self) -> Path:
        """The mirror server's process ids and logs."""
        return self.state / "mirror"


def _prefix() -> str:
    text = os.environ.get(NETWORK_VARIABLE, "").strip() or USUAL_PREFIX
    try:
        network = IPv4Network(f"{text}.0.0/16")
    except ValueError as error:
        raise UsageError(
            f"{NETWORK_VARIABLE} is {text!r}, which is no lab network",
            why=str(error),
            hint="give the first two octets, for example 198.19",
        ) from error
    if text == PRODUCTION_PREFIX:
        raise UsageError(
            f"{NETWORK_VARIABLE} is {text}, the real lab's own range",
            why="guests of the embedded lab would shadow the real servers on this machine",
            hint="leave it unset, or give an unused range such as 198.19",
        )
    return str(network.network_address).removesuffix(".0.0")


def _port() -> int:
    text = os.environ.get(PORT_VARIABLE, "").strip() or "8006"
    if not text.isdecimal() or not 0 < int(text) < 65536:  # noqa: PLR2004 - TCP ports
        raise UsageError(
            f"{PORT_VARIABLE} is {text!r}, which is no port",
            why="a TCP port is a number from 1 to 65535",
            hint="leave it unset for 8006, the port of Proxmox VE",
        )
    return int(text)
