"""Findings for the volumes that the declared future does not fit on."""

from labdb.domain.backup.space import full_size, kept, repository_lines
from labdb.domain.backup.units import FIRST
from labdb.domain.tuning.inputs import Inputs
from labdb.domain.tuning.space import KEPT_FREE, SpaceBudget, SpaceLine, data_budget
from labdb.report import Finding
from labdb.size import human_size
from labdb.spec import Server


def backup_budget(server: Server) -> SpaceBudget:
    """Return what stands on the backup volume after the retention's first full round."""
    size = server.storage.backup.size
    lines = (
        *repository_lines(server, FIRST),
        *_exports(server),
        SpaceLine("kept free", size // KEPT_FREE, "a tenth of the volume"),
    )
    return SpaceBudget("backup", size, lines)


def _exports(server: Server) -> tuple[SpaceLine, ...]:
    wanted = server.backup.export
    if wanted is None:
        return ()
    full, count = full_size(server), kept(wanted.schedule, wanted.retention_days)
    return (SpaceLine("exports", count * full, f"{count} x {human_size(full)}"),)


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
