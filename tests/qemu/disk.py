"""The virtual machine's system disk: the lab's guest with a kernel, udev and a network."""

import hashlib
import logging
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from labdb.lab import cache, debian, image
from labdb.lab.debian import Mirror

RECIPE = Path(__file__).with_name("machine.sh")
PACKAGES = (
    "linux-image-cloud-amd64",
    "netplan.io",
    "qemu-guest-agent",
    "systemd-resolved",
    "udev",
)
LABEL = "system"
SIZE = "4G"
"""Of the file system as it is made; cloud-init grows it to the disk at the first boot."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SystemDisk:
    """A file system of Debian 13, and what boots it without a boot loader."""

    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "system.raw"

    @property
    def kernel(self) -> Path:
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        return self.folder / "initrd.img"

    @property
    def sources(self) -> Path:
        return self.folder / "debian.sources"

    @property
    def upstream(self) -> Mirror:
        """The mirror that the disk was made from, and that its gateway has to offer."""
        found = debian.choose(list(debian.parse_deb822(self.sources.read_text())), image.SUITE)
        assert found, self.sources
        return found


def ensure(gateway: str) -> SystemDisk:
    """Return the disk from the cache, made now where the cache has none.

    The machine takes Debian's packages from the URL *gateway*.
    """
    archive = image.root_archive()
    recipe = "\0".join((*PACKAGES, LABEL, SIZE, RECIPE.read_text(), archive.name, gateway))
    digest = hashlib.sha256(recipe.encode()).hexdigest()[:12]
    finished = cache.folder("machine") / f"debian13-{digest}"
    with cache.lock("machine"):
        if not finished.exists():
            _make(archive, finished, gateway)
    return SystemDisk(finished)


def _make(archive: Path, finished: Path, gateway: str) -> None:
    assert os.geteuid() == 0, "root enters the new file system: make test-machine asks for it"
    log.info("making the system disk from %s", archive)
    with tempfile.TemporaryDirectory(prefix="labdb-machine-", dir=finished.parent) as folder:
        root, made = Path(folder, "root"), SystemDisk(Path(folder, "disk"))
        root.mkdir()
        made.folder.mkdir()
        _run(["tar", "-C", str(root), "--numeric-owner", "-xf", str(archive)])
        shutil.copyfile("/etc/resolv.conf", root / "etc/resolv.conf")
        shutil.copyfile(RECIPE, root / RECIPE.name)
        _run(["chroot", str(root), "/bin/sh", f"/{RECIPE.name}", *PACKAGES])
        (root / RECIPE.name).unlink()
        sources = root / "etc/apt/sources.list.d/debian.sources"
        shutil.copyfile(sources, made.sources)
        sources.write_text(_behind(gateway, made.upstream))
        # The links that the kernel's package makes, from / to /boot.
        (root / "boot" / (root / "vmlinuz").readlink().name).rename(made.kernel)
        (root / "boot" / (root / "initrd.img").readlink().name).rename(made.initrd)
        _run(["mkfs.ext4", "-q", "-L", LABEL, "-d", str(root), str(made.file), SIZE])
        made.folder.rename(finished)


def _behind(gateway: str, upstream: Mirror) -> str:
    security = f"{gateway}/debian-security" if upstream.security else ""
    return image.sources(Mirror(f"{gateway}/debian", security))


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
