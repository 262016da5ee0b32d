"""The folder of things that are dear to fetch or to make, and that a lab may lose at any time."""

import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labdb import paths
from labdb.errors import RefusedError


def folder(name: str) -> Path:
    """Return the folder *name* of the cache, made where it is missing.

    ``$LABDB_CACHE`` may be a seed that nobody may write to; what is made then stands in
    the state directory.
    """
    cache = paths.cache_dir()
    base = paths.state_dir() / "cache" if _is_seed(cache) else cache
    made = base / name
    made.mkdir(parents=True, exist_ok=True)
    return made


def find(file_name: str) -> Path | None:
    """Return where the downloaded file *file_name* lies, in the seed or among the downloads."""
    candidates = (paths.cache_dir() / file_name, folder("downloads") / file_name)
    return next((path for path in candidates if path.is_file()), None)


def check(path: Path, sha256: str) -> Path:
    """Return *path* if its content has the SHA-256 sum *sha256*.

    Raises:
        RefusedError: it is another file.
    """
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise RefusedError(
            f"{path.name} is not the file it should be",
            why=f"its SHA-256 is {found}, expected {sha256}",
            hint=f"remove {path} and run again to fetch it anew",
        )
    return path


@contextmanager
def lock(name: str) -> Iterator[None]:
    """Let one process at a time make *name*; the others wait and then find it made."""
    with (folder("locks") / name).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_seed(cache: Path) -> bool:
    """Tell whether nobody should write to *cache*: its owner took the right away, or we lack it."""
    if not cache.exists():
        return False
    return not cache.stat().st_mode & stat.S_IWUSR or not os.access(cache, os.W_OK)
