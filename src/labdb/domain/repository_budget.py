"""Whether the volume of a repository host holds what its servers will store there."""

from typing import Any

from labdb.domain.backup.space import least, repository_lines
from labdb.domain.repository_host import Storing
from labdb.domain.tuning.space import GB, KEPT_FREE, SpaceBudget, SpaceLine
from labdb.report import Finding
from labdb.size import format_size, human_size
from labdb.spec import RepositoryHost, Server

CHECK = "space.repository"


def host_budget(host: RepositoryHost, storing: Storing) -> SpaceBudget:
    """Return what stands on the volume after every retention's first full round."""
    size = host.storage.backup.size
    shares = [_share(host, server) for server in storing.servers]
    kept_free = SpaceLine("kept free", size // KEPT_FREE, "a tenth of the volume")
    return SpaceBudget("backup", size, (*shares, kept_free))


def host_findings(host: RepositoryHost, storing: Storing) -> tuple[Finding, ...]:
    """Return whether the volume holds everything, and a finding for each server not counted."""
    unknown = (
        Finding(CHECK, "info", f"what {name} stores is not counted", why)
        for name, why in storing.unknown.items()
    )
    return (_verdict(host_budget(host, storing), storing), *unknown)


def _verdict(budget: SpaceBudget, storing: Storing) -> Finding:
    """Judge the volume; a full backup of each server and the next one beside it are the least."""
    volume, needed = f"the backup volume ({human_size(budget.size)})", human_size(budget.needed)
    if budget.fits:
        what = f"{volume} holds what the servers will store: {needed} are needed"
        return Finding(CHECK, "ok", what)
    why = "\n".join(f"{line.name} {human_size(line.size)}: {line.formula}" for line in budget.lines)
    if sum(least(server) for server in storing.servers) > budget.size - budget.size // KEPT_FREE:
        what = f"{volume} does not hold two full backups of each server at its expected size"
        return Finding(CHECK, "critical", what, why, _hint(budget))
    what = f"{volume} will be too small: {needed} are needed at the expected size"
    return Finding(CHECK, "warning", what, why, _hint(budget))


def room_finding(server: Server, host: RepositoryHost, storing: Storing) -> Finding:
    """Return whether *host* has room for *server* beside all others, in one line.

    Never critical: a server is not held up by what others were let in for.
    """
    budget, share = host_budget(host, storing), _share(host, server)
    volume = f"{host.name} ({human_size(budget.size)})"
    if budget.fits:
        what = f"{volume} holds what {server.name} will store there: {human_size(share.size)}"
        return Finding(CHECK, "ok", what)
    what = f"{volume} will be too small: all that store there need {human_size(budget.needed)}"
    why = f"{human_size(share.size)} of it are for {server.name}: {share.formula}"
    return Finding(CHECK, "warning", what, why, f"labdb plan {host.name} says who needs what")


def space_rows(host: RepositoryHost, storing: Storing) -> list[dict[str, Any]]:
    """Return the parts of the volume as plain values, a row for each; sizes in bytes."""
    return [
        {"server": server.name, "part": line.name, "size": line.size, "formula": line.formula}
        for server in storing.servers
        for line in _lines(host, server)
    ]


def _lines(host: RepositoryHost, server: Server) -> tuple[SpaceLine, ...]:
    return repository_lines(server, server.repository_hosts[host.name])


def _share(host: RepositoryHost, server: Server) -> SpaceLine:
    lines = _lines(host, server)
    formula = ", ".join(f"{line.name} {human_size(line.size)} ({line.formula})" for line in lines)
    return SpaceLine(server.name, sum(line.size for line in lines), formula)


def _hint(budget: SpaceBudget) -> str:
    stored = budget.needed - budget.size // KEPT_FREE
    # Of a larger volume the tenth that is kept free is larger too.
    size = -(-stored * KEPT_FREE // (KEPT_FREE - 1) // GB) * GB
    return (
        f"declare storage.backup.size: {format_size(size)}, or on the servers fewer full backups "
        "(backup.repositories: schedule.full), less retention_days or workload.expected_data"
    )
