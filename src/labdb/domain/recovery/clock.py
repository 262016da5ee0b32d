"""Where the server's clock was put back, so that a moment came twice.

Recovery up to a time stops at the first commit in the WAL with a later timestamp (PostgreSQL 16,
section 20.5.6). Where the clock went back, that may be one of the first time round, and what was
restored is older than what was meant. PostgreSQL says nothing of it.

What is known are points: a place in the WAL, and what the clock showed there. Between two of them
the clock may have gone back by less than it went on: that leaves no trace. A server lives its
timelines one after the other, so a timeline with a higher number is taken to come later, whether
or not it descends from the one before.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from labdb.domain.recovery.target import lsn_text, written

TOLERANCE = timedelta(minutes=1)
"""Clock and WAL are not read in one step: a checkpoint lies between a set's time and its LSN."""
HINT = "chronyc tracking on the server says whether its clock is right now"
LAST_TIMELINE = (1 << 32) - 1
END = (1 << 64) - 1
"""Behind all WAL: where the present is."""
EVER = datetime.min.replace(tzinfo=UTC)
NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """What the clock showed at a place in the WAL; sorted, they are in the order of the WAL."""

    timeline: int
    position: int
    moment: datetime

    def __str__(self) -> str:
        """Return the place for a reader."""
        return "the end of the WAL" if self.position == END else f"LSN {lsn_text(self.position)}"


@dataclass(frozen=True, slots=True)
class Jump:
    """Two points, one after the other, between which the clock went back.

    How far it had gone on after *before*, and how long it ran again up to *after*, nobody knows.
    So moments are in doubt *since* the newest known one in front of the jump that is not after
    *after*, and *until* the oldest known one behind it that is not before *before*.
    """

    before: Point
    after: Point
    since: datetime
    until: datetime

    @property
    def is_open(self) -> bool:
        """Tell whether the clock is still behind what it showed before."""
        return self.after.position == END

    @property
    def least(self) -> timedelta:
        """By how much the clock went back at least, in whole seconds."""
        return timedelta(seconds=(self.before.moment - self.after.moment) // timedelta(seconds=1))

    def doubles(self, moment: datetime) -> bool:
        """Tell whether it is certain that *moment* came twice."""
        return self.after.moment <= moment <= self.before.moment

    def __str__(self) -> str:
        """Return from when to when, and where, for a reader."""
        return (
            f"from {written(self.before.moment)} at {self.before} "
            f"to {written(self.after.moment)} at {self.after}"
        )


def present(now: datetime) -> Point:
    """Return what the clock shows behind all WAL."""
    return Point(LAST_TIMELINE, END, now)


def jumps(points: Iterable[Point]) -> tuple[Jump, ...]:
    """Return where the clock went back between *points*, in the order of the WAL.

    >>> noon = datetime(2026, 11, 25, 12, tzinfo=UTC)
    >>> ahead = Point(1, 0x3000060, noon + timedelta(hours=2))
    >>> [str(jump.least) for jump in jumps([present(noon), ahead])]
    ['2:00:00']
    """
    ordered = sorted(set(points))
    return tuple(
        Jump(
            before,
            after,
            since=max(
                (item.moment for item in ordered[:place] if item.moment <= after.moment),
                default=EVER,
            ),
            until=min(
                (item.moment for item in ordered[place:] if item.moment >= before.moment),
                default=NEVER,
            ),
        )
        for place, (before, after) in enumerate(pairwise(ordered), start=1)
        if before.moment - after.moment > TOLERANCE
    )
