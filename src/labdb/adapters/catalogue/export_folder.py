"""The folder of an export: filled under another name, and given its own when it is complete."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from labdb.errors import RefusedError, RunError, UsageError

LOCK = ".labdb-lock"


def free(folder: Path) -> None:
    """See that *folder* can become an export's: it is not there, or is empty.

    Raises:
        UsageError: something is there already, or nothing can be made there.
    """
    try:
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise UsageError(f"{folder} is no folder", hint="name one that is not there yet")
        if folder.exists() and any(folder.iterdir()):
            raise UsageError(
                f"{folder} is not empty",
                why="an export has a folder of its own: nothing in it is ever overwritten",
                hint="name one that is not there yet",
            )
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot(folder, error) from error


@contextmanager
def filling(folder: Path) -> Iterator[Path]:
    """Yield a folder to fill, which is called *folder* afterwards; after an error it is gone.

    What an export left that was killed is taken away first.

    Raises:
        RefusedError: another export fills the same folder.
        RunError: the disk does not take it.
    """
    free(folder)
    partial = folder.with_name(f".{folder.name}.partial")
    try:
        lock = _locked(partial, folder)
    except OSError as error:
        raise _cannot(folder, error) from error
    try:
        with told(folder):
            _empty(partial)
            yield partial
            _to_disk(partial)
            (partial / LOCK).unlink()
            partial.rename(folder)
            _sync(folder.parent)
    except BaseException:
        with suppress(OSError):
            shutil.rmtree(partial)
        raise
    finally:
        os.close(lock)


def _locked(partial: Path, folder: Path) -> int:
    """Return the lock of *partial*, which is ours until we end."""
    partial.mkdir(exist_ok=True)
    place = os.open(partial / LOCK, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o644)
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(place)
        raise RefusedError(
            f"another export fills {folder}",
            why=f"it holds {partial / LOCK}",
            hint="wait until it has ended, or name another folder",
        ) from None
    return place


def _empty(partial: Path) -> None:
    for one in partial.iterdir():
        if one.name == LOCK:
            continue
        if one.is_dir() and not one.is_symlink():
            shutil.rmtree(one)
        else:
            one.unlink()


def _to_disk(folder: Path) -> None:
    for one in sorted(folder.rglob("*"), reverse=True):
        _sync(one)
    _sync(folder)


def _sync(path: Path) -> None:
    place = os.open(path, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)


@contextmanager
def told(folder: Path) -> Iterator[None]:
    """Turn what the system says of files into an error of labdb.

    Raises:
        RunError: the disk is full, or anything else that the system said.
    """
    try:
        yield
    except OSError as error:
        raise _cannot(folder, error) from error


def _cannot(folder: Path, error: OSError) -> RunError:
    return RunError(
        f"{folder} cannot be written; nothing of it is left there",
        why=error.strerror or str(error),
        hint="make room or rights there, or name another folder, then run it again",
    )
