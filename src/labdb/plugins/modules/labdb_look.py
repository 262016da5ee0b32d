"""One look at a guest: what differs from the declaration, and what it answers; changes nothing.

Runs on the guest, alone.
"""

from __future__ import annotations

import grp
import hashlib
import os
import pwd
import re
import stat
import subprocess
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: labdb_look
short_description: Tell what differs on a guest from what is declared
description:
  - Looks at packages, files, units and disks in one round trip, and asks what only a command
    can tell.
  - Never changes anything, and never shows what a file holds.
options:
  packages:
    description: Packages that should be installed, each C(name) or C(name=version), where a
      version may end in C(*).
    type: list
    elements: str
    default: []
  files:
    description: Files, folders and links as they should be; what is not said is not looked at.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Where it is.
        type: path
        required: true
      state:
        description: What it is.
        type: str
        choices: [file, directory, link, absent]
        default: file
      sha256:
        description: SHA-256 of what it holds.
        type: str
      mode:
        description: Permissions, as an octal number.
        type: str
      owner:
        description: User that it belongs to.
        type: str
      group:
        description: Group that it belongs to.
        type: str
      target:
        description: Where the link leads.
        type: str
  units:
    description: Units of systemd as they should be; what is not said is not looked at.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name with its suffix.
        type: str
        required: true
      enabled:
        description: Whether every boot starts it.
        type: bool
      active:
        description: Whether it runs. One that systemd skips by the unit's own condition is well.
        type: bool
  volumes:
    description: Disks, each by its C(serial), as names below /dev/disk/by-id end, with its
      C(mount) point; whatever else is declared of it is passed over.
    type: list
    elements: dict
    default: []
  asks:
    description: Commands that only read, by name; whatever they say is an answer.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: What differs
  labdb_look:
    packages: [nftables]
    files:
      - path: /etc/labdb-firewall.nft
        sha256: "{{ lookup('ansible.builtin.template', 'labdb-firewall.nft.j2') | hash('sha256') }}"
        mode: "0644"
    units:
      - {name: labdb-firewall.service, enabled: true, active: true}
    asks:
      table: [nft, list, table, inet, labdb]
  register: __host_firewall_look
"""

RETURN = r"""
different:
  description: What differs, a sentence each, which begins with the package, path or unit.
  type: list
  elements: str
  returned: always
volumes:
  description: Of each disk its link RV(volumes[].device), empty when it is not there, the
    RV(volumes[].signatures) on it, whether it is RV(volumes[].mounted) where it should be, and
    whether its file system is RV(volumes[].small), less than the disk.
  type: list
  elements: dict
  returned: always
answers:
  description: RV(answers.NAME.rc), RV(answers.NAME.stdout) and RV(answers.NAME.stderr) of each
    command; 127 when there is no such command.
  type: dict
  returned: always
release:
  description: The distribution's own description of itself, os-release(5).
  type: dict
  returned: always
"""

NO_SUCH_COMMAND = 127
# What systemctl(1) calls a unit that every boot starts; systemd_service sees it the same way.
ENABLED = {"enabled", "static", "generated", "transient"}
RUNNING = {"active", "activating", "reloading"}
SHOWN = "LoadState,UnitFileState,ActiveState,ConditionResult,ConditionTimestampMonotonic"
DISKS = Path("/dev/disk/by-id")
# XFS adds no allocation group smaller than 64 blocks; disks grow by much more.
UNUSED_BYTES = 64 * 4096
SIZES = (
    re.compile(r"^data +=.* bsize=(\d+) +blocks=(\d+)", re.MULTILINE),
    re.compile(r"^Block count: +(\d+)\n(?:.*\n)*?Block size: +(\d+)", re.MULTILINE),
)
KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "link"}


def run(argv: list[str]) -> dict[str, Any]:
    """Return exit code and words of a command that only reads."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            cwd="/",
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
    except (FileNotFoundError, PermissionError) as error:
        return {"rc": NO_SUCH_COMMAND, "stdout": "", "stderr": str(error)}
    said = [text.decode(errors="replace").rstrip("\n") for text in (done.stdout, done.stderr)]
    return {"rc": done.returncode, "stdout": said[0], "stderr": said[1]}


