"""Does the memory that a postgresql.conf gives away exist?

The file alone, without settings of roles, counted as labdb counts its own.
Section numbers are those of the PostgreSQL 16 documentation.
"""

from collections.abc import Iterator

from labdb.domain.conf_values import Against, Remark, Told, Values, remark
from labdb.domain.tuning.inputs import Inputs, Load, Machine
from labdb.domain.tuning.promise import Promise, promise
from labdb.size import format_size, human_size
from labdb.spec import WorkloadKind

CHECK = "conf.memory"
LARGEST_SHARED = 0.5
"""More than half for shared_buffers leaves the page cache less than what it doubles."""
FIT = "labdb tune computes values that fit; --explain work_mem says how"


TO_BLAME = {
    "analysts": "work_mem",
    "analysts' temp_buffers": "temp_buffers",
    "autovacuum": "autovacuum_work_mem",
    "connections": "max_connections",
    "maintenance": "maintenance_work_mem",
    "page tables": "shared_buffers",
    "plain sessions": "work_mem",
}
"""The parameter behind a line of the budget, where the line is not called as the parameter is."""


def promised(values: Values, against: Against, memory: int) -> Promise:
    """Return what may be in use at once when every connection that the file allows is there."""
    connections = int(values.number("max_connections"))
    analysts = min(against.analysts, connections)
    inputs = Inputs(
        Machine(cores=against.cores or 1, memory=memory, disk=0),
        Load(WorkloadKind.MIXED, connections, analysts, data=0),
        major=against.major,
    )
    return promise(values.accepted, inputs)


def memory(values: Values, against: Against) -> Iterator[Remark]:
    """Yield what is wrong with the memory that the file gives away."""
    if against.memory is None:
        told = Told(
            "whether its memory suffices was not checked: nobody said how much there is",
            hint="give --memory, or a declared server",
        )
        yield remark(0, "", CHECK, "info", told)
        return
    machine = against.memory
    worst_case = promised(values, against, machine)
    if not worst_case.fits:
        worst = max(worst_case.lines, key=lambda line: line.size)
        name = TO_BLAME.get(worst.name, worst.name)
        work_mem = values.number("work_mem")
        sorts = (
            f"{worst_case.connections} connections x work_mem {_size(work_mem)} = "
            f"{human_size(worst_case.connections * work_mem)} for one sort each"
        )
        parts = ", ".join(f"{line.name} {human_size(line.size)}" for line in worst_case.lines)
        told = Told(
            f"{human_size(worst_case.total)} may be in use at once, the machine has "
            f"{human_size(machine)}",
            f"{sorts}; with a hash and the rest: {parts}",
            f"fewer connections (a pooler serves the rest), less {name}; {FIT}",
        )
        # Where the file leaves it at its default, the number of connections is to blame.
        place = name if values.line(name) else "max_connections"
        yield values.remark(place, CHECK, "critical", told)
    shared = values.number("shared_buffers")
    if shared > LARGEST_SHARED * machine:
        told = Told(
            f"shared_buffers {_size(shared)} is {shared / machine:.0%} of the machine's "
            f"{human_size(machine)}",
            "PostgreSQL reads through the kernel's page cache, which needs room too "
            "(section 20.4.1)",
            "a quarter of the memory is the usual start",
        )
        yield values.remark("shared_buffers", CHECK, "critical", told)
    cache = values.number("effective_cache_size")
    if cache > machine:
        told = Told(
            f"effective_cache_size {_size(cache)} is more than the machine's {human_size(machine)}",
            "the planner then takes index scans for cheap that read from the disk (section 20.7.2)",
            "five eighths to three quarters of the memory",
        )
        yield values.remark("effective_cache_size", CHECK, "warning", told)


def _size(size: float) -> str:
    return format_size(int(size))
