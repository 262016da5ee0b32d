"""The results file: one JSON object a line, written as it comes, so that a run can go on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Unit:
    """One step of one contender in one round: what is measured, and done once."""

    round: int
    contender: str
    step: str


class Results:
    """The records in the file *path*."""

    def __init__(self, path: Path) -> None:
        self._path = path
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        self.records: list[Record] = [json.loads(line) for line in text.splitlines()]

    def done(self, unit: Unit, fingerprint: str) -> bool:
        """Tell whether *unit* was measured with the same data, machine and parameters."""
        return any(
            record["fingerprint"] == fingerprint
            and (record["round"], record["contender"], record["step"])
            == (unit.round, unit.contender, unit.step)
            for record in self.records
        )

    def add(self, unit: Unit, fingerprint: str, figures: Record) -> None:
        """Append what was measured."""
        record = {
            "fingerprint": fingerprint,
            "round": unit.round,
            "contender": unit.contender,
            "step": unit.step,
            **figures,
        }
        self.records.append(record)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
