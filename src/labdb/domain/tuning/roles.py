"""Settings of database roles, by what the role is for; set with ``ALTER ROLE``."""

from collections.abc import Mapping

from labdb.domain.tuning.budget import ANALYST_TEMP_BUFFERS, MemoryBudget
from labdb.domain.tuning.inputs import Inputs
from labdb.domain.tuning.planner import gather
from labdb.size import format_size
from labdb.spec import RoleKind


def role_settings(inputs: Inputs, budget: MemoryBudget) -> Mapping[RoleKind, Mapping[str, str]]:
    """Return the settings of each kind of role."""
    maintenance = format_size(budget.maintenance)
    return {
        "admin": {},
        "owner": {"maintenance_work_mem": maintenance},
        "loader": {
            "maintenance_work_mem": maintenance,
            "synchronous_commit": "off",
            "lock_timeout": "10min",
        },
        "analyst": {
            "work_mem": format_size(budget.analyst_work_mem),
            "temp_buffers": format_size(ANALYST_TEMP_BUFFERS),
            "max_parallel_workers_per_gather": str(gather(inputs)),
            "statement_timeout": "12h",
            "idle_in_transaction_session_timeout": "30min",
        },
        "application": {
            "statement_timeout": "30s",
            "lock_timeout": "5s",
            "idle_in_transaction_session_timeout": "1min",
            "max_parallel_workers_per_gather": "0",
        },
        "monitoring": {"statement_timeout": "15s", "max_parallel_workers_per_gather": "0"},
        "backup": {"statement_timeout": "0", "max_parallel_workers_per_gather": "0"},
    }
