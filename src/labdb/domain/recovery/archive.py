"""Whether the archive has every WAL segment that a restore may replay."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from labdb.domain.recovery.choice import SEGMENTS_A_LOG, Choice, segment_number

_SEGMENT = re.compile(r"(?:^|/)(?P<name>[0-9A-F]{24})-[0-9a-f]{40}(?:\.\w+)?$")
"""A segment in the repository: its name, the checksum of what it holds, how it is compressed."""


def archive_folder(info: Sequence[Mapping[str, Any]], repository: int) -> str:
    """Return the folder of the running cluster's WAL below the stanza's, for example ``16-1``."""
    of_it = [
        item
        for item in (info[0] if info else {}).get("archive", ())
        if item["database"]["repo-key"] == repository
    ]
    return str(max(of_it, key=lambda item: int(item["database"]["id"]))["id"]) if of_it else ""


def segments(paths: Iterable[str]) -> frozenset[str]:
    """Return the names of the whole segments among *paths* of a repository.

    >>> sorted(segments(["0000000100000000/000000010000000000000002-" + "0" * 40 + ".zst"]))
    ['000000010000000000000002']
    """
    found = (_SEGMENT.search(path) for path in paths)
    return frozenset(match["name"] for match in found if match)


def missing(there: Iterable[str], chosen: Choice) -> tuple[str, ...]:
    """Return the segments between the first and the last of *chosen* that are not *there*.

    A segment counts on whatever timeline it is: after a promotion the old one's are not made
    again. A missing one is named on the timeline of the last.
    """
    known = {segment_number(name) for name in there}
    first, last = segment_number(chosen.wal_first), segment_number(chosen.wal_last)
    return tuple(
        f"{chosen.wal_last[:8]}{number // SEGMENTS_A_LOG:08X}{number % SEGMENTS_A_LOG:08X}"
        for number in range(first, last + 1)
        if number not in known
    )
