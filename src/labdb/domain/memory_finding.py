"""The finding for a memory budget that does not hold, where the risk was accepted."""

from labdb.domain.tuning.budget import MemoryBudget
from labdb.report import Finding
from labdb.size import format_size, human_size


def memory_findings(budget: MemoryBudget) -> tuple[Finding, ...]:
    """Return a finding when *budget* needs more than there is."""
    if not budget.missing:
        return ()
    return (
        Finding(
            "memory",
            "warning",
            f"the memory budget does not hold: {human_size(budget.missing)} more than "
            f"{format_size(budget.memory)} may be in use; the risk was accepted",
            "the kernel then kills a backend, or every session gets out-of-memory errors",
            "fewer connections or analysts, a pooler, more memory, or smaller values by hand",
        ),
    )
