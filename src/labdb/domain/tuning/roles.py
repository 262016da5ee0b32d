"""Settings of database roles, by what the role is for; set with ``ALTER ROLE``."""

from collections.abc import Mapping

from labdb.domain.tuning.budget import ANALYST_TEMP_BUFFERS, MERGE_BUFFER, MemoryBudget
from labdb.domain.tuning.inputs import Inputs
from labdb.domain.tuning.planner import gather
from labdb.domain.tuning.setting import Setting
from labdb.domain.tuning.space import temp_file_limit
from labdb.size import format_size
from labdb.spec import RoleKind

WORK_MEM = "section 20.4.1"
DISK = "section 20.4.2; only a superuser can raise it"
WORKERS = "section 20.4.6"
TIMEOUTS = "section 20.11.1"
ALONE = "none helps it: the cores are for the analysts"
APPLICATION_TEMP_FILES = "1GB"


def role_settings(inputs: Inputs, budget: MemoryBudget) -> Mapping[RoleKind, tuple[Setting, ...]]:
    """Return the settings of each kind of role, each with its reason."""
    index_builds = Setting(
        "maintenance_work_mem",
        format_size(budget.maintenance),
        "its index builds stay in memory where they can",
        source=WORK_MEM,
    )
    return {
        "admin": (),
        "owner": (index_builds,),
        "loader": (
            index_builds,
            Setting("synchronous_commit", "off",
                    "a load that a crash cut short is repeated anyway", source="section 20.5.1"),
            Setting("lock_timeout", "10min", "somebody else's lock must not hold a night's load",
                    source=TIMEOUTS),
        ),
        "analyst": _analyst(inputs, budget),
        "application": (
            Setting("statement_timeout", "30s", "whoever asked has given up by then",
                    source=TIMEOUTS),
            Setting("lock_timeout", "5s", "an answer now, if only an error", source=TIMEOUTS),
            Setting("idle_in_transaction_session_timeout", "1min",
                    "a program that died must not block vacuum", source=TIMEOUTS),
            Setting("temp_file_limit", APPLICATION_TEMP_FILES,
                    "a short query that spills more is a mistake", source=DISK),
            Setting("max_parallel_workers_per_gather", "0", ALONE, source=WORKERS),
        ),
        "monitoring": (
            Setting("statement_timeout", "15s", "a scrape that took longer is lost",
                    source=TIMEOUTS),
            Setting("max_parallel_workers_per_gather", "0", ALONE, source=WORKERS),
        ),
        "backup": (
            Setting("statement_timeout", "0", "a dump takes as long as it takes",
                    source=TIMEOUTS),
            Setting("max_parallel_workers_per_gather", "0", ALONE, source=WORKERS),
        ),
    }  # fmt: skip


def _analyst(inputs: Inputs, budget: MemoryBudget) -> tuple[Setting, ...]:
    analysts, workers, limit = (
        inputs.load.analysts,
        budget.parallel_workers,
        temp_file_limit(inputs),
    )
    return (
        Setting(
            "work_mem",
            format_size(budget.analyst_work_mem),
            "what the memory budget leaves for each sort of each analyst and worker, and no more "
            "than merges the largest sort at once",
            f"({analysts} analysts + {workers} workers) x {format_size(budget.analyst_work_mem)}; "
            f"at most sqrt({format_size(limit)} x {format_size(MERGE_BUFFER)})",
            WORK_MEM,
        ),
        Setting(
            "hash_mem_multiplier",
            f"{budget.analyst_hash_multiplier:.1f}",
            "a hash table that the processor's caches do not hold is slower than one in batches",
            source=WORK_MEM,
        ),
        Setting("temp_buffers", format_size(ANALYST_TEMP_BUFFERS),
                "temporary tables are an analyst's tool", source=WORK_MEM),
        Setting(
            "temp_file_limit",
            format_size(limit),
            "a runaway sort ends before the disk is full",
            f"({analysts} analysts + {workers} workers) x {format_size(limit)}",
            DISK,
        ),
        Setting("max_parallel_workers_per_gather", str(gather(inputs)),
                "workers beside the leader of one query", f"{inputs.machine.cores} cores", WORKERS),
        Setting("statement_timeout", "12h", "longer than a night is a mistake", source=TIMEOUTS),
        Setting("idle_in_transaction_session_timeout", "30min",
                "a transaction left open blocks vacuum and holds its locks", source=TIMEOUTS),
        Setting("idle_session_timeout", "12h",
                "a notebook forgotten yesterday holds a connection of today", source=TIMEOUTS),
    )  # fmt: skip
