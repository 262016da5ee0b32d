"""A process that stays when the command that started it has ended: pid file, log, an end."""

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from labdb.errors import RunError

GRACE = 30.0
"""Seconds between the request to end and the kill."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """One Python module of labdb run as a process of its own."""

    module: str
    pid_file: Path
    log: Path

    def pid(self) -> int | None:
        """Return the id of the living process; a number that went to another does not count."""
        try:
            pid = int(self.pid_file.read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1]
            threads = len(os.listdir(f"/proc/{pid}/task"))  # noqa: PTH208 - a count is all
        except (OSError, ValueError):
            return None
        # A process just born has no command line yet; one that ended has none any more.
        is_ours = self.module.encode() in command or command == [b""]
        # The first thread may be a zombie while another still holds a socket.
        return pid if is_ours and (state != "Z" or threads > 1) else None

    def start(self, *arguments: str, ready: Callable[[], bool], timeout: float) -> None:
        """Start the process unless it lives, and wait until *ready* says that it serves.

        Raises:
            RunError: it ended at once, or is not ready after *timeout* seconds.
        """
        if self.pid() is None:
            self._spawn(arguments)
        end = time.monotonic() + timeout
        while not ready():
            if self.pid() is None:
                raise RunError(
                    f"{self.module} ended before it was ready",
                    why=self._last_words(),
                    hint=f"read {self.log}",
                )
            if time.monotonic() > end:
                raise RunError(
                    f"{self.module} is not ready after {timeout:.0f} s",
                    why=self._last_words(),
                    hint=f"read {self.log}",
                )
            time.sleep(0.1)

    def stop(self) -> None:
        """Ask the process to end, and end it when it does not; nothing to do when it is gone."""
        pid = self.pid()
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
            end = time.monotonic() + GRACE
            while self.pid() is not None and time.monotonic() < end:
                time.sleep(0.1)
            if self.pid() is not None:
                os.kill(pid, signal.SIGKILL)
        self.pid_file.unlink(missing_ok=True)

    def _spawn(self, arguments: tuple[str, ...]) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        write = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        # Not subprocess: the process is not ours to wait for.
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-P", "-m", self.module, *arguments],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(self.log), write, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
        self.pid_file.write_text(f"{pid}\n")

    def _last_words(self) -> str:
        lines = [line for line in self.log.read_text().splitlines() if line.strip()]
        return lines[-1] if lines else "it wrote nothing"
