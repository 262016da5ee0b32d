"""Keep what was done: a line in the ledger, and the newest figures for node_exporter."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from labdb.domain.recovery import ledger

Metrics = Callable[[Sequence[Mapping[str, Any]]], str]


def keep(path: Path, line: Mapping[str, Any], figures: Path, metrics: Metrics) -> None:
    """Append *line* to the ledger, and write what *metrics* makes of all lines in one step."""
    with path.open("a", encoding="utf-8") as file:
        # What was cut off before stays a line of its own.
        file.write(("" if _ends_well(path) else "\n") + json.dumps(line) + "\n")
        file.flush()
        os.fsync(file.fileno())
    text = metrics(ledger.lines(path.read_text(encoding="utf-8")))
    partial = figures.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(figures)


def _ends_well(path: Path) -> bool:
    text = path.read_bytes()
    return not text or text.endswith(b"\n")
