"""Host's side of a Molecule guest: image, package mirror, loop devices, a throw-away CA.

``guest.py up SCRATCH SIZE [SERIAL...]`` prints as JSON what the container needs;
``guest.py down SCRATCH`` releases the loop devices.
"""

import json
import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path

import kept

from labdb.lab import image, mirror
from labdb.lab.daemon import Daemon
from labdb.lab.engine import engine

MIRROR_SECONDS = 600.0
"""A cold cache: the extensions are compiled."""


def up(scratch: Path, size: str, serials: list[str]) -> dict[str, object]:
    """Make everything that must be there before the container is."""
    bridge = engine().networks.get("bridge").attrs["IPAM"]["Config"][0]
    gateway = str(bridge.get("Gateway") or ip_network(bridge["Subnet"])[1])
    root = kept.take(scratch) if kept.serves() else image.ensure()
    make_authority(scratch / "authority")
    devices = [attach(scratch / f"{serial}.disk", size) for serial in serials]
    return {
        "image": root,
        "mirror": f"{serve_mirror(scratch, gateway)}/{mirror.URL_PATH}",
        "cgroup": cgroup(),
        "devices": [
            f"{device}:/dev/sd{letter}:rwm"
            for device, letter in zip(devices, "bcdefgh", strict=False)
        ],
    }


def down(scratch: Path) -> None:
    """Stop the mirror, release the loop devices and forget what was on them."""
    mirror_daemon(scratch).stop()
    for disk in scratch.glob("*.disk"):
        for device in attached(disk):
            run("losetup", "--detach", device)
        disk.unlink()


def serve_mirror(scratch: Path, address: str) -> str:
    """Return the URL of this scenario's own mirror server, started now when it is not up."""
    daemon = mirror_daemon(scratch)
    daemon.start(
        *("serve", "--address", address, "--port", "0"),
        ready=lambda: "serving" in daemon.log.read_text(),
        timeout=MIRROR_SECONDS,
    )
    return daemon.log.read_text().split()[-1]


def mirror_daemon(scratch: Path) -> Daemon:
    """Return the process that serves the packages to this scenario's guest."""
    return Daemon("labdb.lab.mirror", scratch / "mirror.pid", scratch / "mirror.log")


def attach(disk: Path, size: str) -> str:
    """Return the loop device of the sparse file *disk*, made now when it is missing."""
    if not disk.exists():
        run("truncate", "--size", size, str(disk))
    return (attached(disk) or [run("losetup", "--find", "--show", str(disk))])[0]


def attached(disk: Path) -> list[str]:
    """Return the loop devices that show *disk*."""
    return run("losetup", "--noheadings", "--output", "NAME", "--associated", str(disk)).split()


def cgroup() -> str:
    """Return what the guest's systemd gets as /sys/fs/cgroup: the unified hierarchy."""
    hybrid = Path("/sys/fs/cgroup/unified")
    return str(hybrid if hybrid.is_dir() else hybrid.parent)


def make_authority(folder: Path) -> None:
    """Make the CA that signs this guest's server certificate."""
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "ca.crt").exists():
        return
    run(
        *("openssl", "req", "-x509", "-nodes", "-days", "30", "-subj", "/CN=labdb molecule"),
        *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
        *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
        *("-keyout", str(folder / "ca.key"), "-out", str(folder / "ca.crt")),
    )


def run(*command: str) -> str:
    """Return what *command* writes; a failure shows its own words."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout.strip()


if __name__ == "__main__":
    verb, folder, *rest = sys.argv[1:]
    if verb == "up":
        sys.stdout.write(json.dumps(up(Path(folder), rest[0], rest[1:])))
    else:
        down(Path(folder))
