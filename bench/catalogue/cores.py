"""Let a load and its server run on some of the machine's cores."""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from bench.tuning.cgroup import Cgroup


@contextmanager
def limited(cgroup: Cgroup | None, count: int) -> Iterator[None]:
    """Have this process, what it starts, and the server's processes on *count* cores together.

    What the server starts meanwhile is on them too, for a process has its parent's affinity
    (sched_setaffinity(2)). A server elsewhere, without a *cgroup*, is left alone.
    """
    every = os.sched_getaffinity(0)
    _pin(cgroup, sorted(every)[:count])
    try:
        yield
    finally:
        _pin(cgroup, every)


def _pin(cgroup: Cgroup | None, cores: Collection[int]) -> None:
    for number in (0, *(cgroup.processes() if cgroup else ())):
        os.sched_setaffinity(number, cores)
