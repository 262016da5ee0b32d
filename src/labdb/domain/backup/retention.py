"""How long each backup set is kept.

Source: pgBackRest configuration reference, "repo-retention-full-type" with ``time``: a full set is
expired when another full set is at least as old as the retention; what depends on it goes with it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest

from labdb.domain.backup.sets import BackupSet

_LABEL = re.compile(r"\b\d{8}-\d{6}F(?:_\d{8}-\d{6}[DI])?\b")


def kept_until(
    sets: Sequence[BackupSet], days: Mapping[int, int]
) -> dict[tuple[int, str], datetime | None]:
    """Return the moment from which each set may be expired, by repository and label.

    None where nothing but a later full set can end it: it is, or needs, the newest full one.
    What lies in a repository that has no retention any more is never expired.

    Args:
        sets: what the repositories hold.
        days: the retention of each repository.
    """
    ends: dict[tuple[int, str], datetime | None] = {}
    for number in {item.repository for item in sets} & set(days):
        full = [item for item in sets if item.repository == number and item.kind == "full"]
        full.sort(key=lambda item: item.stop)
        for one, later in zip_longest(full, full[1:]):
            ends[number, one.label] = later.stop + timedelta(days=days[number]) if later else None
    return {(item.repository, item.label): ends.get((item.repository, item.full)) for item in sets}


def would_expire(
    sets: Iterable[BackupSet], days: Mapping[int, int], now: datetime
) -> tuple[str, ...]:
    """Return the labels of the sets that an expiry at *now* takes, oldest first."""
    listed = list(sets)
    ends = kept_until(listed, days)
    return tuple(
        item.label
        for item in listed
        if (end := ends[item.repository, item.label]) is not None and end <= now
    )


def expired(said: str) -> tuple[str, ...]:
    """Return the labels of the sets that ``pgbackrest expire`` says it takes.

    >>> expired("P00   INFO: [DRY-RUN] repo1: expire time-based backup 20261001-020000F")
    ('20261001-020000F',)
    """
    lines = [line for line in said.splitlines() if "expire" in line and "backup" in line]
    found = [label for line in lines for label in _LABEL.findall(line.partition("expire")[2])]
    return tuple(dict.fromkeys(found))
