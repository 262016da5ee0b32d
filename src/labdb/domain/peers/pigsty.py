"""What Pigsty would write: its Patroni templates ``olap`` and ``oltp`` (pgsty/pigsty 4.5).

Source: ``roles/pgsql/templates/olap.yml`` and ``oltp.yml``. Left out is what serves
replication, logging and paths. The template's own connection limit (500, or 500 to 1000)
gives way to the declared one, as its variable ``pg_max_conn`` allows.
"""

import math
from collections.abc import Mapping

from labdb.domain.tuning.inputs import Load, Machine
from labdb.size import UNITS

MB, GB = UNITS["MB"], UNITS["GB"]
FEWEST_CONNECTIONS = 20
SMALLEST_WORK_MEM, LARGEST_OLAP, LARGEST_OLTP = 64, 8192, 1024
"""Megabytes."""
BEYOND_PARALLEL = 8
"""What both templates add to ``max_worker_processes`` at the very end."""
AIO_FROM, MAINTENANCE_READS_FROM = 18, 17


def pigsty_olap(machine: Machine, load: Load, major: int) -> Mapping[str, str]:
    """Return the parameters of the template ``olap``."""
    cores, shared, step = machine.cores, _shared(machine), _twentieth(machine)
    connections = max(load.connections, FEWEST_CONNECTIONS)
    written = {
        **_common(machine, connections),
        "max_locks_per_transaction": str(2 * connections),
        "max_worker_processes": str(max(cores + 12, 20) + BEYOND_PARALLEL),
        "max_parallel_workers": str(max(math.ceil(cores * 0.8), 2)),
        "max_parallel_workers_per_gather": str(max(math.floor(cores * 0.5), 2)),
        "work_mem": f"{_work_mem(shared, connections, LARGEST_OLAP)}MB",
        "maintenance_work_mem": f"{math.ceil(shared * 0.5)}MB",
        "temp_file_limit": f"{step * 4}GB",
        "vacuum_cost_delay": "10ms",
        "vacuum_cost_limit": "10000",
        "default_statistics_target": "1000",
        "enable_partitionwise_join": "on",
        "enable_partitionwise_aggregate": "on",
        "idle_in_transaction_session_timeout": "0",
    }
    return written | _reads(machine, major, most=32, share=0.5)


def pigsty_oltp(machine: Machine, load: Load, major: int) -> Mapping[str, str]:
    """Return the parameters of the template ``oltp``."""
    cores, shared, step = machine.cores, _shared(machine), _twentieth(machine)
    connections = max(load.connections, FEWEST_CONNECTIONS)
    written = {
        **_common(machine, connections),
        "max_locks_per_transaction": str(connections),
        "max_worker_processes": str(max(cores + 8, 16) + BEYOND_PARALLEL),
        "max_parallel_workers": str(max(math.ceil(cores * 0.5), 2)),
        "max_parallel_workers_per_gather": str(min(max(math.floor(cores * 0.2), 2), 8)),
        "work_mem": f"{_work_mem(shared, connections, LARGEST_OLTP)}MB",
        "maintenance_work_mem": f"{math.ceil(shared * 0.25)}MB",
        "temp_file_limit": f"{step}GB",
        "vacuum_cost_delay": "20ms",
        "vacuum_cost_limit": "2000",
        "default_statistics_target": "400",
        "parallel_setup_cost": "2000",
        "parallel_tuple_cost": "0.2",
        "min_parallel_table_scan_size": "16MB",
        "min_parallel_index_scan_size": "1024",
        "idle_in_transaction_session_timeout": "10min",
    }
    return written | _reads(machine, major, most=16, share=0.25)


def _common(machine: Machine, connections: int) -> dict[str, str]:
    shared, step = _shared(machine), _twentieth(machine)
    return {
        "max_connections": str(connections),
        "superuser_reserved_connections": "10",
        "shared_buffers": f"{shared}MB",
        "effective_cache_size": f"{machine.memory // MB - shared}MB",
        "hash_mem_multiplier": "8.0",
        "huge_pages": "try",
        "max_parallel_maintenance_workers": str(max(math.ceil(machine.cores * 0.33), 2)),
        "bgwriter_delay": "10ms",
        "bgwriter_lru_maxpages": "800",
        "bgwriter_lru_multiplier": "5.0",
        "min_wal_size": f"{step}GB",
        "max_wal_size": f"{step * 4}GB",
        "max_slot_wal_keep_size": f"{step * 6}GB",
        "wal_buffers": "16MB",
        "wal_writer_delay": "20ms",
        "wal_writer_flush_after": "1MB",
        "commit_delay": "20",
        "commit_siblings": "10",
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": "0.80",
        "autovacuum_max_workers": "3",
        "autovacuum_naptime": "1min",
        "autovacuum_vacuum_scale_factor": "0.08",
        "autovacuum_analyze_scale_factor": "0.04",
        "autovacuum_vacuum_cost_delay": "-1",
        "autovacuum_vacuum_cost_limit": "-1",
        "autovacuum_freeze_max_age": "1000000000",
        "deadlock_timeout": "50ms",
    }


def _shared(machine: Machine) -> int:
    """Return ``shared_buffers`` in megabytes: a quarter, rounded up."""
    return math.ceil(machine.memory // MB * 0.25)


def _twentieth(machine: Machine) -> int:
    """Return a twentieth of the disk in gigabytes, rounded up: 1 to 100."""
    return min(max(-(-machine.disk // (20 * GB)), 1), 100)


def _work_mem(shared: int, connections: int, largest: int) -> int:
    return min(max(shared // connections, SMALLEST_WORK_MEM), largest)


def _reads(machine: Machine, major: int, *, most: int, share: float) -> dict[str, str]:
    written: dict[str, str] = {}
    if machine.medium != "hdd":
        written |= {"random_page_cost": "1.1", "effective_io_concurrency": "200"}
        if major >= MAINTENANCE_READS_FROM:
            written["maintenance_io_concurrency"] = "100"
    if major >= AIO_FROM:  # the template says 17, which has neither parameter yet
        workers = min(max(math.ceil(machine.cores * share), 4), most)
        written |= {"io_method": "io_uring", "io_workers": str(workers)}
    return written
