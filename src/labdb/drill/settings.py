"""What a drill works with: written by the role ``restore_drill``, read by the program."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Invariant:
    """Something that holds in *database* as long as its data are whole: *sql* answers true."""

    name: str
    database: str
    sql: str


@dataclass(frozen=True, slots=True)
class Settings:
    """The cluster, its stanza, and where the drill keeps what.

    *directory* is emptied before and after a drill, and its disk never filled beyond the share
    *most_used*; *records* holds a file of fingerprints for each backup; *ledger* gets a line for
    each drill, *metrics* the last one's figures; *request* is what somebody asks for.
    """

    stanza: str
    version: int
    port: int
    directory: Path
    records: Path
    ledger: Path
    metrics: Path
    request: Path
    most_used: float
    invariants: tuple[Invariant, ...] = ()

    @classmethod
    def read(cls, path: Path) -> "Settings":
        """Return the settings in the file *path*."""
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        invariants = tuple(Invariant(**item) for item in told.pop("invariants"))
        paths = ("directory", "records", "ledger", "metrics", "request")
        return cls(**told | {name: Path(told[name]) for name in paths}, invariants=invariants)

    @property
    def programs(self) -> Path:
        """The folder of PostgreSQL's own programs."""
        return Path(f"/usr/lib/postgresql/{self.version}/bin")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is drilled: the newest set to a random time, unless somebody asks for another."""

    label: str = ""
    repository: int = 0
    seed: int | None = None

    @classmethod
    def taken(cls, path: Path) -> "Wanted":
        """Return what was asked for in the file *path*, which is used up by it."""
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return cls()
        path.unlink()
        return cls(**json.loads(text))
