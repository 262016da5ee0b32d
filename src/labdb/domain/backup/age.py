"""Whether the newest backups of a repository are as old as their schedule allows."""

from collections.abc import Callable

from labdb.domain.backup.units import Kind
from labdb.domain.machine_health import CLOCK_SLACK, HOUR, ago, duration
from labdb.domain.recovery.clock import HINT
from labdb.domain.timetable import longest_pause
from labdb.report import Finding
from labdb.spec import Schedule

SLACK = 2 * HOUR
"""A backup counts from its end, and the next one may take longer; so may a clock change."""
SLACK_MEANWHILE = 8 * HOUR
"""While one is being made: six hours it may wait for the other kind (pgbackrest_lock_wait)."""


def age_finding(  # noqa: PLR0913  # the two ages, and the words for where and what to do
    schedule: Schedule,
    *,
    full: float,
    newest: float,
    being_made: bool,
    where: str,
    hint: Callable[[Kind], str],
) -> Finding:
    """Judge the newest *full* backup, then the *newest* of any kind, by their ages in seconds.

    Each may be as old as the longest pause of its schedule makes it, and none younger than nothing.
    """
    if newest < -CLOCK_SLACK:
        what = f"the last backup{where} ended {ago(newest)}"
        why = "a clock went back; pgBackRest makes no backup until the server's has passed that"
        return Finding("backup", "critical", what, why, HINT)
    slack = SLACK_MEANWHILE if being_made else SLACK
    limit = longest_pause(schedule.full).total_seconds()
    if full > limit + slack:
        what = f"the last full backup{where} is {duration(full)} old"
        why = f"one is due every {duration(limit)} (schedule.full: {schedule.full})"
        return Finding("backup", "critical", what, why, hint("full"))
    limit = longest_pause(schedule.full, schedule.differential).total_seconds()
    if newest > limit + slack:
        what = f"the last backup of any kind{where} is {duration(newest)} old"
        why = f"one is due every {duration(limit)}; restoring takes longer without it"
        return Finding("backup", "warning", what, why, hint("differential"))
    return Finding("backup", "ok", f"last backup{where} {ago(newest)}")
