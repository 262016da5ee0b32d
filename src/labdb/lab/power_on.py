"""What a guest's container does before systemd: its devices, and a cgroup tree of its own.

The script is written anew before each start, so a loop device with another number, a new
disk or another serial is there before the first unit asks for it, as it is after udev in
a real machine. On a host with one cgroup v2 tree for everybody (hybrid), each guest's
systemd gets a branch: two of them in one root would stop each other's services.
"""

import contextlib
from collections.abc import Mapping
from pathlib import Path

from labdb.lab.machines import Disk

CGROUP = """\
group=$(sed -n 's/^0:://p' /proc/self/cgroup)
if [ "$group" = / ]; then
  group=/{name}
  mkdir -p "/sys/fs/cgroup$group"
  echo $$ > "/sys/fs/cgroup$group/cgroup.procs"
fi
exec unshare --cgroup /bin/sh -c '
umount /sys/fs/cgroup && mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 /sys/fs/cgroup
exec /sbin/init'
"""


def write(folder: Path, *, name: str, loops: Mapping[Disk, int]) -> None:
    """Write the script for a start with these disks on these loop devices."""
    folder.mkdir(parents=True, exist_ok=True)
    devices = "".join(device(disk, loop) + "\n" for disk, loop in loops.items())
    (folder / "script").write_text(f"set -e\n{devices}{CGROUP.format(name=name)}")


def device(disk: Disk, loop: int) -> str:
    """Return the commands that make the device node, and the link by its serial."""
    name = device_name(disk.slot)
    lines = [
        f"rm -f /dev/{name}",
        f"mknod -m 0660 /dev/{name} b 7 {loop}",
        f"chgrp disk /dev/{name}",
        "mkdir -p /dev/disk/by-id",
        f"ln -sfn ../../{name} {by_id(disk)}",
    ]
    return "\n".join(lines)


def no_device(disk: Disk) -> str:
    """Return the commands that take node and link away."""
    return f"rm -f /dev/{device_name(disk.slot)} {by_id(disk)}"


def by_id(disk: Disk) -> str:
    """Return the link that udev makes; without a serial QEMU names the drive."""
    return f"/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_{disk.serial or f'drive-{disk.slot}'}"


def device_name(slot: str) -> str:
    """Return the guest's name of a slot.

    >>> device_name("scsi1"), device_name("virtio2")
    ('sdb', 'vdc')
    """
    kind = slot.rstrip("0123456789")
    letter = chr(ord("a") + int(slot.removeprefix(kind)))
    return ("sd" if kind == "scsi" else "vd") + letter


def remove_group(root: Path, name: str) -> None:
    """Remove the branch of the cgroup tree that a guest left behind."""
    group = root / name
    if not group.is_dir():
        return
    for folder in sorted((p for p in group.rglob("*") if p.is_dir()), reverse=True):
        with contextlib.suppress(OSError):  # somebody is in there yet
            folder.rmdir()
    with contextlib.suppress(OSError):
        group.rmdir()
