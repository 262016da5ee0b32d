"""What a configuration promises: the memory that the declared load may use under it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from labdb.domain.parameters import MEMORY, lookup
from labdb.domain.tuning.budget import (
    COUNTED,
    SHARED_BY_WAL_BUFFERS,
    BudgetLine,
    memory_budget,
)
from labdb.domain.tuning.inputs import Inputs
from labdb.size import UNITS

GIVEN_TO_ANALYSTS = ("analysts", "analysts' temp_buffers")
"""Lines of the budget that say what labdb's roles would get: here the configuration says it."""
LARGEST_OWN_WAL_BUFFERS = 16 * UNITS["MB"]
SMALLEST_OWN_WAL_BUFFERS = 64 * UNITS["kB"]


@dataclass(frozen=True, slots=True)
class Promise:
    """The parts (*lines*) of the worst case at *connections* sessions; sizes in bytes.

    *one_sort_each* is the usual rule of thumb beside it: shared buffers and one ``work_mem``
    for each session, without workers, hashes, maintenance and the sessions' own memory.
    """

    memory: int
    connections: int
    lines: tuple[BudgetLine, ...]
    one_sort_each: int

    @property
    def total(self) -> int:
        """The sum of all parts."""
        return sum(line.size for line in self.lines)

    @property
    def fits(self) -> bool:
        """Tell whether the memory holds all parts at the same time."""
        return self.total <= self.memory


def promise(
    parameters: Mapping[str, str], inputs: Inputs, analyst: Mapping[str, str] | None = None
) -> Promise:
    """Return what the declared load may use under *parameters*, counted as labdb's own budget.

    A parameter that is absent has PostgreSQL's default. A server that takes fewer
    connections than are declared is counted with those that it takes.

    Args:
        parameters: a configuration file as text, by name.
        inputs: machine and load; what *inputs* has by hand does not count.
        analyst: settings of the analysts' role, where there is one.
    """

    def amount(name: str, settings: Mapping[str, str] = parameters) -> float:
        parameter = lookup(name, inputs.major)
        text = settings.get(name, parameters.get(name, parameter.default))
        # Another tuner's value may be one that PostgreSQL refuses: the nearest counts.
        number = replace(parameter, minimum=None, maximum=None).parse(text)
        assert not isinstance(number, str), name  # noqa: S101 - all that is asked for are numbers
        low, high = parameter.minimum or 0, parameter.maximum or number
        return min(max(number, low), high) * MEMORY.get(parameter.unit, 1)

    def own(name: str) -> float:
        return amount(name, analyst or {})

    load = inputs.load
    served = min(load.connections, int(amount("max_connections")))
    counted = {name: amount(name) for name in COUNTED}
    if counted["wal_buffers"] < 0:
        counted["wal_buffers"] = _own_wal_buffers(counted["shared_buffers"])
    if counted["autovacuum_work_mem"] < 0:
        counted["autovacuum_work_mem"] = counted["maintenance_work_mem"]
    workers = min(counted["max_parallel_workers"], amount("max_worker_processes"))
    counted["max_parallel_workers"] = workers
    budget = memory_budget(
        replace(
            inputs,
            load=replace(load, connections=served),
            by_hand={name: _text(name, size, inputs.major) for name, size in counted.items()},
            accept_risk=True,
        )
    )
    processes = load.analysts + int(workers)
    queries = int(processes * own("work_mem") * own("hash_mem_multiplier"))
    temporary = int(load.analysts * own("temp_buffers"))
    lines = (
        *(line for line in budget.lines if line.name not in GIVEN_TO_ANALYSTS),
        BudgetLine("analysts' temp_buffers", temporary, f"{load.analysts} sessions"),
        BudgetLine("analysts", queries, f"{load.analysts} sessions + {workers:.0f} workers"),
    )
    plain = max(0, served - load.analysts)
    sorts = plain * amount("work_mem") + load.analysts * own("work_mem")
    return Promise(
        memory=inputs.machine.memory,
        connections=served,
        lines=lines,
        one_sort_each=int(counted["shared_buffers"] + sorts),
    )


def _own_wal_buffers(shared: float) -> float:
    """Return what PostgreSQL chooses for ``wal_buffers = -1`` (section 20.5.1)."""
    return min(max(shared // SHARED_BY_WAL_BUFFERS, SMALLEST_OWN_WAL_BUFFERS),
               LARGEST_OWN_WAL_BUFFERS)  # fmt: skip


def _text(name: str, size: float, major: int) -> str:
    """Return *size* in the unit of the parameter, as text."""
    return f"{size / MEMORY.get(lookup(name, major).unit, 1):.15g}"
