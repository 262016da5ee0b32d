"""What PGTune would write: the web form of le0pard/pgtune, Linux, one profile per workload.

Source: ``src/features/configuration/configurationSlice.js`` of the version that asks for the
size of the database. The form asks people for it; here it follows from the declared size.
"""

from collections.abc import Mapping
from typing import Literal

from labdb.domain.tuning.inputs import Load, Machine
from labdb.size import UNITS, format_size
from labdb.spec import WorkloadKind

KB, GB = UNITS["kB"], UNITS["GB"]
Profile = Literal["oltp", "dw", "mixed"]
PROFILES: Mapping[WorkloadKind, Profile] = {
    WorkloadKind.OLTP: "oltp",
    WorkloadKind.OLAP: "dw",
    WorkloadKind.MIXED: "mixed",
    WorkloadKind.INGEST: "dw",
}
"""PGTune has no profile for bulk loads; its data warehouse keeps the most WAL."""
WAL_SIZES: Mapping[Profile, tuple[str, str]] = {
    "oltp": ("2GB", "8GB"),
    "dw": ("4GB", "16GB"),
    "mixed": ("1GB", "4GB"),
}
READS_AHEAD = {"nvme": "1000", "ssd": "200", "hdd": "2"}
SMALLEST_WORK_MEM = 4 * UNITS["MB"]
LARGEST_MAINTENANCE = 8 * GB
LARGEST_AUTOVACUUM = 2 * GB
HUGE_PAGES_FROM = 2 * GB
LARGEST_GATHER = 4
FEWEST_CORES = 4
"""With fewer cores PGTune leaves parallel queries to the defaults."""
STOCK_WORKERS = 8
AIO_FROM = 18


def pgtune(machine: Machine, load: Load, major: int) -> Mapping[str, str]:
    """Return the parameters of the profile that fits the load best."""
    return _written(PROFILES[load.kind], machine, load, major)


def pgtune_dw(machine: Machine, load: Load, major: int) -> Mapping[str, str]:
    """Return the parameters of the profile ``dw``, whatever the load is called."""
    return _written("dw", machine, load, major)


def _written(profile: Profile, machine: Machine, load: Load, major: int) -> dict[str, str]:
    shared = _whole(machine.memory // 4)
    least, most = WAL_SIZES[profile]
    maintenance = min(_whole(machine.memory // (8 if profile == "dw" else 16)), LARGEST_MAINTENANCE)
    written = {
        "max_connections": str(load.connections),
        "shared_buffers": format_size(shared),
        "effective_cache_size": format_size(_whole(machine.memory * 3 // 4)),
        "maintenance_work_mem": format_size(maintenance),
        "checkpoint_completion_target": "0.9",
        "wal_buffers": format_size(_wal_buffers(shared)),
        "default_statistics_target": "500" if profile == "dw" else "100",
        "random_page_cost": _random_page_cost(profile, machine, load),
        "effective_io_concurrency": READS_AHEAD[machine.medium],
        "work_mem": format_size(_work_mem(profile, machine, load, shared)),
        "huge_pages": "try" if shared >= HUGE_PAGES_FROM else "off",
        "min_wal_size": least,
        "max_wal_size": most,
        "wal_compression": "lz4",
    }
    if profile != "dw":
        written["jit"] = "off"
    if maintenance >= LARGEST_AUTOVACUUM:
        written["autovacuum_work_mem"] = format_size(LARGEST_AUTOVACUUM)
    written |= _cleaners(machine.cores) | _parallel(profile, machine.cores)
    if major >= AIO_FROM:
        written |= _asynchronous(machine.cores)
    return written


def _work_mem(profile: Profile, machine: Machine, load: Load, shared: int) -> int:
    """Return a third of what is left for each connection and worker, half of that off OLTP."""
    workers = machine.cores if machine.cores >= FEWEST_CORES else STOCK_WORKERS
    share = (machine.memory - shared) // KB / ((load.connections + workers) * 3)
    size = int(share if profile == "oltp" else share / 2)
    if load.data < machine.memory:
        size = int(size * 1.3)
    elif load.data > machine.memory:
        size = int(size * 0.9)
    return max(size * KB, SMALLEST_WORK_MEM)


def _random_page_cost(profile: Profile, machine: Machine, load: Load) -> str:
    if load.data < machine.memory:
        return "1.1"
    return "4" if machine.medium == "hdd" or profile == "dw" else "1.1"


def _wal_buffers(shared: int) -> int:
    """Return 3 % of ``shared_buffers``, at most 16 MB; from 14 MB on those 16."""
    size = _whole(shared * 3 // 100)
    return 16 * UNITS["MB"] if size > 14 * UNITS["MB"] else max(size, 32 * KB)


def _parallel(profile: Profile, cores: int) -> dict[str, str]:
    if cores < FEWEST_CORES:
        return {}
    half = (cores + 1) // 2
    return {
        "max_worker_processes": str(cores),
        "max_parallel_workers_per_gather": str(
            half if profile == "dw" else min(half, LARGEST_GATHER)
        ),
        "max_parallel_workers": str(cores),
        "max_parallel_maintenance_workers": str(min(half, LARGEST_GATHER)),
    }


def _cleaners(cores: int) -> dict[str, str]:
    for least, workers in ((32, "5"), (16, "4")):
        if cores >= least:
            return {"autovacuum_max_workers": workers}
    return {}


def _asynchronous(cores: int) -> dict[str, str]:
    workers = min(32, max(3, cores // 4))
    written = {"io_method": "io_uring"}
    return written | {"io_workers": str(workers)} if workers > 3 else written  # noqa: PLR2004 - PostgreSQL's own default


def _whole(size: int) -> int:
    """Return *size* rounded down to whole kilobytes, in which PGTune counts."""
    return size // KB * KB
