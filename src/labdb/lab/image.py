"""The image of the lab's guests: Debian 13 with systemd, sshd and cloud-init, made here."""

import hashlib
import io
import logging
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Self

import docker
from docker.errors import ImageNotFound

from labdb.errors import RefusedError, RunError
from labdb.lab import cache, debian
from labdb.lab.engine import engine

IMAGE = "labdb/guest-debian13"
SUITE = "trixie"
BASE = ("ca-certificates", "gnupg", "locales")
PACKAGES = (
    "acl",
    "ca-certificates",
    "cloud-init",
    "curl",
    "dbus",
    "e2fsprogs",
    "gnupg",
    "iproute2",
    "kmod",
    "libpam-systemd",
    "locales",
    "nftables",
    "openssh-server",
    "procps",
    "python3",
    "python3-apt",
    "sudo",
    "systemd-sysv",
    "tzdata",
    "xfsprogs",
)
RUNS_AS = """
ENV container=docker LANG=en_US.UTF-8
STOPSIGNAL SIGRTMIN+3
CMD ["/sbin/init"]
"""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Recipe:
    """What the root file system is made of on this host."""

    mirror: debian.Mirror | None
    settings: str
    script: str

    @classmethod
    def of_this_host(cls) -> Self:
        script = files("labdb.lab").joinpath("guest/configure.sh").read_text()
        return cls(debian.host_mirror(), debian.host_apt_settings(), script)

    @property
    def digest(self) -> str:
        parts = (SUITE, *PACKAGES, RUNS_AS, repr(self.mirror), self.settings, self.script)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def ensure() -> str:
    """Return the name of the guests' image, ``labdb/guest-debian13:<digest of its recipe>``.

    An image that Docker has is used; else the root file system is taken from the cache;
    else it is made by debootstrap from the Debian mirror of the host's apt configuration.

    Raises:
        RefusedError: the file system must be made, and we are not root.
        RunError: debootstrap or apt failed.
        UnreachableError: there is no Docker daemon.
    """
    recipe = _Recipe.of_this_host()
    name = f"{IMAGE}:{recipe.digest}"
    client = engine()
    with cache.lock("image"):
        try:
            client.images.get(name)
        except ImageNotFound:
            _import(client, _archive(recipe), name)
        client.images.get(name).tag(IMAGE, "latest")
    return name


def root_archive() -> Path:
    """Return the guests' root file system as an archive, in the cache.

    Raises:
        RefusedError: it must be made, and we are not root.
        RunError: debootstrap or apt failed.
    """
    with cache.lock("image"):
        return _archive(_Recipe.of_this_host())


def _archive(recipe: _Recipe) -> Path:
    archive = cache.folder("guest") / f"debian13-{recipe.digest}.tar.gz"
    if archive.exists():
        return archive
    if os.geteuid() != 0:
        raise RefusedError(
            "the guests' image cannot be made without root",
            why="debootstrap unpacks a root file system with its owners and enters it",
            hint="run the same command with sudo",
        )
    with tempfile.TemporaryDirectory(prefix="labdb-guest-", dir=archive.parent) as folder:
        root = Path(folder, "root")
        mirror = recipe.mirror
        log.info("making the guests' image from %s", mirror.archive if mirror else "Debian")
        _debootstrap(root, mirror)
        _configure(root, recipe)
        partial = Path(folder, archive.name)
        # Sockets and what runs are never in it: nothing was started in there.
        _run(["tar", "-C", str(root), "--numeric-owner", "-I", "gzip -1", "-cf", str(partial), "."])
        partial.replace(archive)
    return archive


def _debootstrap(root: Path, mirror: debian.Mirror | None) -> None:
    if shutil.which("debootstrap") is None:
        raise RunError(
            "debootstrap is not installed",
            why="the guests' image is made from Debian packages, none is downloaded ready",
            hint="apt-get install debootstrap, or run make lab, which does it",
        )
    command = ["debootstrap", "--variant=minbase", f"--include={','.join(BASE)}", SUITE, str(root)]
    _run([*command, mirror.archive] if mirror else command)


def _configure(root: Path, recipe: _Recipe) -> None:
    mirror = recipe.mirror or debian.Mirror(next(iter(debian.sources(root / "etc/apt"))).uri)
    apt = root / "etc/apt"
    (apt / "sources.list").unlink(missing_ok=True)
    (apt / "sources.list.d/debian.sources").write_text(sources(mirror))
    (apt / "apt.conf.d/90host").write_text(recipe.settings)
    shutil.copyfile("/etc/resolv.conf", root / "etc/resolv.conf")
    script = root / "configure.sh"
    script.write_text(recipe.script)
    try:
        _run(["chroot", str(root), "/bin/sh", "/configure.sh", *PACKAGES])
    finally:
        script.unlink()


def sources(mirror: debian.Mirror) -> str:
    """Return the guests' debian.sources for *mirror* (sources.list(5), deb822 style)."""
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    stanzas = [(mirror.archive, f"{SUITE} {SUITE}-updates")]
    if mirror.security:
        stanzas.append((mirror.security, f"{SUITE}-security"))
    return "\n".join(
        f"Types: deb\nURIs: {uri}\nSuites: {suites}\nComponents: main\nSigned-By: {keyring}\n"
        for uri, suites in stanzas
    )


def _import(client: docker.DockerClient, archive: Path, name: str) -> None:
    log.info("importing %s", archive)
    # `docker import` cannot set a stop signal, and systemd does not end on SIGTERM.
    client.api.import_image_from_file(str(archive), repository=f"{IMAGE}-files", tag="latest")
    dockerfile = io.BytesIO(f"FROM {IMAGE}-files:latest{RUNS_AS}".encode())
    client.images.build(fileobj=dockerfile, tag=name, rm=True)
    client.images.remove(f"{IMAGE}-files:latest", noprune=True)


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode == 0:
        return
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    raise RunError(
        f"{command[0]} failed with exit code {done.returncode} while the guests' image was made",
        why=lines[-1] if lines else "it said nothing",
        hint="is the Debian mirror of this machine's apt configuration reachable?",
    )
