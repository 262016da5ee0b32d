"""What TPA would write: EnterpriseDB's orchestrator, 23.40, a community PostgreSQL.

Source: ``roles/postgres/config/templates/tpa.conf.j2`` and ``roles/init``. It sizes the
caches only; the rest is fixed. Left out is what serves replication, logging and TLS.
"""

from collections.abc import Mapping

from labdb.domain.tuning.inputs import Load, Machine
from labdb.size import UNITS

MB = UNITS["MB"]


def tpa(machine: Machine, load: Load, major: int) -> Mapping[str, str]:
    """Return the parameters: a quarter and half of the memory, the rest is fixed."""
    del major
    megabytes = machine.memory // MB
    return {
        "max_connections": str(load.connections),
        "shared_buffers": f"{megabytes // 4}MB",
        "effective_cache_size": f"{megabytes // 2}MB",
        "work_mem": "16MB",
        "maintenance_work_mem": "64MB",
        "random_page_cost": "4.0",
        "effective_io_concurrency": "1",
        "default_statistics_target": "100",
    }
