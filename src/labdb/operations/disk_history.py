"""How full each disk of a machine was, at every look: kept on the operator's side."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from labdb.adapters import rundir
from labdb.adapters.inventory import MachineDeclaration
from labdb.domain.capacity import Sample

SAMPLES_KEPT = 1000
SAMPLE_SECONDS = 3600.0
"""About one sample an hour is kept, so that 1000 of them are six weeks however often one looks."""


def remember(declaration: MachineDeclaration, seen: Mapping[str, Any]) -> dict[str, list[Sample]]:
    """Add this look to the machine's history and return it by mount point, oldest first."""
    folder = rundir.server_dir(declaration.environment.name, declaration.machine.name)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "disks.jsonl"
    now = float(seen["system"]["now"])
    # What a clock that ran ahead left there would bend every forecast until it has come.
    lines = [line for line in _lines(path) if line["time"] <= now]
    mounts = {
        mount: {"used": disk["used"], "size": disk["size"]}
        for mount, disk in seen["mounts"].items()
    }
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
