"""Run one command and take its time and its memory."""

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

INTERVAL = 0.2


@dataclass(frozen=True, slots=True)
class Measured:
    """What a command took: *own* is its process, *tree* it and its children, in bytes.

    *own* is the kernel's high-water mark of resident memory. *tree* is the largest sum of
    proportional set sizes seen, so that shared pages count once.
    """

    seconds: float
    status: int
    own: int
    tree: int
    stdout: str


def _children(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            with suppress(OSError):
                found += _children(int(child))
    return found


def _kilobytes(path: Path, key: str) -> int:
    for line in path.read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024
    return 0


class _Watch(threading.Thread):
    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.own = 0
        self.tree = 0
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.wait(INTERVAL):
            with suppress(OSError):
                own = Path(f"/proc/{self.pid}/status")
                self.own = max(self.own, _kilobytes(own, "VmHWM"))
                total = 0
                for pid in _children(self.pid):
                    with suppress(OSError):
                        total += _kilobytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss")
                self.tree = max(self.tree, total)


def run(command: Sequence[str], *, env: Mapping[str, str], stdin: str = "") -> Measured:
    """Run *command* to its end; its standard error goes where ours goes."""
    started = time.monotonic()
    process = subprocess.Popen(
        command,
        env={**os.environ, **env},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
    )
    watch = _Watch(process.pid)
    watch.start()
    out, _ = process.communicate(stdin)
    seconds = time.monotonic() - started
    watch.ended.set()
    watch.join()
    return Measured(seconds, process.returncode, watch.own, watch.tree, out)
