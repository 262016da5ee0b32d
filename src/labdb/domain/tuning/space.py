"""What stands on the data disk when all of it is in use, and what WAL and temporary files get.

The figures are for the size that is expected, not for what is there today: a disk that is
too small should be known before it is full.
"""

from dataclasses import dataclass

from labdb.domain.tuning.inputs import Inputs
from labdb.domain.tuning.processes import parallel_workers
from labdb.size import UNITS, human_size

GB = UNITS["GB"]
KEPT_FREE = 10
"""A tenth stays free: XFS slows down when it is full, and an alarm needs time."""
REBUILD = 4
"""A quarter of the data can be rebuilt at once (REINDEX CONCURRENTLY, VACUUM FULL)."""
LOGS = GB
USUAL_SPOOL = 8 * GB
OUTAGE_SECONDS = 3600
"""A repository may be away for an hour, and no WAL is lost."""
LARGEST_TEMP_FILES = 2047 * GB
"""PostgreSQL counts temp_file_limit in kilobytes, up to 2 TB."""
REPLAY_RATE = 128 * UNITS["MB"]
"""WAL that crash recovery replays in a second: less than half of what bench/assumptions
measures for scattered updates whose pages are cached, because after a crash they are not."""
CHECKPOINT_SECONDS = 900
CHECKPOINT_TARGET = 0.9


@dataclass(frozen=True, slots=True)
class SpaceLine:
    """A part of a volume; *size* in bytes."""

    name: str
    size: int
    formula: str


@dataclass(frozen=True, slots=True)
class SpaceBudget:
    """A volume and what stands on it; sizes in bytes."""

    volume: str
    size: int
    lines: tuple[SpaceLine, ...]

    @property
    def needed(self) -> int:
        """The sum of all parts."""
        return sum(line.size for line in self.lines)

    @property
    def fits(self) -> bool:
        """Tell whether all parts have room at the same time."""
        return self.needed <= self.size


def largest_wal(inputs: Inputs) -> int:
    """Return ``max_wal_size`` in bytes: what crash recovery replays within its goal.

    A fifth of the goal is left for starting up. Where the load's WAL rate is known, no more
    than lets every checkpoint come by time: the distance between two is
    ``max_wal_size / (1 + checkpoint_completion_target)`` (section 30.5). Never more than a
    quarter of the room that the data leaves, because a slot may hold it twice.
    """
    goal = REPLAY_RATE * inputs.load.recovery * 4 // 5
    if inputs.load.wal_rate is not None:
        goal = min(goal, int(inputs.load.wal_rate * CHECKPOINT_SECONDS * (1 + CHECKPOINT_TARGET)))
    return max(GB, min(goal, _room_for_wal(inputs) // 4) // GB * GB)


def archive_queue(inputs: Inputs) -> int:
    """Return how much WAL in bytes may wait for a repository that does not answer.

    An hour's where its rate is known, but never more than an eighth of the disk.
    """
    disk = inputs.machine.disk
    usual = min(USUAL_SPOOL, disk // 16)
    return max(usual, min((inputs.load.wal_rate or 0) * OUTAGE_SECONDS, disk // 8))


def temp_file_limit(inputs: Inputs) -> int:
    """Return what one process may write to temporary files, in bytes.

    PostgreSQL counts each process alone, and a parallel worker is one (section 20.4.2). The
    room that is left is shared among the analysts and all workers; never more than an eighth
    of the disk for one of them, never less than 1 GB.
    """
    left = inputs.machine.disk - sum(line.size for line in _fixed(inputs))
    share = left // (inputs.load.analysts + parallel_workers(inputs))
    return max(GB, min(share, inputs.machine.disk // 8, LARGEST_TEMP_FILES) // GB * GB)


def data_budget(inputs: Inputs) -> SpaceBudget:
    """Return what stands on the data disk."""
    analysts, workers = inputs.load.analysts, parallel_workers(inputs)
    limit = temp_file_limit(inputs)
    temporary = SpaceLine(
        "temporary files",
        (analysts + workers) * limit,
        f"({analysts} analysts + {workers} parallel workers) x {human_size(limit)}",
    )
    return SpaceBudget("data", inputs.machine.disk, (*_fixed(inputs), temporary))


def lasting(inputs: Inputs) -> tuple[SpaceLine, ...]:
    """Return what may stand on the data disk for days: no rebuilds, no temporary files."""
    return (*_files(inputs), *_wal(inputs))


def _fixed(inputs: Inputs) -> tuple[SpaceLine, ...]:
    return (*_at_rest(inputs), *_wal(inputs))


def _at_rest(inputs: Inputs) -> tuple[SpaceLine, ...]:
    return (
        *_files(inputs),
        SpaceLine("rebuilds", inputs.load.data // REBUILD, "a quarter of the data at once"),
        SpaceLine("kept free", inputs.machine.disk // KEPT_FREE, "a tenth of the disk"),
    )


def _files(inputs: Inputs) -> tuple[SpaceLine, ...]:
    data = inputs.load.data
    backups = SpaceLine(
        "backups", data, "two full ones, compressed to half: no volume of their own"
    )
    return (
        *(() if inputs.machine.backup_disk else (backups,)),
        SpaceLine("databases", data, "workload.expected_data"),
        SpaceLine("archive queue", archive_queue(inputs), "WAL that waits for the repository"),
        SpaceLine("logs", LOGS, "a week of server logs"),
    )


def _wal(inputs: Inputs) -> tuple[SpaceLine, ...]:
    if inputs.machine.wal_disk:
        return ()
    size = 2 * largest_wal(inputs)
    return (SpaceLine("WAL", size, "max_slot_wal_keep_size, twice max_wal_size"),)


def _room_for_wal(inputs: Inputs) -> int:
    if inputs.machine.wal_disk:
        return inputs.machine.wal_disk - inputs.machine.wal_disk // KEPT_FREE
    return max(0, inputs.machine.disk - sum(line.size for line in _at_rest(inputs)))
