"""The status of a server: service, connections, archive, backups, drill, disks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from labdb.adapters.content import query
from labdb.adapters.inventory import Declaration
from labdb.domain import health
from labdb.domain.health import answer
from labdb.domain.machine_health import ago, duration
from labdb.domain.recovery.ledger import lines as lines_of_ledger
from labdb.domain.recovery.replacement import left, places
from labdb.operations import drill
from labdb.operations.drill import LEDGER
from labdb.operations.machine_status import (
    History,
    Look,
    Seen,
    disk_lines,
    questions,
    system_line,
)
from labdb.report import Finding
from labdb.size import human_size
from labdb.spec import Server

BACKUPS_SHOWN = 3


def look(declaration: Declaration) -> Look:
    """Return what the server is asked, and what becomes of its answer."""
    server = declaration.server
    return Look(_questions(server), lambda seen, history: _judge(server, seen, history), _screen)


def _questions(server: Server) -> dict[str, Any]:
    cluster = server.postgresql
    return questions(health.mounts(server), [LEDGER]) | {
        "port": cluster.port,
        "queries": [
            {"name": name, "database": "postgres", "sql": query(name)}
            for name in ("server", "archiver")
        ],
        "stanza": server.stanza,
        "archives": True,
        "files": places(server),
        "units": [*health.services(server), *health.timers(server), *health.jobs(server)],
        "certificate": f"/etc/postgresql/{cluster.major}/{cluster.cluster}/tls/server.crt",
    }


def _judge(server: Server, seen: Seen, history: History) -> tuple[Finding, ...]:
    drilled = health.judge_drill(server, _ledger(seen), seen)
    replacement = left(server, seen["files"])
    return (
        *health.judge(server, seen, history),
        drilled,
        *((replacement,) if replacement else ()),
    )


def _ledger(seen: Seen) -> Sequence[Mapping[str, Any]]:
    return lines_of_ledger(seen["texts"].get(LEDGER, ""))


def _screen(seen: Seen, history: History) -> dict[str, str]:
    now = float(seen["system"]["now"])
    lines = {"system": system_line(seen)}
    if found := answer(seen, "server"):
        role = "replica" if found["recovery"] else "primary"
        lines["postgresql"] = (
            f"{found['version']}, {role}, up {duration(now - found['started'])}, "
            f"{human_size(float(found['size'] or 0))} in {len(found['databases'])} databases"
        )
        lines["connections"] = f"{found['connections']} of {found['max_connections']}"
        lines["replication"] = f"{found['replicas']} replicas"
    if (found := answer(seen, "archiver")) and found["archived_at"]:
        lines["archive"] = f"{found['archived']}, {ago(now - found['archived_at'])}"
    for index, item in enumerate(reversed(health.backups(seen)[-BACKUPS_SHOWN:])):
        when = ago(now - item["timestamp"]["stop"])
        size = human_size(item["info"]["repository"].get("delta", 0))
        lines["backups" if not index else " " * index] = (
            f"{item['label']}, {item['type']}, {when}, {size}"
        )
    if done := drill.newest(_ledger(seen)):
        when = ago(now - datetime.fromisoformat(done["begin"]).timestamp())
        lines["drill"] = (
            f"{done['verdict']} {when}, {done['set']}, "
            f"RTO {done['rto']:.0f} s, RPO {done['rpo']:.0f} s"
        )
    return lines | disk_lines(seen, history)
