"""Parameters of the planner, of parallel queries and of reads ahead."""

from collections.abc import Mapping

from labdb.domain.tuning.budget import MemoryBudget
from labdb.domain.tuning.inputs import Inputs, Medium
from labdb.domain.tuning.setting import Setting
from labdb.spec import WorkloadKind

RANDOM_PAGE_COST: Mapping[Medium, str] = {"nvme": "1.5", "ssd": "2.0", "hdd": "4.0"}
"""The usual 1.1 makes an index scan of half a table look cheap (docs: tuning compared)."""
INDEX_TUPLE_COST = "0.05"
"""Between what bench/assumptions measures for a bitmap's entry and for an index scan's."""
PARALLEL_TUPLE_COST = "0.03"
"""What bench/assumptions measures; the default, 0.1, keeps large sorts to one process."""
READS_AHEAD: Mapping[Medium, str] = {"nvme": "256", "ssd": "128", "hdd": "4"}
STATISTICS_TARGET = {
    WorkloadKind.OLTP: "100",
    WorkloadKind.MIXED: "200",
    WorkloadKind.OLAP: "200",
    WorkloadKind.INGEST: "100",
}
LARGEST_GATHER = 8
AIO_FROM = 18
"""The major version that brought io_workers."""
MOST_IO_WORKERS = 32
"""PostgreSQL takes no more."""
OWN_WORKERS = 8
"""Background workers of extensions and logical replication beside the parallel ones."""


def gather(inputs: Inputs) -> int:
    """Return how many workers help one query; the leader works too (section 15.1)."""
    cores = inputs.machine.cores
    match inputs.load.kind:
        case WorkloadKind.OLTP:
            most = cores // 4
        case WorkloadKind.OLAP:
            most = cores * 3 // 4
        case _:
            most = min(4, cores // 2)
    return max(1, min(most, LARGEST_GATHER))


def planner_settings(inputs: Inputs, budget: MemoryBudget) -> tuple[Setting, ...]:
    """Return the parameters of costs, statistics, parallel queries and reads ahead."""
    medium = inputs.machine.medium
    return (
        Setting(
            "random_page_cost",
            RANDOM_PAGE_COST[medium],
            f"a random read on {medium}, in sequential reads",
            source="section 20.7.2; a cone search must find its index cheap",
        ),
        Setting(
            "cpu_index_tuple_cost",
            INDEX_TUPLE_COST,
            "an entry leads to a row somewhere else in memory: measured, ten times the default",
            source="section 20.7.2; else millions of entries are read to narrow a small cone",
        ),
        Setting(
            "default_statistics_target",
            STATISTICS_TARGET[inputs.load.kind],
            "skewed columns (redshift, mass, sky position) need finer histograms",
            source="section 14.2; ANALYZE reads 300 rows for each unit",
        ),
        Setting("jit", "off", "compiling costs more than it saves on queries of seconds",
                source="section 32.2"),
        *_parallel(inputs, budget),
        *_reads(inputs),
    )  # fmt: skip


def _parallel(inputs: Inputs, budget: MemoryBudget) -> tuple[Setting, ...]:
    workers, helpers, cores = budget.parallel_workers, gather(inputs), inputs.machine.cores
    share = f"{inputs.load.kind}, {cores} cores"
    return (
        Setting(
            "max_worker_processes",
            str(workers + OWN_WORKERS),
            "parallel workers and extensions' own",
            f"{workers} + {OWN_WORKERS}",
            "section 20.4.6",
        ),
        Setting(
            "max_parallel_workers",
            str(workers),
            "one for each core; all of them count in the memory budget",
            f"{cores} cores",
            "section 20.4.6",
        ),
        Setting(
            "max_parallel_workers_per_gather",
            str(helpers),
            "workers beside the leader of one query",
            share,
            "section 20.4.6",
        ),
        Setting(
            "parallel_tuple_cost",
            PARALLEL_TUPLE_COST,
            "a row from a worker to its leader: measured, a third of the default",
            source="section 20.7.2",
        ),
        Setting(
            "max_parallel_maintenance_workers",
            str(max(helpers, min(4, cores // 2))),
            "the same for an index build; maintenance_work_mem is shared among them",
            share,
            "section 20.4.6",
        ),
    )


def _reads(inputs: Inputs) -> tuple[Setting, ...]:
    medium, cores = inputs.machine.medium, inputs.machine.cores
    settings = (
        Setting(
            "effective_io_concurrency",
            READS_AHEAD[medium],
            f"reads that {medium} can queue for one bitmap scan",
            source="section 20.4.6",
        ),
        Setting(
            "maintenance_io_concurrency",
            READS_AHEAD[medium],
            "the same for vacuum, index builds and recovery's reads ahead",
            source="section 20.4.6",
        ),
    )
    if inputs.major < AIO_FROM:
        return settings
    workers = Setting(
        "io_workers",
        str(min(max(3, cores // 4), MOST_IO_WORKERS)),
        "processes that read for all sessions",
        f"{cores} cores / 4, at least 3",
        "PostgreSQL 18, section 19.4.5",
    )
    return (*settings, workers)
