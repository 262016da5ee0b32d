"""What an export works with: written by the role ``logical_export``, read by the program."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from labdb.drill.settings import Settings as Drill


@dataclass(frozen=True, slots=True)
class Settings:
    """The *databases*, where their exports lie, and what each is proven with.

    *folder* has a folder for each database; *jobs* work at the same time; exports are kept for so
    many *days*. *drill* lends its scratch instance, in a folder of this one's own.
    """

    databases: tuple[str, ...]
    folder: Path
    days: int
    jobs: int
    ledger: Path
    metrics: Path
    drill: Drill

    @classmethod
    def read(cls, path: Path) -> "Settings":
        """Return the settings in the file *path*, and those of the drill that it names."""
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        drill = Drill.read(Path(told["drill"]))
        return cls(
            databases=tuple(told["databases"]),
            folder=Path(told["folder"]),
            days=told["days"],
            jobs=told["jobs"],
            ledger=Path(told["ledger"]),
            metrics=Path(told["metrics"]),
            drill=replace(drill, directory=Path(told["scratch"])),
        )
