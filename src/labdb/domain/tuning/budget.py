"""The memory that may be in use at the same time, added up before any of it is given away.

Section numbers are those of the PostgreSQL 16 documentation.
"""

import math
from dataclasses import dataclass

from labdb.domain.tuning.inputs import Inputs
from labdb.domain.tuning.processes import parallel_workers
from labdb.domain.tuning.space import temp_file_limit
from labdb.errors import DeclarationError
from labdb.size import UNITS, format_size, human_size
from labdb.spec import WorkloadKind

MB = UNITS["MB"]
GB = UNITS["GB"]
CONNECTION = 5 * MB
"""A backend's own memory beside work_mem after typical queries: measured, bench/assumptions."""
MAPPED_BY_PAGE_TABLE = 512
"""Page tables of a backend that has read every buffer: 8 bytes for each 4 kB of them."""
PLAIN_WORK_MEM = 4 * MB
PLAIN_TEMP_BUFFERS = MB
ANALYST_TEMP_BUFFERS = 4 * MB
SMALLEST_ANALYST_WORK_MEM = 8 * MB
"""Twice a plain session's: below it an analyst has no advantage worth a role."""
MERGE_BUFFER = 272 * UNITS["kB"]
"""What each run of an external sort takes of work_mem while all are merged at once: tuplesort.c,
MERGE_BUFFER_SIZE and twice TAPE_BUFFER_OVERHEAD."""
HASH_MULTIPLIER = 2.0
ANALYST_HASH_MULTIPLIER = 1.0
"""A hash table beyond the processor's caches is slower than one in batches: bench/tuning."""
AUTOVACUUM_WORKERS = 3
SMALLEST_SYSTEM = 384 * MB
SHARED_BY_WAL_BUFFERS = 32
"""PostgreSQL's own share of shared_buffers for wal_buffers (section 20.5.1)."""
MAINTENANCE_SHARE = {
    WorkloadKind.OLTP: 32,
    WorkloadKind.MIXED: 16,
    WorkloadKind.OLAP: 16,
    WorkloadKind.INGEST: 8,
}
"""The part of memory for one index build: catalogues are indexed after each load."""

COUNTED = (
    "shared_buffers",
    "wal_buffers",
    "maintenance_work_mem",
    "autovacuum_work_mem",
    "autovacuum_max_workers",
    "max_parallel_workers",
    "work_mem",
    "temp_buffers",
    "hash_mem_multiplier",
)
"""Parameters that the budget counts with the values set by hand."""


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """A part of the memory that may be needed at the same time; *size* in bytes."""

    name: str
    size: int
    formula: str


@dataclass(frozen=True, slots=True)
class MemoryBudget:
    """The parts (*lines*) and the sizes in bytes that parameters are made from.

    *missing* is what the parts need beyond the memory: more than nothing only where the
    risk was accepted.
    """

    memory: int
    lines: tuple[BudgetLine, ...]
    shared_buffers: int
    wal_buffers: int
    maintenance: int
    autovacuum: int
    autovacuum_workers: int
    parallel_workers: int
    work_mem: int
    temp_buffers: int
    hash_multiplier: float
    analyst_work_mem: int
    analyst_hash_multiplier: float

    @property
    def total(self) -> int:
        """The sum of all parts."""
        return sum(line.size for line in self.lines)

    @property
    def missing(self) -> int:
        """What does not fit, in bytes."""
        return max(0, self.total - self.memory)


