"""How many processes work on queries at the same time."""

from labdb.domain.tuning.inputs import Inputs


def parallel_workers(inputs: Inputs) -> int:
    """Return ``max_parallel_workers``: one for each core, at least two."""
    given = inputs.amount("max_parallel_workers")
    return max(2, inputs.machine.cores) if given is None else int(given)