class LookError(Exception):
    """What a command that must not fail said."""


def must(argv: list[str]) -> str:
    """Return what a command says that has no reason to fail.

    Raises:
        LookError: it failed all the same.
    """
    done = run(argv)
    if done["rc"]:
        raise LookError(f"{' '.join(argv)}: {done['stderr']}")
    return str(done["stdout"])


def installed(listed: str) -> dict[str, str]:
    r"""Return the versions of installed packages from lines of name, status and version.

    >>> installed("nftables\tii \t1.1.3-1\nchrony\trc \t4.6-1\nntp\tun \t")
    {'nftables': '1.1.3-1'}
    """
    lines = [line.split("\t") for line in listed.splitlines()]
    # The second letter is the state: removed packages stay listed for their configuration.
    return {name: version for name, status, version in lines if status[1] == "i"}


def package_differences(wanted: list[str], versions: dict[str, str]) -> list[str]:
    """Return what is missing, or of another version than is asked for."""
    found = []
    for package in wanted:
        name, _, version = package.partition("=")
        if name not in versions:
            found.append(f"{name} is not installed")
        elif version and not fnmatchcase(versions[name], version):
            found.append(f"{name} is {versions[name]}, not {version}")
    return found


def observed(path: Path, *, follow: bool, read: bool) -> dict[str, str]:
    """Return kind, mode, owner, group, target and sum of what is at *path*; nothing if nothing."""
    try:
        status = path.stat(follow_symlinks=follow)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    kind = KINDS.get(stat.S_IFMT(status.st_mode), "something else")
    found = {
        "state": kind,
        "mode": f"{stat.S_IMODE(status.st_mode):04o}",
        "owner": _name(status.st_uid, pwd.getpwuid),
        "group": _name(status.st_gid, grp.getgrgid),
    }
    if kind == "link":
        found["target"] = str(path.readlink())
    if kind == "file" and read:
        found["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _name(number: int, look_up: Any) -> str:
    try:
        return str(look_up(number)[0])
    except KeyError:
        return str(number)


def file_differences(wanted: dict[str, Any], found: dict[str, str]) -> list[str]:
    """Return how what was *found* differs from what is *wanted* at its path."""
    path = wanted["path"]
    state = found.get("state", "absent")
    if state != wanted["state"]:
        return [f"{path} is {state}, not {wanted['state']}"]
    if state == "absent":
        return []
    right = dict(wanted, mode=f"{int(wanted['mode'], 8):04o}") if wanted.get("mode") else wanted
    differences = [
        f"{path} has {name} {found.get(name)}, not {right[name]}"
        for name in ("mode", "owner", "group", "target")
        if right.get(name) and found.get(name) != right[name]
    ]
    if wanted.get("sha256") and found.get("sha256") != wanted["sha256"]:
        differences.append(f"{path} holds something else")
    return differences


def look_at_file(wanted: dict[str, Any]) -> list[str]:
    """Return how what is at a path differs from what is *wanted* there."""
    wanted = {"state": "file", **wanted}
    # A link to a folder serves as the folder.
    follow, read = wanted["state"] == "directory", bool(wanted.get("sha256"))
    return file_differences(wanted, observed(Path(wanted["path"]), follow=follow, read=read))


def shown(text: str) -> list[dict[str, str]]:
    """Return the properties of each unit that ``systemctl show`` was asked for, in order."""
    return [
        dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        for block in text.split("\n\n")
        if block.strip()
    ]


def unit_differences(wanted: dict[str, Any], found: dict[str, str]) -> list[str]:
    """Return how a unit differs from what is *wanted* of it."""
    name = wanted["name"]
    differences = []
    enabled = found.get("UnitFileState") in ENABLED
    if wanted["enabled"] not in (None, enabled):
        differences.append(f"{name} is {'enabled' if enabled else 'not enabled'}")
    active = found.get("ActiveState") in RUNNING
    skipped = (
        found.get("ConditionResult") == "no"
        and found.get("ConditionTimestampMonotonic", "0") != "0"
    )
    well = active or (skipped and wanted["active"])
    if wanted["active"] not in (None, well):
        differences.append(f"{name} is {'running' if active else 'not running'}")
    return differences


def file_system_bytes(told: str) -> int:
    r"""Return the size of the file system that xfs_info(8) or tune2fs(8) tells about.

    >>> file_system_bytes("data     =      bsize=4096   blocks=65536000, imaxpct=25")
    268435456000
    """
    found = next(filter(None, (size.search(told) for size in SIZES)), None)
    return int(found[1]) * int(found[2]) if found else 0


def volume(serial: str, mount: str) -> dict[str, Any]:
    """Return what is known of the disk with that *serial*, which should be mounted at *mount*.

    Raises:
        LookError: it cannot be told what is on the disk.
    """
    # Links of a partition end in -partN, so a serial at the end is a whole disk.
    links = sorted(str(link) for link in DISKS.glob("*") if link.name.endswith(f"_{serial}"))
    if not links:
        return {"device": "", "signatures": [], "mounted": False, "small": False}
    device, mounted = links[0], os.path.ismount(mount)
    held = must(["wipefs", "--no-act", "--noheadings", "--output", "TYPE", device]).splitlines()
    size = 0
    if mounted:
        tell = ["xfs_info", mount] if "xfs" in held else ["tune2fs", "-l", device]
        size = file_system_bytes(must(tell))
    disk = int(must(["blockdev", "--getsize64", device]))
    small = mounted and size + UNUSED_BYTES <= disk
    return {"device": device, "signatures": held, "mounted": mounted, "small": small}


def release(text: str) -> dict[str, str]:
    r"""Return what os-release(5) says.

    >>> release('ID=debian\nVERSION_CODENAME="trixie"')
    {'ID': 'debian', 'VERSION_CODENAME': 'trixie'}
    """
    pairs = [line.split("=", 1) for line in text.splitlines() if "=" in line and line[0] != "#"]
    return {name: value.strip("\"'") for name, value in pairs}


def look(wanted: dict[str, Any]) -> list[str]:
    """Return everything that differs."""
    different = []
    if wanted["packages"]:
        names = [package.partition("=")[0] for package in wanted["packages"]]
        form = "--showformat=${Package}\t${db:Status-Abbrev}\t${Version}\n"
        listed = run(["dpkg-query", "--show", form, *names])["stdout"]
        different += package_differences(wanted["packages"], installed(listed))
    for item in wanted["files"]:
        different += look_at_file(item)
    if wanted["units"]:
        names = [unit["name"] for unit in wanted["units"]]
        units = shown(run(["systemctl", "show", f"--property={SHOWN}", *names])["stdout"])
        units += [{}] * (len(names) - len(units))
        for unit, found in zip(wanted["units"], units, strict=True):
            different += unit_differences(unit, found)
    return different


def main() -> None:
    """Look, ask, and tell."""
    text = {"type": "str"}
    module = AnsibleModule(
        argument_spec={
            "packages": {"type": "list", "elements": "str", "default": []},
            "files": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "path": {"type": "path", "required": True},
                    "state": {
                        "choices": ["file", "directory", "link", "absent"],
                        "default": "file",
                    },
                    "sha256": text,
                    "mode": text,
                    "owner": text,
                    "group": text,
                    "target": text,
                },
            },
            "units": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"required": True},
                    "enabled": {"type": "bool"},
                    "active": {"type": "bool"},
                },
            },
            "volumes": {"type": "list", "elements": "dict", "default": []},
            "asks": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    given: dict[str, Any] = module.params
    try:
        volumes = [volume(disk["serial"], disk["mount"]) for disk in given["volumes"]]
    except LookError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=False,
        different=look(given),
        volumes=volumes,
        answers={name: run([str(word) for word in argv]) for name, argv in given["asks"].items()},
        release=release(Path("/etc/os-release").read_text(encoding="utf-8")),
    )


if __name__ == "__main__":
    main()
