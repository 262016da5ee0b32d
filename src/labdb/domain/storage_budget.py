"""Findings for the volumes that the declared future does not fit on."""

from labdb.domain.timetable import runs_per_day
from labdb.domain.tuning.inputs import Inputs
from labdb.domain.tuning.space import KEPT_FREE, SpaceBudget, SpaceLine, data_budget
from labdb.report import Finding
from labdb.size import human_size
from labdb.spec import Server

COMPRESSED = 0.5
"""A full backup's share of its data: columns of floats compress badly (zstd); a careful figure."""
CHANGED = 0.05
"""A differential backup's share of a full one: catalogues are loaded once and read."""


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
        *_exports(server, full),
        SpaceLine("kept free", server.storage.backup.size // KEPT_FREE, "a tenth of the volume"),
    )
    return SpaceBudget("backup", server.storage.backup.size, lines)


def _exports(server: Server, full: int) -> tuple[SpaceLine, ...]:
    wanted = server.backup.export
    if wanted is None:
        return ()
    kept = int(wanted.retention_days * runs_per_day(wanted.schedule)) + 2
    return (SpaceLine("exports", kept * full, f"{kept} x {human_size(full)}"),)


def storage_findings(server: Server) -> tuple[Finding, ...]:
    """Return a finding for each volume that the declared future does not fit on."""
    data, backup = data_budget(Inputs.of(server)), backup_budget(server)
    found = []
    if not data.fits:
        hint = "declare a larger storage.data.size, or less workload.expected_data"
        found.append(too_small(data, hint))
    if not backup.fits:
        hint = (
            "declare fewer full backups (backup.schedule.full: Sun *-*-* 02:00:00), fewer "
            "backup.retention_days or backup.export.retention_days, or a larger "
            "storage.backup.size"
        )
        found.append(too_small(backup, hint))
    return tuple(found)


def too_small(budget: SpaceBudget, hint: str) -> Finding:
    """Return the finding that *budget* does not fit its volume, with all its parts."""
    parts = ", ".join(f"{line.name} {human_size(line.size)}" for line in budget.lines)
    return Finding(
        check=f"space.{budget.volume}",
        severity="warning",
        what=f"the {budget.volume} volume ({human_size(budget.size)}) will be too small: "
        f"{human_size(budget.needed)} are needed at the expected size",
        why=parts,
        hint=hint,
    )
