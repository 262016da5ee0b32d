"""Parameters of autovacuum, for tables that are loaded in bulk and then read."""

from labdb.domain.tuning.budget import MemoryBudget
from labdb.domain.tuning.inputs import Inputs
from labdb.domain.tuning.setting import Setting
from labdb.size import human_size

COST_LIMIT = {"nvme": 2000, "ssd": 1000, "hdd": 200}
DIRTY_COST, ROUNDS_PER_SECOND, PAGE = 20, 500, 8192
"""vacuum_cost_page_dirty; a pause of 2 ms (autovacuum_vacuum_cost_delay); bytes of a page."""


def vacuum_settings(inputs: Inputs, budget: MemoryBudget) -> tuple[Setting, ...]:
    """Return the parameters of autovacuum."""
    medium, limit = inputs.machine.medium, COST_LIMIT[inputs.machine.medium]
    dirtied = limit // DIRTY_COST * PAGE * ROUNDS_PER_SECOND
    return (
        Setting(
            "autovacuum_max_workers",
            str(budget.autovacuum_workers),
            "counted in the memory budget",
            source="section 20.10",
        ),
        Setting(
            "autovacuum_vacuum_scale_factor",
            "0.05",
            "20 % of millions of rows is far too late",
            source="section 25.1.6",
        ),
        Setting(
            "autovacuum_vacuum_insert_scale_factor",
            "0.05",
            "bulk-loaded tables get their visibility map soon: index-only scans depend on it",
            source="section 25.1.6",
        ),
        Setting(
            "autovacuum_analyze_scale_factor",
            "0.02",
            "fresh statistics after a load",
            source="section 25.1.6",
        ),
        Setting(
            "autovacuum_vacuum_cost_limit",
            str(limit),
            f"what {medium} can take beside the queries",
            f"{limit} / 20 pages every 2 ms: at most {human_size(dirtied)}/s dirtied in all",
            "section 20.4.4",
        ),
    )
