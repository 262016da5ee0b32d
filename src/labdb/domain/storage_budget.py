"""What stands on the data disk and on the backup volume when all of it is in use.

The figures are for the size that the declaration expects (``workload.expected_data``), not
for what is there today: a disk that is too small should be known before it is full.
"""

from dataclasses import dataclass

from labdb.domain.timetable import runs_per_day
from labdb.report import Finding
from labdb.size import UNITS, human_size
from labdb.spec import Server

GB = UNITS["GB"]
KEPT_FREE = 10
"""A tenth stays free: XFS slows down when it is full, and an alarm needs time."""
REBUILD = 4
"""A quarter of the data can be rebuilt at once (REINDEX CONCURRENTLY, VACUUM FULL)."""
LOGS = GB
LARGEST_SPOOL = 8 * GB
REPLAY_RATE = 64 * UNITS["MB"]
"""WAL that crash recovery replays in a second on NVMe: a careful figure, not measured."""
RECOVERY_GOAL_SECONDS = 180
COMPRESSED = 0.5
"""A full backup's share of its data: columns of floats compress badly (zstd); a careful figure."""
CHANGED = 0.05
"""A differential backup's share of a full one: catalogues are loaded once and read."""


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


def largest_wal(server: Server) -> int:
    """Return ``max_wal_size``: what crash recovery replays within its goal.

    A fifth of the goal is left for starting up. Never more than a sixteenth of the disk.
    """
    goal = REPLAY_RATE * RECOVERY_GOAL_SECONDS * 4 // 5
    return max(GB, min(goal, server.storage.data.size // 16) // GB * GB)


def archive_queue(server: Server) -> int:
    """Return how much WAL may wait for a repository that does not answer."""
    return min(LARGEST_SPOOL, server.storage.data.size // 16)


def temp_file_limit(server: Server) -> int:
    """Return what one session may write to temporary files.

    The room that is left is shared among the analysts; never more than an eighth of the
    disk for one of them, never less than 1 GB.
    """
    left = server.storage.data.size - sum(line.size for line in _fixed(server))
    share = left // server.workload.analytic_sessions
    return max(GB, min(share, server.storage.data.size // 8) // GB * GB)


def data_budget(server: Server) -> SpaceBudget:
    """Return what stands on the data disk."""
    sessions, limit = server.workload.analytic_sessions, temp_file_limit(server)
    temporary = SpaceLine(
        "temporary files", sessions * limit, f"{sessions} analysts x {human_size(limit)}"
    )
    return SpaceBudget("data", server.storage.data.size, (*_fixed(server), temporary))


def _fixed(server: Server) -> tuple[SpaceLine, ...]:
    data, wal = server.workload.expected_data, largest_wal(server)
    return (
        SpaceLine("databases", data, "workload.expected_data"),
        SpaceLine("rebuilds", data // REBUILD, "a quarter of the data at once"),
        SpaceLine("WAL", 2 * wal, "max_slot_wal_keep_size, twice max_wal_size"),
        SpaceLine("archive queue", archive_queue(server), "WAL that waits for the repository"),
        SpaceLine("logs", LOGS, "a week of server logs"),
        SpaceLine("kept free", server.storage.data.size // KEPT_FREE, "a tenth of the disk"),
    )


def backup_budget(server: Server) -> SpaceBudget:
    """Return what stands on the backup volume after the retention's first full round."""
    days, schedule = server.backup.retention_days, server.backup.schedule
    full = int(server.workload.expected_data * COMPRESSED)
    # pgBackRest expires a full backup only when the next older one is past the retention.
    kept = int(days * runs_per_day(schedule.full)) + 2
    differentials = int(days * runs_per_day(schedule.differential))
    lines = (
        SpaceLine("full backups", kept * full, f"{kept} x {human_size(full)}"),
        SpaceLine(
            "differential backups",
            int(differentials * full * CHANGED),
            f"{differentials} x {CHANGED:.0%} of a full one",
        ),
        SpaceLine("archived WAL", full, "the data loaded once over, compressed"),
        SpaceLine("kept free", server.storage.backup.size // KEPT_FREE, "a tenth of the volume"),
    )
    return SpaceBudget("backup", server.storage.backup.size, lines)


def storage_findings(server: Server) -> tuple[Finding, ...]:
    """Return a finding for each volume that the declared future does not fit on."""
    data, backup = data_budget(server), backup_budget(server)
    found = []
    if not data.fits:
        hint = "declare a larger storage.data.size, or less workload.expected_data"
        found.append(_too_small(data, hint))
    if not backup.fits:
        hint = (
            "declare fewer full backups (backup.schedule.full: Sun *-*-* 02:00:00), fewer "
            "backup.retention_days, or a larger storage.backup.size"
        )
        found.append(_too_small(backup, hint))
    return tuple(found)


def _too_small(budget: SpaceBudget, hint: str) -> Finding:
    parts = ", ".join(f"{line.name} {human_size(line.size)}" for line in budget.lines)
    return Finding(
        check=f"space.{budget.volume}",
        severity="warning",
        what=f"the {budget.volume} volume ({human_size(budget.size)}) will be too small: "
        f"{human_size(budget.needed)} are needed at the expected size",
        why=parts,
        hint=hint,
    )
