"""What pgBackRest says that its repositories hold.

Source: pgBackRest command reference, "info", and its JSON output.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class BackupSet:
    """One backup set in one repository; sizes in bytes.

    *size* is what it takes when it is restored, *stored* what it added to the repository. *full*
    is the label of the full set that it needs, its own where it is one.
    """

    label: str
    kind: str
    start: datetime
    stop: datetime
    size: int
    stored: int
    wal_start: str
    wal_stop: str
    repository: int
    full: str
    damaged: bool

    @property
    def seconds(self) -> float:
        """What it took."""
        return (self.stop - self.start).total_seconds()


def backup_sets(info: Sequence[Mapping[str, Any]]) -> tuple[BackupSet, ...]:
    """Return the sets of the stanza that *info* tells of, oldest first."""
    stanza = info[0] if info else {}
    sets = (_set(item) for item in stanza.get("backup", ()))
    return tuple(sorted(sets, key=lambda item: (item.stop, item.repository)))


def _set(item: Mapping[str, Any]) -> BackupSet:
    return BackupSet(
        label=item["label"],
        kind=item["type"],
        start=datetime.fromtimestamp(item["timestamp"]["start"], tz=UTC),
        stop=datetime.fromtimestamp(item["timestamp"]["stop"], tz=UTC),
        size=item["info"]["size"],
        stored=item["info"]["repository"]["delta"],
        wal_start=item["archive"]["start"],
        wal_stop=item["archive"]["stop"],
        repository=item["database"]["repo-key"],
        full=item["label"].split("_")[0],
        damaged=bool(item.get("error")),
    )
