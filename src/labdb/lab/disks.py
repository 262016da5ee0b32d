"""The disks of the lab's guests: sparse files on loop devices.

A 250 GB disk costs what is written to it; it grows while the guest runs (``truncate``,
then ``losetup --set-capacity``).
"""

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from labdb.lab.machines import MachineError


@dataclass(frozen=True, slots=True)
class Disks:
    """The files under *folder*, one for each volume of the emulated storages."""

    folder: Path

    def file(self, volume: str) -> Path:
        """Return where *volume* lies."""
        return self.folder / (re.sub(r"[^\w.-]", "_", volume) + ".raw")

    def ensure(self, volume: str, size: int) -> Path:
        """Return the volume's file, made or grown to *size* bytes; it never shrinks."""
        file = self.file(volume)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        if file.stat().st_size < size:
            os.truncate(file, size)
        return file

    def attach(self, volume: str, size: int) -> int:
        """Return the number of the loop device with *volume* on it."""
        file = self.ensure(volume, size)
        device = self.device(volume) or _run("losetup", "--find", "--show", str(file))
        _run("losetup", "--set-capacity", device)
        return int(device.removeprefix("/dev/loop"))

    def device(self, volume: str) -> str:
        """Return the loop device that has *volume*, or nothing."""
        found = _run("losetup", "--associated", str(self.file(volume)), "--output", "NAME",
                     "--noheadings")  # fmt: skip
        return found.split("\n", maxsplit=1)[0].strip()

    def detach(self, volume: str) -> None:
        """Take the volume off its loop device, if it is on one."""
        if device := self.device(volume):
            _run("losetup", "--detach", device)

    def grow(self, volume: str, size: int) -> None:
        """Give the volume *size* bytes; a guest that uses it sees them at once."""
        self.ensure(volume, size)
        if device := self.device(volume):
            _run("losetup", "--set-capacity", device)

    def remove(self, volume: str) -> None:
        """Remove the volume's file and every copy a snapshot keeps of it."""
        self.detach(volume)
        file = self.file(volume)
        for path in (file, *file.parent.glob(f"{file.name}.at-*")):
            path.unlink(missing_ok=True)

    def rename(self, volume: str, new: str) -> None:
        """Give the volume another name."""
        if self.file(volume).exists():
            self.detach(volume)
            self.file(volume).rename(self.file(new))

    def copy(self, volume: str, new: str) -> None:
        """Copy the volume, holes kept."""
        if self.file(volume).exists():
            _copy(self.file(volume), self.file(new))

    def keep(self, volume: str, name: str) -> None:
        """Keep the volume as it is now under the snapshot *name*."""
        if self.file(volume).exists():
            _copy(self.file(volume), self._kept(volume, name))

    def put_back(self, volume: str, name: str) -> None:
        """Make the volume what it was at *name*."""
        if self._kept(volume, name).exists():
            self.detach(volume)
            _copy(self._kept(volume, name), self.file(volume))

    def forget(self, volume: str, name: str) -> None:
        """Remove what *name* kept."""
        self._kept(volume, name).unlink(missing_ok=True)

    def _kept(self, volume: str, name: str) -> Path:
        file = self.file(volume)
        return file.with_name(f"{file.name}.at-{name}")


def _copy(source: Path, target: Path) -> None:
    _run("cp", "--sparse=always", "--reflink=auto", str(source), str(target))


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise MachineError(f"{_spoken(command)} failed", why=done.stderr.strip())
    return done.stdout.strip()


def _spoken(command: Sequence[str]) -> str:
    return " ".join(command[:2])
