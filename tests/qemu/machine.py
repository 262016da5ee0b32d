"""The declared guest as a virtual machine: QEMU emulates every instruction (TCG, never KVM).

Slow, and the same everywhere: /dev/kvm may exist on a host and yet not work.
"""

import logging
import shlex
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, TypeVar
from urllib.parse import urlsplit

from tests.qemu import agent, packages
from tests.qemu.declared import Guest
from tests.qemu.disk import LABEL, SystemDisk

from labdb.spec import Server

PROGRAM = "qemu-system-x86_64"
CORES = 2
BUDGET_SECONDS = 3600.0
"""Then the power is cut, and whatever waits for the machine fails: four times what it takes."""
CLIENT = 3
"""Number of the address, in the declared network, from which connections of ours come."""
LAST_LINES = 25
log = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")


def free_port() -> int:
    """Return a port of loopback that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@dataclass(slots=True)
class Machine:
    """A declared server with a kernel of its own, reached by ports of loopback."""

    server: Server
    guest: Guest
    disk: SystemDisk
    mirror: Path
    memory: int
    folder: Path
    ssh_port: int = field(default_factory=free_port)
    database_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Switch the machine on; cut its power at the end."""
        self._make_disks()
        with (
            self._said.open("w") as said,
            subprocess.Popen(self._command(), stdout=said, stderr=said) as self.process,
        ):
            budget = threading.Timer(BUDGET_SECONDS, self.process.terminate)
            budget.start()
            try:
                yield self
            finally:
                budget.cancel()
                self.process.terminate()

    def read_file(self, path: str) -> str:
        """Return a file of the machine, as its agent reads it."""
        return agent.read_file(self._agent, path)

    def wait(self, what: str, ask: Callable[[], _Answer | None], *, seconds: float) -> _Answer:
        """Return the first answer of *ask* that is one; fail with all there is to know."""
        begin, trouble = time.monotonic(), "no answer"
        while (waited := time.monotonic() - begin) < seconds:
            try:
                if (answer := ask()) is not None:
                    log.info("%s: after %.0f s", what, waited)
                    return answer
            except (OSError, RuntimeError) as error:
                trouble = str(error) or repr(error)
            ended = self.process.poll() if self.process else None
            if ended is not None:
                raise AssertionError(f"{what}: QEMU ended with {ended}\n{self.last_words()}")
            time.sleep(1)
        raise AssertionError(f"{what}: not within {seconds:.0f} s: {trouble}\n{self.last_words()}")

    def last_words(self) -> str:
        """Return what QEMU said, and the end of what the machine wrote on its console."""
        text = self._console.read_text(errors="replace") if self._console.exists() else ""
        return "\n".join([self._said.read_text(), *text.splitlines()[-LAST_LINES:]])

    @property
    def _said(self) -> Path:
        return self.folder / "qemu.log"

    @property
    def _console(self) -> Path:
        return self.folder / "console.log"

    @property
    def _agent(self) -> Path:
        return self.folder / "agent.sock"

    def _image(self, slot: str) -> Path:
        return self.folder / f"{slot}.raw"

    def _make_disks(self) -> None:
        storage = self.server.storage
        system = self._image(storage.system.slot)
        subprocess.run(["cp", "--sparse=always", self.disk.file, system], check=True)
        for disk in (storage.system, storage.data, storage.backup):
            with self._image(disk.slot).open("ab") as file:
                file.truncate(disk.size)

    def _command(self) -> list[str]:
        return [
            # It ends with us, however we end.
            *("setpriv", "--pdeathsig", "TERM"),
            *(PROGRAM, "-nodefaults", "-no-user-config", "-display", "none"),
            *("-machine", "q35", "-accel", "tcg,thread=multi,tb-size=1024"),
            *("-cpu", "max", "-smp", str(CORES), "-m", f"{self.memory >> 20}M"),
            *("-kernel", str(self.disk.kernel), "-initrd", str(self.disk.initrd)),
            *("-append", f"root=LABEL={LABEL} ro console=ttyS0"),
            *("-serial", f"file:{self._console}", "-device", "virtio-rng-pci"),
            *("-chardev", f"socket,id=agent,path={self._agent},server=on,wait=off"),
            *("-device", "virtio-serial-pci"),
            *("-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"),
            *self._seed(),
            *self._disks(),
            *self._network(),
        ]

    def _seed(self) -> list[str]:
        drive = f"driver=vvfat,node-name=seed,dir={self.guest.seed},label=cidata,read-only=on"
        return ["-blockdev", drive, "-device", "virtio-blk-pci,drive=seed"]

    def _disks(self) -> list[str]:
        """Return the disks as Proxmox VE attaches them: virtio-scsi-single, with IO threads."""
        storage = self.server.storage
        serials = {storage.system.slot: ""}
        serials |= {disk.slot: f",serial={disk.serial}" for disk in (storage.data, storage.backup)}
        words = []
        for slot, serial in serials.items():
            drive = f"drive-{slot}"
            file = f"file={self._image(slot)},format=raw,discard=unmap"
            words += [
                *("-object", f"iothread,id=thread-{slot}"),
                *("-device", f"virtio-scsi-pci,id=bus-{slot},iothread=thread-{slot}"),
                *("-drive", f"id={drive},if=none,{file}"),
                *("-device", f"scsi-hd,bus=bus-{slot}.0,drive={drive}{serial}"),
            ]
        return words

    def _network(self) -> list[str]:
        """Return the network: two ports, the packages behind the gateway, and nothing else."""
        server, upstream = self.server, self.disk.upstream
        subnet = server.guest.network.address.network
        gateway = urlsplit(server.postgresql.repository.url)
        program = [
            *(sys.executable, "-I", packages.__file__, str(self.mirror)),
            *(f"debian={upstream.archive}", f"debian-security={upstream.security}"),
        ]
        options = [
            "user,id=net0,restrict=on,ipv6=off",
            f"net={subnet},host={subnet[CLIENT]},dns={subnet[CLIENT + 1]}",
            f"hostfwd=tcp:127.0.0.1:{self.ssh_port}-{server.address}:22",
            f"hostfwd=tcp:127.0.0.1:{self.database_port}-{server.address}:{server.postgresql.port}",
            f"guestfwd=tcp:{gateway.hostname}:{gateway.port}-cmd:{shlex.join(program)}",
        ]
        card = f"virtio-net-pci,netdev=net0,mac={self.guest.mac}"
        return ["-netdev", ",".join(options), "-device", card]
