"""What pgconfig.org would write: the service pgconfig/api, by its profiles.

Source: ``pkg/category/{memory,worker,checkpoint,storage}.go`` and ``pkg/rules``. The profile
``Mixed`` counts with half of the memory: the other half belongs to somebody else.
"""

from collections.abc import Mapping
from fractions import Fraction

from labdb.domain.tuning.inputs import Load, Machine
from labdb.size import UNITS
from labdb.spec import WorkloadKind

KB = UNITS["kB"]
WORK_MEM_SHARE = {
    WorkloadKind.OLTP: Fraction(35, 100),
    WorkloadKind.OLAP: Fraction(1, 2),
    WorkloadKind.MIXED: Fraction(1, 5),
    WorkloadKind.INGEST: Fraction(1, 2),
}
"""Of the memory, for all connections together; ``DW`` where it has no profile of its own."""
READS_AHEAD = {"nvme": "200", "ssd": "200", "hdd": "2"}


def pgconfig(machine: Machine, load: Load, major: int) -> Mapping[str, str]:
    """Return the parameters of the profile that fits the load best."""
    del major
    memory = machine.memory // 2 if load.kind is WorkloadKind.MIXED else machine.memory
    return {
        "max_connections": str(load.connections),
        "shared_buffers": _size(memory // 4),
        "effective_cache_size": _size(memory * 3 // 4),
        "work_mem": _size(int(memory * WORK_MEM_SHARE[load.kind] / load.connections)),
        "maintenance_work_mem": _size(memory * 5 // 100),
        "max_worker_processes": "8",
        "max_parallel_workers": "2",
        "max_parallel_workers_per_gather": "2",
        "min_wal_size": "2GB",
        "max_wal_size": "3GB",
        "random_page_cost": "4.0" if machine.medium == "hdd" else "1.1",
        "effective_io_concurrency": READS_AHEAD[machine.medium],
    }


def _size(size: int) -> str:
    return f"{size // KB}kB"
