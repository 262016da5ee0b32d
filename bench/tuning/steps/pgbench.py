"""PostgreSQL's own benchmark, as an application's role: TPC-B and look-ups."""

import re
from typing import Any

from bench.tuning import cgroup
from bench.tuning.stand import PGBENCH, Stand

CLIENTS, THREADS = 8, 2
KINDS = {"tpc-b": "", "select-only": "-S"}


def measure(stand: Stand, *, seconds: int) -> dict[str, Any]:
    """Return transactions a second and mean latency in milliseconds of each kind."""
    figures: dict[str, Any] = {}
    with cgroup.watch(stand.machine.cgroup) as peak:
        for kind, option in KINDS.items():
            said = stand.machine.run(
                f"pgbench -h /run/bench -U application -c {CLIENTS} -j {THREADS} -T {seconds}"
                f" {option} {PGBENCH} 2>&1"
            )
            figures[kind] = {
                "tps": _number(r"^tps = ([\d.]+)", said),
                "latency": _number(r"^latency average = ([\d.]+)", said),
                "failed": int(_number(r"failed transactions: (\d+)", said)),
            }
    return figures | {"memory": peak.as_json()}


def _number(pattern: str, text: str) -> float:
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        raise ValueError(f"pgbench does not say {pattern!r}: {text}")
    return float(found[1])