def memory_budget(inputs: Inputs) -> MemoryBudget:
    """Return the budget for *inputs*; parameters set by hand count with their values.

    A sort takes ``work_mem``, a hash ``work_mem`` times ``hash_mem_multiplier`` (section
    20.4.1): one such node for each session and for each parallel worker. What is left
    after the fixed parts is shared among the analysts, up to what a sort has use for.

    Where the risk is accepted, a budget that does not fit is returned instead of refused;
    analysts then get the smallest share.

    Raises:
        DeclarationError: the connections and analysts do not fit the memory.
    """
    memory, load = inputs.machine.memory, inputs.load

    def size(name: str, computed: int) -> int:
        given = inputs.amount(name)
        return computed if given is None else int(given)

    shared = size("shared_buffers", _round(memory // 4))
    wal = size("wal_buffers", _round(max(MB, min(64 * MB, shared // SHARED_BY_WAL_BUFFERS))))
    share = MAINTENANCE_SHARE[load.kind]
    maintenance = size("maintenance_work_mem", _round(min(max(memory // share, 64 * MB), 2 * GB)))
    autovacuum = size("autovacuum_work_mem", _round(min(max(memory // 128, 32 * MB), GB)))
    cleaners = size("autovacuum_max_workers", AUTOVACUUM_WORKERS)
    workers = parallel_workers(inputs)
    work_mem = size("work_mem", PLAIN_WORK_MEM)
    temporary = size("temp_buffers", PLAIN_TEMP_BUFFERS)
    by_hand = inputs.amount("hash_mem_multiplier")
    hashes, analyst_hashes = by_hand or HASH_MULTIPLIER, by_hand or ANALYST_HASH_MULTIPLIER

    analysts, processes = load.analysts, load.analysts + workers
    fixed = (
        BudgetLine("shared_buffers", shared, "a quarter of the memory"),
        BudgetLine("wal_buffers", wal, "a part of the shared memory of its own"),
        BudgetLine(
            "operating system",
            max(SMALLEST_SYSTEM, memory // 10),
            f"a tenth of the memory, at least {format_size(SMALLEST_SYSTEM)}",
        ),
        BudgetLine(
            "connections",
            load.connections * CONNECTION,
            f"{load.connections} connections x {human_size(CONNECTION)}",
        ),
        BudgetLine(
            "page tables",
            processes * (shared // MAPPED_BY_PAGE_TABLE),
            f"{processes} analysts' processes x shared_buffers / {MAPPED_BY_PAGE_TABLE}, "
            "where huge pages are not to be had",
        ),
        BudgetLine("maintenance", maintenance, "one index build at a time"),
        BudgetLine(
            "autovacuum",
            cleaners * autovacuum,
            f"{cleaners} workers at once x {format_size(autovacuum)}",
        ),
        BudgetLine(
            "plain sessions",
            int(load.plain * (work_mem * hashes + temporary)),
            f"{load.plain} sessions x (work_mem {format_size(work_mem)} x hash_mem_multiplier "
            f"{hashes:g} + temp_buffers {format_size(temporary)})",
        ),
        BudgetLine(
            "analysts' temp_buffers",
            analysts * ANALYST_TEMP_BUFFERS,
            f"{analysts} sessions x {format_size(ANALYST_TEMP_BUFFERS)}",
        ),
    )
    left = memory - sum(line.size for line in fixed)
    for_each = processes * analyst_hashes
    analyst = _round(int(left / for_each))
    if analyst < SMALLEST_ANALYST_WORK_MEM:
        if not inputs.accept_risk:
            raise _too_much(inputs, int(for_each * SMALLEST_ANALYST_WORK_MEM) - left)
        analyst = SMALLEST_ANALYST_WORK_MEM
    analyst = min(analyst, max(SMALLEST_ANALYST_WORK_MEM, _round(one_merge(inputs))))
    share_line = BudgetLine(
        "analysts",
        int(for_each * analyst),
        f"({analysts} sessions + {workers} parallel workers) x work_mem "
        f"{format_size(analyst)} x hash_mem_multiplier {analyst_hashes:g}",
    )
    return MemoryBudget(
        memory=memory,
        lines=(*fixed, share_line),
        shared_buffers=shared,
        wal_buffers=wal,
        maintenance=maintenance,
        autovacuum=autovacuum,
        autovacuum_workers=cleaners,
        parallel_workers=workers,
        work_mem=work_mem,
        temp_buffers=temporary,
        hash_multiplier=hashes,
        analyst_work_mem=analyst,
        analyst_hash_multiplier=analyst_hashes,
    )


def one_merge(inputs: Inputs) -> int:
    """Return the ``work_mem`` in bytes from which on a sort has no use for more.

    The largest sort writes ``temp_file_limit`` L in runs of the size M of ``work_mem``. All L/M
    of them are merged at once where M/B buffers hold one each: M = sqrt(L x B), with B of
    :data:`MERGE_BUFFER`.
    """
    return math.isqrt(temp_file_limit(inputs) * MERGE_BUFFER)


def _round(size: int) -> int:
    """Return *size* rounded down to whole megabytes."""
    return size // MB * MB


def _too_much(inputs: Inputs, missing: int) -> DeclarationError:
    load = inputs.load
    by_hand = ", ".join(name for name in COUNTED if inputs.amount(name) is not None)
    smaller = f", smaller postgresql.parameters ({by_hand})" if by_hand else ""
    return DeclarationError(
        f"{inputs.subject}: {load.connections} connections and {load.analysts} analytic "
        f"sessions do not fit {format_size(inputs.machine.memory)} of memory",
        why=f"{human_size(missing)} are missing for work_mem "
        f"{format_size(SMALLEST_ANALYST_WORK_MEM)}",
        hint="declare fewer workload.max_connections (pooling serves the rest), fewer "
        f"workload.analytic_sessions, or more guest.memory{smaller}; postgresql.accept_risk "
        "(labdb tune --accept-risk) goes on all the same",
    )
