"""Look at a running server and show it on one screen."""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from labdb.adapters import proxmox, rundir, shell
from labdb.adapters.content import query
from labdb.adapters.inventory import Declaration
from labdb.domain.capacity import Sample, days_to_full
from labdb.domain.desired import DesiredGuest
from labdb.domain.guest_findings import guest_findings
from labdb.domain.health import (
    answer,
    backups,
    duration,
    jobs,
    judge,
    judge_drill,
    services,
    timers,
)
from labdb.domain.recovery.archive import lost_wal
from labdb.domain.recovery.ledger import lines as lines_of_ledger
from labdb.errors import UnreachableError
from labdb.facts import ClusterState
from labdb.operations import drill
from labdb.operations.drill import LEDGER
from labdb.report import Finding, Phase, Report
from labdb.size import human_size

SAMPLES_KEPT = 1000
SAMPLE_SECONDS = 3600.0
"""About one sample an hour is kept, so that 1000 of them are six weeks however often one looks."""
BACKUPS_SHOWN = 3


def status(declaration: Declaration) -> Report:
    """Return how the server is: guest, service, connections, archive, backups, disks.

    Raises:
        UnreachableError: the Proxmox API does not answer, or refuses the token.
    """
    begin = time.monotonic()
    server = declaration.server
    state = proxmox.connect(declaration.environment.proxmox, declaration.inventory).observe(server)
    screen = {"guest": _guest(declaration, state)}
    findings: tuple[Finding, ...] = ()
    if state.guest is not None:
        findings = guest_findings(DesiredGuest.of(server), state.guest)
    data: dict[str, Any] = {"screen": screen}
    if state.guest is None or not state.guest.running:
        said = "does not exist" if state.guest is None else "is stopped"
        hint = f"labdb provision {server.name}"
        findings += (Finding("guest", "critical", f"the guest {said}", hint=hint),)
    elif not declaration.environment.probe_addresses:
        why = "addresses are not probed (probe_addresses)"
        findings += (Finding("guest", "info", "the guest was not looked into", why),)
    else:
        try:
            seen = shell.probe(shell.guest_of(declaration), _questions(declaration))
        except UnreachableError as error:
            findings += (Finding("guest", "critical", error.what, error.why, error.hint),)
        else:
            history = _remember(declaration, seen)
            findings += judge(server, seen, history)
            waiting = (answer(seen, "archiver") or {}).get("oldest_waiting")
            findings += lost_wal(seen["backups"].get("ok", ()), seen["archives"], waiting=waiting)
            findings += (judge_drill(server, lines_of_ledger(seen["texts"].get(LEDGER, "")), seen),)
            screen |= _screen(seen, history)
            data["seen"] = seen
    problems = sum(finding.is_problem for finding in findings)
    summary = f"{problems} to look at" if problems else "all is well"
    phases = (Phase("status", round(time.monotonic() - begin, 3)),)
    return Report("status", server.name, summary, (), findings, phases, data)


def _questions(declaration: Declaration) -> dict[str, Any]:
    server = declaration.server
    cluster = server.postgresql
    return {
        "port": cluster.port,
        "queries": [
            {"name": name, "database": "postgres", "sql": query(name)}
            for name in ("server", "archiver")
        ],
        "stanza": server.stanza,
        "archives": True,
        "units": [*services(server), *timers(server), *jobs(server)],
        "mounts": ["/", server.storage.data.mount, server.storage.backup.mount],
        "certificate": f"/etc/postgresql/{cluster.major}/{cluster.cluster}/tls/server.crt",
        "texts": [LEDGER],
        "system": True,
    }


def _guest(declaration: Declaration, state: ClusterState) -> str:
    wanted = declaration.server.guest
    if state.guest is None:
        return f"VM {wanted.vmid} does not exist on {wanted.node}"
    power = "running" if state.guest.running else "stopped"
    return (
        f"VM {wanted.vmid} on {wanted.node}, {power}, {declaration.server.address}, "
        f"{wanted.cpu.total} processors, {human_size(wanted.memory)} declared"
    )


def _screen(seen: Mapping[str, Any], history: Mapping[str, list[Sample]]) -> dict[str, str]:
    system, now = seen["system"], float(seen["system"]["now"])
    lines = {
        "system": f"up {duration(system['uptime'])}, load {system['load'][0]:.2f}, "
        f"{human_size(system['available'])} memory available",
    }
    if found := answer(seen, "server"):
        role = "replica" if found["recovery"] else "primary"
        lines["postgresql"] = (
            f"{found['version']}, {role}, up {duration(now - found['started'])}, "
            f"{human_size(float(found['size'] or 0))} in {len(found['databases'])} databases"
        )
        lines["connections"] = f"{found['connections']} of {found['max_connections']}"
        lines["replication"] = f"{found['replicas']} replicas"
    if (found := answer(seen, "archiver")) and found["archived_at"]:
        age = duration(now - found["archived_at"])
        lines["archive"] = f"{found['archived']}, {age} ago"
    for index, item in enumerate(reversed(backups(seen)[-BACKUPS_SHOWN:])):
        age = duration(now - item["timestamp"]["stop"])
        size = human_size(item["info"]["repository"].get("delta", 0))
        lines["backups" if not index else " " * index] = (
            f"{item['label']}, {item['type']}, {age} ago, {size}"
        )
    if done := drill.newest(lines_of_ledger(seen["texts"].get(LEDGER, ""))):
        age = duration(now - datetime.fromisoformat(done["begin"]).timestamp())
        lines["drill"] = (
            f"{done['verdict']} {age} ago, {done['set']}, "
            f"RTO {done['rto']:.0f} s, RPO {done['rpo']:.0f} s"
        )
    for mount, disk in seen["mounts"].items():
        days = days_to_full(history.get(mount, ()))
        forecast = f", full in {days:.0f} days" if days is not None else ""
        lines[f"disk {mount}"] = (
            f"{human_size(disk['used'])} of {human_size(disk['size'])} "
            f"({disk['used'] / disk['size']:.0%}){forecast}"
        )
    return lines


def _remember(declaration: Declaration, seen: Mapping[str, Any]) -> dict[str, list[Sample]]:
    """Add this look to the server's history and return it, oldest first."""
    folder = rundir.server_dir(declaration.environment.name, declaration.server.name)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "disks.jsonl"
    lines = _lines(path)
    mounts = {
        mount: {"used": disk["used"], "size": disk["size"]}
        for mount, disk in seen["mounts"].items()
    }
    now = float(seen["system"]["now"])
    if len(lines) > 1 and now - lines[-2]["time"] < SAMPLE_SECONDS:
        del lines[-1]
    lines = [*lines, {"time": now, "mounts": mounts}][-SAMPLES_KEPT:]
    partial = path.with_suffix(".partial")
    partial.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    partial.replace(path)
    history: dict[str, list[Sample]] = {}
    for line in lines:
        for mount, disk in line["mounts"].items():
            history.setdefault(mount, []).append(Sample(line["time"], disk["used"], disk["size"]))
    return history


def _lines(path: Path) -> list[dict[str, Any]]:
    """Return the samples kept so far; a line that a full disk cut off is left out."""
    found: list[dict[str, Any]] = []
    with suppress(FileNotFoundError):
        for line in path.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError):
                found.append(json.loads(line))
    return found
