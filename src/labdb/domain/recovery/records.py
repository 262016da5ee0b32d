"""Records of what every table held at a restore point, and which one fits a backup set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from labdb.domain.recovery.choice import RestorableSet
from labdb.domain.recovery.fingerprint import TableFingerprint, fingerprints
from labdb.domain.recovery.target import lsn_bytes


@dataclass(frozen=True, slots=True)
class Contents:
    """What one database held: its tables, and its extensions with their versions."""

    tables: tuple[TableFingerprint, ...]
    extensions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Record:
    """What every database held at the restore point *name*, at *position* in the WAL."""

    name: str
    moment: datetime
    position: int
    timeline: str
    databases: Mapping[str, Contents]

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Record":
        """Return the record that a file holds."""
        return cls(
            name=told["name"],
            moment=datetime.fromisoformat(told["time"]),
            position=lsn_bytes(told["lsn"]),
            timeline=told["timeline"],
            databases={
                name: Contents(fingerprints(item["tables"]), item["extensions"])
                for name, item in told["databases"].items()
            },
        )


def is_still(before: str, after: Sequence[str]) -> bool:
    """Tell whether no transaction was under way between the snapshots, nor in any of them.

    A snapshot is written ``xmin:xmax:numbers in use`` (PostgreSQL 16, section 9.26.7).

    >>> is_still("757:757:", ["757:757:"])
    True
    >>> is_still("757:757:", ["757:758:757"])
    False
    """
    lowest, next_one, in_use = before.split(":")
    return lowest == next_one and not in_use and all(one == before for one in after)


def after(records: Sequence[Record], chosen: RestorableSet) -> Record | None:
    """Return the first record that a restore of *chosen* can reach; None where there is none."""
    reachable = [item for item in records if item.position > chosen.stop_lsn]
    return min(reachable, key=lambda item: item.position, default=None)


def before(records: Sequence[Record], one: Record) -> Record | None:
    """Return the newest record that is older than *one*; None where there is none."""
    older = [item for item in records if item.position < one.position]
    return max(older, key=lambda item: item.position, default=None)
