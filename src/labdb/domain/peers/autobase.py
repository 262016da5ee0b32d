"""What autobase would write: the role defaults of vitabaks/autobase 2.6, mostly fixed values.

Source: ``automation/roles/common/defaults/main.yml``, variable ``postgresql_parameters``.
Left out is what serves replication, logging, TLS and libraries. Its own connection limit is
1000, with a pooler in front; here it is the declared one.
"""

from collections.abc import Mapping

from labdb.domain.tuning.inputs import Load, Machine
from labdb.size import UNITS

MB = UNITS["MB"]
FIXED = {
    "superuser_reserved_connections": "5",
    "max_locks_per_transaction": "512",
    "huge_pages": "try",
    "work_mem": "64MB",
    "maintenance_work_mem": "512MB",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    "min_wal_size": "1GB",
    "max_wal_size": "8GB",
    "wal_buffers": "32MB",
    "wal_compression": "on",
    "bgwriter_delay": "20",
    "bgwriter_lru_maxpages": "1000",
    "default_statistics_target": "1000",
    "seq_page_cost": "1",
    "random_page_cost": "1.1",
    "effective_io_concurrency": "200",
    "autovacuum_max_workers": "5",
    "autovacuum_analyze_scale_factor": "0.01",
    "autovacuum_vacuum_scale_factor": "0.01",
    "autovacuum_vacuum_insert_scale_factor": "0.1",
    "autovacuum_vacuum_cost_limit": "500",
    "autovacuum_vacuum_cost_delay": "2",
    "autovacuum_naptime": "1s",
    "jit": "off",
    "max_files_per_process": "4096",
    "max_parallel_workers_per_gather": "2",
    "max_parallel_maintenance_workers": "2",
    "idle_in_transaction_session_timeout": "10min",
}


def autobase(machine: Machine, load: Load, major: int) -> Mapping[str, str]:
    """Return the parameters: a quarter and three quarters of the memory, the rest is fixed."""
    del major
    megabytes = machine.memory // MB
    return FIXED | {
        "max_connections": str(load.connections),
        "shared_buffers": f"{int(megabytes * 0.25)}MB",
        "effective_cache_size": f"{int(megabytes * 0.75)}MB",
        "max_worker_processes": str(max(machine.cores, 16)),
        "max_parallel_workers": str(max(machine.cores // 2, 8)),
    }
