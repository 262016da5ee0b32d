"""Whether what is declared about backups keeps what it promises."""

from collections.abc import Iterator

from labdb.domain.machine_health import duration
from labdb.domain.timetable import ever_runs, is_readable
from labdb.domain.tuning.inputs import Inputs
from labdb.domain.tuning.space import OUTAGE_SECONDS, archive_queue
from labdb.report import Finding
from labdb.size import human_size
from labdb.spec import Server

EXAMPLE = "write it as systemd.time(7) does, for example: Sun *-*-* 02:00:00"


def policy_findings(server: Server) -> tuple[Finding, ...]:
    """Return a finding for each schedule that never comes, and for each promise that breaks.

    They are critical, but for an outage that may never come.
    """
    return (*_schedules(server), *_windows(server), *_outage(server))


def _schedules(server: Server) -> Iterator[Finding]:
    for key, expression in _declared(server):
        if not is_readable(expression):
            what = f"{key}: {expression!r} is no time that systemd reads"
            yield Finding("schedule", "critical", what, hint=EXAMPLE)
        elif not ever_runs(expression):
            what = f"{key}: {expression!r} never comes"
            why = "no year has such a day"
            yield Finding("schedule", "critical", what, why, EXAMPLE)


def _windows(server: Server) -> Iterator[Finding]:
    promised = server.backup.recovery_window_days
    for number, days in server.retention_days.items():
        if days < promised:
            yield Finding(
                "retention",
                "critical",
                f"repository {number} keeps {days} days, and {promised} are promised",
                "WAL goes with the full set before it: no moment before that could be restored "
                "from there (backup.recovery_window_days)",
                f"declare retention_days: {promised} or more, or promise less",
            )


def _outage(server: Server) -> Iterator[Finding]:
    inputs = Inputs.of(server)
    rate, queue = inputs.load.wal_rate, archive_queue(inputs)
    if rate and queue < rate * OUTAGE_SECONDS:
        yield Finding(
            "archive queue",
            "warning",
            f"a repository that is away for more than {duration(queue / rate)} loses WAL",
            f"{human_size(queue)} of it may wait on the data disk, an eighth at most, and "
            f"{human_size(rate)} come each second (workload.wal_rate)",
            "declare a larger storage.data.size",
        )


def _declared(server: Server) -> Iterator[tuple[str, str]]:
    for number, schedule in server.schedules.items():
        place = "backup" if number == 1 else f"backup.repositories.{number - 2}"
        yield f"{place}.schedule.full", schedule.full
        yield f"{place}.schedule.differential", schedule.differential
    yield "backup.drill.schedule", server.backup.drill.schedule
    if server.backup.export:
        yield "backup.export.schedule", server.backup.export.schedule
