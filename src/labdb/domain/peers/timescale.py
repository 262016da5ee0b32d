"""What timescaledb-tune would write (timescale/timescaledb-tune 0.19).

Source: ``pkg/pgtune/{memory,parallel,wal,misc}.go``. Left out are the extension's own
parameters. It sizes WAL by the disk only when it is told one that is WAL's alone.
"""

from collections.abc import Mapping

from labdb.domain.tuning.inputs import Load, Machine
from labdb.size import UNITS

KB, MB, GB = UNITS["kB"], UNITS["MB"], UNITS["GB"]
LARGEST_MAINTENANCE = 2047 * MB
SMALLEST_WORK_MEM = 64 * KB
WORK_MEM_PER_GB = 400 * MB
"""For each gigabyte of memory, shared among the connections and half of the cores."""
STOCK_WAL = GB
SEGMENT = 16 * MB
LARGE_ENOUGH_FOR_WAL_BUFFERS = 2 * GB
WAL_BUFFERS_PER_GB = 7864 * KB
OWN_PROCESSES = 3 + 16
"""PostgreSQL's own processes and the extension's background workers."""
LOCKS = ((32 * GB, "1024"), (16 * GB, "512"), (8 * GB, "256"), (0, "128"))


def timescale(machine: Machine, load: Load, major: int) -> Mapping[str, str]:
    """Return the parameters; on a single core those of parallel queries keep their defaults."""
    del major
    written = {
        "shared_buffers": _size(machine.memory // 4),
        "effective_cache_size": _size(machine.memory * 3 // 4),
        "maintenance_work_mem": _size(min(machine.memory // 8, LARGEST_MAINTENANCE)),
        "work_mem": _size(_work_mem(machine, load)),
        "wal_buffers": _size(_wal_buffers(machine)),
        "min_wal_size": _size(_largest_wal(machine) // 2),
        "max_wal_size": _size(_largest_wal(machine)),
        "default_statistics_target": "100",
        "random_page_cost": "1.1",
        "checkpoint_completion_target": "0.9",
        "max_connections": str(load.connections),
        "max_locks_per_transaction": next(
            locks for least, locks in LOCKS if machine.memory >= least
        ),
        "autovacuum_max_workers": "10",
        "autovacuum_naptime": "10",
        "effective_io_concurrency": "256",
        "jit": "off",
    }
    if machine.cores > 1:
        written |= {
            "max_worker_processes": str(OWN_PROCESSES + machine.cores),
            "max_parallel_workers": str(machine.cores),
            "max_parallel_workers_per_gather": str(_half(machine.cores)),
        }
    return written


def _work_mem(machine: Machine, load: Load) -> int:
    share = WORK_MEM_PER_GB * machine.memory // (GB * load.connections * _half(machine.cores))
    return max(share, SMALLEST_WORK_MEM)


def _wal_buffers(machine: Machine) -> int:
    if machine.memory < LARGE_ENOUGH_FOR_WAL_BUFFERS:
        return WAL_BUFFERS_PER_GB * machine.memory // GB
    return 16 * MB


def _largest_wal(machine: Machine) -> int:
    """Return 60 % of WAL's own disk in whole segments, 1 GB where it has none."""
    if machine.wal_disk is None:
        return STOCK_WAL
    return -(-machine.wal_disk * 60 // 100 // SEGMENT) * SEGMENT


def _half(cores: int) -> int:
    """Return half of *cores*, rounded up: Go's ``math.Round`` goes away from zero."""
    return (cores + 1) // 2


def _size(size: int) -> str:
    """Return *size* as the tool writes it: the largest unit, or the next one if there is a rest.

    The rest below that next unit is dropped.
    """
    for unit, next_unit in (("TB", "GB"), ("GB", "MB"), ("MB", "kB")):
        if size >= UNITS[unit]:
            if size % UNITS[unit] * 1000 > UNITS[unit]:
                return f"{size // UNITS[next_unit]}{next_unit}"
            return f"{size // UNITS[unit]}{unit}"
    return f"{max(1, round(size / KB))}kB"
