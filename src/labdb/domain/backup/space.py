"""What the sets and the WAL of one repository take, on whichever volume it lies."""

from labdb.domain.timetable import runs_per_day
from labdb.domain.tuning.space import SpaceLine
from labdb.size import human_size
from labdb.spec import Server

COMPRESSED = 0.5
"""A full backup's share of its data: columns of floats compress badly (zstd); a careful figure."""
CHANGED = 0.05
"""A differential backup's share of a full one: catalogues are loaded once and read."""
BESIDE = 2
"""pgBackRest expires a full backup only when the next older one is past the retention, and the
next is made while all others are there."""


def full_size(server: Server) -> int:
    """Return the bytes of a full backup at the expected size."""
    return int(server.workload.expected_data * COMPRESSED)


def kept(expression: str, days: int) -> int:
    """Return how many full copies stand there at once that are made by *expression*."""
    return int(days * runs_per_day(expression)) + BESIDE


def repository_lines(server: Server, number: int) -> tuple[SpaceLine, ...]:
    """Return what stands in repository *number* after its retention's first full round."""
    days, schedule = server.retention_days[number], server.schedules[number]
    full, fulls = full_size(server), kept(schedule.full, days)
    differentials = int(days * runs_per_day(schedule.differential))
    return (
        SpaceLine("full backups", fulls * full, f"{fulls} x {human_size(full)}"),
        SpaceLine(
            "differential backups",
            int(differentials * full * CHANGED),
            f"{differentials} x {CHANGED:.0%} of a full one",
        ),
        _wal(full),
    )


def least(server: Server) -> int:
    """Return the bytes without which no second full backup can be made, whatever is kept."""
    full = full_size(server)
    return BESIDE * full + _wal(full).size


def _wal(full: int) -> SpaceLine:
    return SpaceLine("archived WAL", full, "the data loaded once over, compressed")
