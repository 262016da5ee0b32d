"""Records of what every table held at a restore point, and which one fits a backup set."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from labdb.domain.recovery.choice import RestorableSet
from labdb.domain.recovery.clock import Point
from labdb.domain.recovery.fingerprint import TableFingerprint, fingerprints
from labdb.domain.recovery.target import lsn_bytes

FILES = "[0-9A-F]" * 8 + "-*.json"
"""Files of records in their folder; sorted by name they are in the order of the WAL."""
_FILE = re.compile(
    r"(?P<timeline>[0-9A-F]{8})-(?P<position>[0-9A-F]{16})-(?P<moment>\d{8}T\d{6}Z)\.json"
)
_MOMENT = "%Y%m%dT%H%M%SZ"


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

    @property
    def point(self) -> Point:
        """Where in the WAL the restore point is, and when it was made."""
        return Point(int(self.timeline, 16), self.position, self.moment)

    @property
    def file_name(self) -> str:
        """How its file is called: the moment is in UTC."""
        return f"{self.timeline}-{self.position:016X}-{self.moment:{_MOMENT}}.json"


def points(names: Iterable[str]) -> tuple[Point, ...]:
    """Return where in the WAL the records were taken, and when, by the names of their files.

    >>> [str(point.moment) for point in points(["00000001-0000000003000060-20261122T020500Z.json"])]
    ['2026-11-22 02:05:00+00:00']
    """
    found = (_FILE.fullmatch(name) for name in names)
    return tuple(
        Point(
            int(match["timeline"], 16),
            int(match["position"], 16),
            datetime.strptime(match["moment"], _MOMENT).replace(tzinfo=UTC),
        )
        for match in found
        if match
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
