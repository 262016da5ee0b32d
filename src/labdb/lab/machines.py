"""What the emulated cluster needs from the machines behind its guests.

A guest of the lab is bookkeeping in the API and, where it runs, one machine. The
emulator speaks only to this protocol; :class:`NoMachines` keeps nothing and is what
tests of the API use, ``labdb.lab.containers.DockerMachines`` runs real ones.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from labdb.errors import LabdbError
from labdb.lab.seed import Seed


class MachineError(LabdbError):
    """A machine behind an emulated guest could not do what the API asked of it."""

    code = "machine"


@dataclass(frozen=True, slots=True)
class Disk:
    """One block device of a guest: its slot, the volume behind it and its size in bytes."""

    slot: str
    volume: str
    size: int
    serial: str


@dataclass(frozen=True, slots=True)
class Hardware:
    """What a guest is switched on with; ``memory`` in bytes, ``address`` without a prefix."""

    vmid: int
    name: str
    cores: int
    memory: int
    vlan: int
    address: str
    mac: str
    disks: tuple[Disk, ...]


@dataclass(frozen=True, slots=True)
class Completed:
    """What a command inside a guest left behind."""

    status: int
    out: str
    err: str


class Machines(Protocol):
    """The power, disks and insides of the machines, by VMID.

    Every method may raise :class:`MachineError`; all of them block.
    """

    def start(self, hardware: Hardware, seed: Seed) -> None:
        """Switch the machine on; it is made when it does not exist."""

    def shutdown(self, vmid: int, *, timeout: float) -> bool:
        """Ask the guest to power off; return whether it did within *timeout* seconds."""

    def stop(self, vmid: int) -> None:
        """Cut the power."""

    def delete(self, vmid: int) -> None:
        """Remove the machine, its snapshots and its files; its disks go by volume."""

    def snapshot(self, vmid: int, name: str, disks: Sequence[Disk]) -> None:
        """Keep the system disk and *disks* as they are now under *name*."""

    def rollback(self, vmid: int, name: str, disks: Sequence[Disk]) -> None:
        """Put the stopped machine back to *name*."""

    def drop_snapshot(self, vmid: int, name: str, disks: Sequence[Disk]) -> None:
        """Forget the snapshot *name*."""

    def attach_disk(self, vmid: int, disk: Disk) -> None:
        """Plug *disk* into a running machine."""

    def detach_disk(self, vmid: int, disk: Disk) -> None:
        """Unplug *disk* from a running machine."""

    def grow_disk(self, disk: Disk) -> None:
        """Give the volume its new, larger size; a running guest sees it at once."""

    def drop_disk(self, volume: str) -> None:
        """Remove the volume's file."""

    def rename_disk(self, volume: str, new: str) -> None:
        """Keep the volume's content under another name."""

    def copy_disk(self, volume: str, new: str) -> None:
        """Copy the volume's content, holes kept."""

    def exec(self, vmid: int, argv: Sequence[str]) -> Completed:
        """Run a command inside the guest as root and wait for it."""

    def read_file(self, vmid: int, path: str) -> bytes:
        """Return a file of the guest.

        Raises:
            FileNotFoundError: the guest has no such file.
        """

    def running(self) -> frozenset[int] | None:
        """Return who is switched on, or ``None`` when nothing real can be asked."""


class NoMachines:
    """Guests that exist in the API only; their agent answers are made up, but stable."""

    def __init__(self) -> None:
        self._instances: dict[int, str] = {}

    def start(self, hardware: Hardware, seed: Seed) -> None:
        """Remember the instance: a new instance-id means new SSH host keys, as in life."""
        self._instances[hardware.vmid] = seed.instance_id

    def shutdown(self, vmid: int, *, timeout: float) -> bool:
        """Power off at once."""
        del vmid, timeout
        return True

    def stop(self, vmid: int) -> None:
        """Do nothing."""

    def delete(self, vmid: int) -> None:
        """Forget the instance."""
        self._instances.pop(vmid, None)

    def snapshot(self, vmid: int, name: str, disks: Sequence[Disk]) -> None:
        """Do nothing."""

    def rollback(self, vmid: int, name: str, disks: Sequence[Disk]) -> None:
        """Do nothing."""

    def drop_snapshot(self, vmid: int, name: str, disks: Sequence[Disk]) -> None:
        """Do nothing."""

    def attach_disk(self, vmid: int, disk: Disk) -> None:
        """Do nothing."""

    def detach_disk(self, vmid: int, disk: Disk) -> None:
        """Do nothing."""

    def grow_disk(self, disk: Disk) -> None:
        """Do nothing."""

    def drop_disk(self, volume: str) -> None:
        """Do nothing."""

    def rename_disk(self, volume: str, new: str) -> None:
        """Do nothing."""

    def copy_disk(self, volume: str, new: str) -> None:
        """Do nothing."""

    def exec(self, vmid: int, argv: Sequence[str]) -> Completed:
        """Succeed without output."""
        del vmid, argv
        return Completed(0, "", "")

    def read_file(self, vmid: int, path: str) -> bytes:
        """Return the public SSH host key of the instance; there is no other file."""
        if path != "/etc/ssh/ssh_host_ed25519_key.pub":
            raise FileNotFoundError(path)
        return host_key(f"{vmid} {self._instances.get(vmid, '')}").encode()

    def running(self) -> frozenset[int] | None:
        """There is nothing to ask."""
        return None


def host_key(instance: str) -> str:
    """Return a well-formed ed25519 public key line that is a function of *instance*."""
    kind = b"ssh-ed25519"
    point = hashlib.sha256(instance.encode()).digest()
    blob = len(kind).to_bytes(4, "big") + kind + len(point).to_bytes(4, "big") + point
    return f"{kind.decode()} {base64.b64encode(blob).decode()} root@lab\n"
