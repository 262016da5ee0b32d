"""What the lab asks of the machine it runs on; looked at before anything is changed."""

import importlib.util
import os
import platform
import shutil
import socket

from labdb.errors import RefusedError
from labdb.lab.engine import engine

PROGRAMS = {
    "debootstrap": "debootstrap",
    "dpkg-deb": "dpkg",
    "gpg": "gnupg",
    "ip": "iproute2",
    "losetup": "util-linux",
    "ssh": "openssh-client",
}
BY_MAKE = "make lab installs what is missing on Debian and Ubuntu"


def check() -> None:
    """Return if the lab can live on this machine.

    Raises:
        RefusedError: it cannot; the error names what is missing.
        UnreachableError: Docker does not answer.
    """
    machine = f"{platform.system()} {platform.machine()}"
    if machine != "Linux x86_64":
        raise RefusedError(
            "the embedded lab does not run on this machine",
            why=f"it needs Linux x86_64, this is {machine}",
            hint="use a virtual machine with Debian 12, Debian 13 or Ubuntu 24.04",
        )
    if os.geteuid() != 0:
        raise RefusedError(
            "the embedded lab needs root",
            why="it makes disks (loop devices), a route and a root file system",
            hint="run the same command with sudo",
        )
    missing = sorted(pkg for program, pkg in PROGRAMS.items() if shutil.which(program) is None)
    if missing:
        raise RefusedError(
            f"the embedded lab misses programs: {', '.join(missing)}",
            why="guests, disks and packages are made with them",
            hint=f"apt-get install {' '.join(missing)}; {BY_MAKE}",
        )
    if importlib.util.find_spec("fakepve") is None:
        raise RefusedError(
            "the embedded lab misses its Python packages",
            why="the emulated Proxmox VE comes with an extra of labdb",
            hint="pip install 'astro-labdb[lab]'",
        )
    engine()


def check_port(address: str, port: int, *, variable: str = "") -> None:
    """Return if *port* is free at *address*.

    Raises:
        RefusedError: another process listens there.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise RefusedError(
                f"port {port} of {address} is taken",
                why=str(error.strerror),
                hint=f"ss -tlnp shows by whom; set {variable} to another port"
                if variable
                else "ss -tlnp shows by whom",
            ) from error
