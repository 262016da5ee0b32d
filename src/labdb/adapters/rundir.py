"""What a run leaves behind, and the lock that lets only one run at a server at a time.

``<state>/<environment>/<server>/<run id>/`` holds ``plan.json``, ``inventory.json``,
``events.jsonl`` and ``report.json``; no secret ever enters it.
"""

import fcntl
import json
import os
import secrets
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from labdb.errors import RefusedError
from labdb.events import Event, to_dict
from labdb.paths import state_dir

ORPHAN_SECONDS = 10.0

Document = Literal["plan", "inventory", "report"]


def environment_dir(environment: str) -> Path:
    """Return the directory that holds all that is kept of *environment*."""
    return state_dir() / environment


def server_dir(environment: str, server: str) -> Path:
    """Return the directory that holds all that is kept of *server*."""
    return environment_dir(environment) / server


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """The directory of one run."""

    path: Path

    @property
    def run_id(self) -> str:
        """The run's name: when it began, and four random characters."""
        return self.path.name

    def write(self, document: Document, content: Mapping[str, Any]) -> Path:
        """Write one of the run's documents as JSON, whole or not at all."""
        path = self.path / f"{document}.json"
        partial = path.with_suffix(".partial")
        text = json.dumps(content, indent=2, ensure_ascii=False, default=str)
        partial.write_text(text + "\n", encoding="utf-8")
        partial.replace(path)
        return path

    def append(self, event: Event) -> None:
        """Add *event* to ``events.jsonl``; each line is on disk before the next task."""
        line = json.dumps(to_dict(event), ensure_ascii=False, default=str)
        with (self.path / "events.jsonl").open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def new(environment: str, server: str) -> RunDirectory:
    """Make the directory of a new run."""
    stamp = datetime.now(tz=UTC).strftime("%Y%m%dT%H%M%SZ")
    path = server_dir(environment, server) / f"{stamp}-{secrets.token_hex(2)}"
    path.mkdir(parents=True, mode=0o700)
    return RunDirectory(path)


def last_task_count(environment: str, server: str, playbook: str) -> int | None:
    """Return how many tasks the last complete run of *playbook* had, for a progress bar."""
    with suppress(FileNotFoundError, ValueError):
        counts = json.loads(_counts_file(environment, server).read_text(encoding="utf-8"))
        return int(counts[playbook]) if playbook in counts else None
    return None


def remember_task_count(environment: str, server: str, playbook: str, count: int) -> None:
    """Keep how many tasks *playbook* had."""
    path = _counts_file(environment, server)
    counts: dict[str, int] = {}
    with suppress(FileNotFoundError, ValueError):
        counts = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(counts | {playbook: count}) + "\n", encoding="utf-8")


def _counts_file(environment: str, server: str) -> Path:
    return server_dir(environment, server) / "task-counts.json"


@dataclass(slots=True)
class Lock:
    """A held lock; it tells the next comer who holds it and which playbook is at work."""

    _descriptor: int
    _holder: dict[str, Any]

    def note_playbook(self, pid: int) -> None:
        """Record the running playbook, which may outlive a killed labdb."""
        self._holder["playbook_pid"] = pid
        self.write()

    def write(self) -> None:
        """Put the holder's description into the lock file."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, json.dumps(self._holder).encode(), 0)


@contextmanager
def lock(environment: str, server: str) -> Iterator[Lock]:
    """Hold the lock of *server* for as long as the context lasts.

    The kernel releases it when the process dies, however it dies.

    Raises:
        RefusedError: somebody else holds it, or a killed run's playbook does not end.
    """
    directory = server_dir(environment, server)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        before = _holder(descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RefusedError(
                f"another labdb is at work on {server}",
                why="process {pid} on {host}, since {since}".format_map(_Known(before)),
                hint="wait until it has ended; two runs at once would undo each other",
            ) from error
        _end_orphan(before, server)
        holder = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(tz=UTC).isoformat(timespec="seconds"),
        }
        held = Lock(descriptor, holder)
        held.write()
        yield held
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


class _Known(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return f"(unknown {key})"


def _holder(descriptor: int) -> dict[str, Any]:
    with suppress(ValueError):
        content = json.loads(os.pread(descriptor, 4096, 0) or b"{}")
        if isinstance(content, dict):
            return content
    return {}


def _end_orphan(before: Mapping[str, Any], server: str) -> None:
    """End the playbook that a killed labdb left at work, before a new one starts.

    Raises:
        RefusedError: it does not end.
    """
    pid = before.get("playbook_pid")
    if not isinstance(pid, int) or before.get("host") != socket.gethostname():
        return
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        if not _is_playbook(pid):
            return
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        limit = time.monotonic() + ORPHAN_SECONDS
        while _is_playbook(pid) and time.monotonic() < limit:
            time.sleep(0.1)
    if _is_playbook(pid):
        raise RefusedError(
            f"a playbook of a killed run still works on {server}",
            why=f"process {pid}, since {before.get('since')}, does not end",
            hint="end it, then run again",
        )


def _is_playbook(pid: int) -> bool:
    """Tell whether *pid* is a living ansible-playbook, and not a number used again."""
    with suppress(OSError):
        return b"ansible-playbook" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False
