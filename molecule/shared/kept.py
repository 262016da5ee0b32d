"""A guest with a cluster, kept by the first scenario that makes one for those that come after.

``kept.py GUEST SCRATCH`` keeps it: its root file system as an image, its disks and its CA in the
cache. It is good for the code that made it; whatever changes in that makes another one.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from docker.errors import APIError, ImageNotFound

from labdb.lab import cache
from labdb.lab.engine import engine

PLAY = "../shared/cluster.yml"
"""What makes such a guest; it begins the preparation of whoever stands on one."""
IMAGE = "labdb/molecule-cluster"
MADE_BY = ("inventories/lab", "molecule/shared", "roles", "src/labdb")
OLD_SECONDS = 24 * 3600
# Nothing but PostgreSQL uses the disks yet, and it stops with its own.
STILL = "systemctl stop mnt-data.mount mnt-backup.mount"
GO_ON = "systemctl start mnt-data.mount mnt-backup.mount postgresql@16-main"


def serves() -> bool:
    """Tell whether this scenario stands on a cluster, and one is kept."""
    prepare = Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"], "prepare.yml")
    return prepare.exists() and PLAY in prepare.read_text(encoding="utf-8") and _is_kept()


def take(scratch: Path) -> str:
    """Begin *scratch* with the disks and the CA of the guest, and return its image."""
    shutil.copytree(_folder() / "authority", scratch / "authority", dirs_exist_ok=True)
    for disk in _folder().glob("*.disk"):
        _copy(disk, scratch / disk.name)
        # A kernel mounts no two XFS of one UUID.
        subprocess.run(
            ["xfs_admin", "-U", "generate", scratch / disk.name],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return f"{IMAGE}:{_code()}"


def keep(guest: str, scratch: Path) -> None:
    """Keep *guest*, unless another scenario was faster."""
    with cache.lock("molecule"):
        if _is_kept():
            return
        _forget_old()
        made = _folder().with_suffix(".part")
        shutil.rmtree(made, ignore_errors=True)
        _inside(guest, STILL)
        try:
            engine().containers.get(guest).commit(repository=IMAGE, tag=_code())
            shutil.copytree(scratch / "authority", made / "authority")
            for disk in scratch.glob("*.disk"):
                _copy(disk, made / disk.name)
        finally:
            _inside(guest, GO_ON)
        made.rename(_folder())


def _is_kept() -> bool:
    try:
        engine().images.get(f"{IMAGE}:{_code()}")
    except ImageNotFound:
        return False
    return _folder().is_dir()


def _folder() -> Path:
    return cache.folder("molecule") / _code()


def _code() -> str:
    """Return the sum of everything that a guest is made by."""
    top, made_by = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"]), hashlib.sha256()
    for path in sorted(path for part in MADE_BY for path in (top / part).rglob("*")):
        if path.is_file() and path.suffix != ".pyc" and path.name != "vault.yml":
            made_by.update(str(path.relative_to(top)).encode() + path.read_bytes())
    return made_by.hexdigest()[:12]


def _forget_old() -> None:
    for folder in cache.folder("molecule").iterdir():
        if time.time() - folder.stat().st_mtime > OLD_SECONDS:
            # One that a guest still runs from stays, and goes with a later one.
            try:
                engine().images.remove(f"{IMAGE}:{folder.name}")
            except ImageNotFound:
                pass
            except APIError:
                continue
            shutil.rmtree(folder)


def _inside(guest: str, command: str) -> None:
    code, said = engine().containers.get(guest).exec_run(["sh", "-c", command])
    if code:
        sys.exit(f"{command}: {said.decode()}")


def _copy(disk: Path, copy: Path) -> None:
    subprocess.run(["cp", "--sparse=always", disk, copy], check=True)


if __name__ == "__main__":
    keep(sys.argv[1], Path(sys.argv[2]))
