"""What a container uses, from its cgroup: memory without the page cache, processor time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")
INTERVAL = 0.1


@dataclass(frozen=True, slots=True)
class Usage:
    """Memory in bytes: *private* of the processes, *shared* (buffers, hash tables), *kernel*.

    *kernel* is mostly page tables: each process that reads all shared buffers has its own.
    """

    private: int
    shared: int
    kernel: int

    @property
    def total(self) -> int:
        """What cannot be given back without ending something."""
        return self.private + self.shared + self.kernel


class Cgroup:
    """The cgroup whose lines of ``/proc/PID/cgroup`` are *text*, of version 1 or 2."""

    def __init__(self, text: str, mount: Path = MOUNT) -> None:
        places = {
            controller: path.lstrip("/")
            for _, controllers, path in (line.split(":", 2) for line in text.splitlines())
            for controller in controllers.split(",")
        }
        if "memory" in places:
            self.version = 1
            self._folder = mount / "memory" / places["memory"]
            self._processor = mount / "cpuacct" / places["cpuacct"]
        else:
            self.version = 2
            self._folder = self._processor = mount / places[""]

    def usage(self) -> Usage:
        """Return what is in use now."""
        stat = _table(self._folder / "memory.stat")
        if self.version == 1:
            kernel = int((self._folder / "memory.kmem.usage_in_bytes").read_text())
            return Usage(stat["total_rss"], stat["total_shmem"], kernel)
        return Usage(stat["anon"], stat["shmem"], stat["kernel"])

    def cpu(self) -> float:
        """Return the seconds of processor time used so far."""
        if self.version == 1:
            return int((self._processor / "cpuacct.usage").read_text()) / 1e9
        return _table(self._processor / "cpu.stat")["usage_usec"] / 1e6

    def processes(self) -> list[int]:
        """Return the numbers of the processes in it, as this machine has them."""
        return [int(line) for line in (self._folder / "cgroup.procs").read_text().split()]

    def oom_kills(self) -> int:
        """Return how often the kernel ended a process for want of memory."""
        name = "memory.oom_control" if self.version == 1 else "memory.events"
        return _table(self._folder / name)["oom_kill"]

    def drop_cache(self) -> None:
        """Give the page cache back, so that everybody starts with none."""
        if self.version == 1:
            (self._folder / "memory.force_empty").write_text("0")
        else:
            stat = _table(self._folder / "memory.stat")
            (self._folder / "memory.reclaim").write_text(str(stat["file"]))


class Peak:
    """The largest usage seen; complete once the ``watch`` that gave it has ended."""

    def __init__(self) -> None:
        self.largest = Usage(0, 0, 0)
        self.oom_kills = 0

    def as_json(self) -> dict[str, int]:
        """Return the figures for the results."""
        largest = self.largest
        return {
            "total": largest.total,
            "private": largest.private,
            "shared": largest.shared,
            "kernel": largest.kernel,
            "oom_kills": self.oom_kills,
        }


@contextmanager
def watch(cgroup: Cgroup) -> Iterator[Peak]:
    """Sample *cgroup* while the block runs."""
    peak, ended = Peak(), threading.Event()
    before = cgroup.oom_kills()

    def sample() -> None:
        while True:
            now = cgroup.usage()
            if now.total > peak.largest.total:
                peak.largest = now
            if ended.wait(INTERVAL):
                return

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()
        peak.oom_kills = cgroup.oom_kills() - before


def _table(path: Path) -> dict[str, int]:
    return {name: int(value) for name, value in map(str.split, path.read_text().splitlines())}
