"""Whether a file is the one that was read: its SHA-256, and what tells that it was touched."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from labdb.errors import RunError

CHUNK = 8 << 20
State: TypeAlias = tuple[int, int, int, int]
"""Inode, size, and times of the last change of content and of inode, in nanoseconds."""


def state(seen: os.stat_result) -> State:
    """Return what of *seen* changes when a file is written or replaced."""
    return (seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)


def written(seen: os.stat_result) -> tuple[int, int]:
    """Return what of *seen* changes when an open file is written; another may take its name."""
    return (seen.st_size, seen.st_mtime_ns)


def sha256(path: Path, progress: Callable[[int], None] | None = None) -> str:
    """Return the SHA-256 of the file *path*; *progress* is told the bytes of each part."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(CHUNK):
            digest.update(part)
            if progress is not None:
                progress(len(part))
    return digest.hexdigest()


def changed(path: Path) -> RunError:
    """Return the error that *path* changed while it was read."""
    return RunError(
        f"{path.name} changed while it was read",
        why="another process wrote, replaced or touched it; its rows were taken back",
        hint="wait until whoever writes it has ended, then run the load again",
    )
