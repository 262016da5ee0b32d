"""Parameters of memory: all sizes come from the budget, none is chosen here."""

from labdb.domain.tuning.budget import ANALYST_TEMP_BUFFERS, MemoryBudget
from labdb.domain.tuning.inputs import Inputs
from labdb.domain.tuning.setting import Setting
from labdb.size import UNITS, format_size

MB = UNITS["MB"]
LARGEST_RING = 128 * MB
"""What vacuum's ring of buffers may take: enough that WAL is not flushed for every page."""


def memory_settings(inputs: Inputs, budget: MemoryBudget) -> tuple[Setting, ...]:
    """Return the parameters of memory."""
    memory, shared = inputs.machine.memory, budget.shared_buffers
    cache = cached(inputs, budget)
    return (
        Setting(
            "shared_buffers",
            format_size(shared),
            "a quarter of the memory; the rest is page cache, which PostgreSQL reads through",
            f"{format_size(memory)} / 4",
            "section 20.4.1",
        ),
        Setting(
            "effective_cache_size",
            format_size(cache),
            "shared_buffers and the page cache that is left when the budget is in use",
            f"{format_size(memory)} x 5 / 8",
            "section 20.7.2: what one query may expect to find cached; changes plans only",
        ),
        Setting(
            "work_mem",
            format_size(budget.work_mem),
            "safe for every connection at once; roles for analysis have more",
            f"{inputs.load.plain} sessions x {format_size(budget.work_mem)} x "
            f"{budget.hash_multiplier:g} in the budget",
            "section 20.4.1",
        ),
        Setting(
            "hash_mem_multiplier",
            f"{budget.hash_multiplier:g}",
            "a hash that spills costs more than a sort that does; counted in the budget",
            source="section 20.4.1",
        ),
        Setting(
            "temp_buffers",
            format_size(budget.temp_buffers),
            "safe for every connection at once; roles for analysis have more",
            f"analysts have {format_size(ANALYST_TEMP_BUFFERS)}",
            "section 20.4.1",
        ),
        Setting(
            "maintenance_work_mem",
            format_size(budget.maintenance),
            "one index build at a time, in memory where it can be",
            f"{format_size(memory)} / {memory // max(1, budget.maintenance)}",
            "section 20.4.1; shared by the workers of a parallel build",
        ),
        Setting(
            "autovacuum_work_mem",
            format_size(budget.autovacuum),
            "dead rows of one pass over the indexes, six bytes each, for each worker",
            f"{budget.autovacuum_workers} workers x {format_size(budget.autovacuum)}; "
            f"{budget.autovacuum // 6 / 1e6:.0f} million dead rows a pass",
            "section 20.4.1",
        ),
        Setting(
            "vacuum_buffer_usage_limit",
            format_size(max(MB, min(LARGEST_RING, shared // 16) // MB * MB)),
            "VACUUM and ANALYZE reuse a ring of buffers; a small one flushes WAL all the time",
            f"{format_size(shared)} / 16",
            "section 20.4.1; PostgreSQL itself never takes more than an eighth",
        ),
        Setting(
            "huge_pages",
            "try",
            "used where the host reserves them, no failure where not",
            source="section 19.4.5",
        ),
    )


def cached(inputs: Inputs, budget: MemoryBudget) -> int:
    """Return ``effective_cache_size`` in bytes: a quarter buffers, three eighths page cache.

    Three eighths are about what the budget leaves to the page cache while analysts are few;
    never less than ``shared_buffers``.
    """
    return max(budget.shared_buffers, inputs.machine.memory * 5 // 8 // MB * MB)
