"""The status of a repository host: what each server has stored there, accounts, disks."""

from collections.abc import Mapping
from typing import Any

from labdb.adapters.inventory import RepositoryHostDeclaration, storing
from labdb.domain import repository_health as health
from labdb.domain.machine_health import ago
from labdb.domain.repository_host import folder_of
from labdb.operations.machine_status import (
    History,
    Look,
    Seen,
    disk_lines,
    questions,
    system_line,
)
from labdb.size import human_size
from labdb.spec import RepositoryHost


def look(declaration: RepositoryHostDeclaration) -> Look:
    """Return what the repository host is asked, and what becomes of its answer."""
    host = declaration.machine
    who = storing(declaration.inventory, host)
    return Look(
        _questions(host),
        lambda seen, history: health.judge(host, who, seen, history),
        lambda seen, history: _screen(host, seen, history),
    )


def _questions(host: RepositoryHost) -> dict[str, Any]:
    names = [server.name for server in host.access.servers]
    return questions(health.mounts(host)) | {
        "units": list(health.SERVICES),
        "accounts": names,
        "repositories": [folder_of(host, name) for name in names],
    }


def _screen(host: RepositoryHost, seen: Seen, history: History) -> dict[str, str]:
    now = float(seen["system"]["now"])
    lines = {"system": system_line(seen)}
    for server in host.access.servers:
        stored = seen["repositories"].get(folder_of(host, server.name))
        if stored is not None:
            lines |= _stored(server.name, stored, now)
    return lines | disk_lines(seen, history)


def _stored(name: str, stored: Mapping[str, Any], now: float) -> dict[str, str]:
    sets = len(stored["sets"])
    lines = {name: f"{human_size(stored['size'])}, {sets} {'set' if sets == 1 else 'sets'}"}
    for kind, item in health.newest_sets(stored).items():
        when = ago(now - item["stop"])
        lines[f"{name} {kind}"] = f"{item['label']}, {when}, {human_size(item['size'])}"
    if labels := health.unfinished(stored):
        lines[f"{name} unfinished"] = ", ".join(labels)
    if wal := stored["wal"]:
        lines[f"{name} WAL"] = f"{wal['name']}, {ago(now - wal['time'])}, {human_size(wal['size'])}"
    return lines
