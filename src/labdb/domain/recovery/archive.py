"""Whether the archive has every WAL segment that a restore may replay.

pgBackRest drops WAL that waits beyond ``archive-push-queue-max``, and tells PostgreSQL that it was
archived (command reference, "archive-push"): nothing but a look at the segments shows it.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from labdb.domain.recovery.choice import SEGMENTS_A_LOG, Repository, repository, segment_number
from labdb.report import Finding

SHOWN = 3

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


def numbers(paths: Iterable[str]) -> frozenset[int]:
    """Return the numbers of the whole segments among *paths* of a repository.

    >>> sorted(numbers(["0000000100000000/000000010000000000000002-" + "0" * 40 + ".zst"]))
    [2]
    """
    found = (_SEGMENT.search(path) for path in paths)
    return frozenset(segment_number(match["name"]) for match in found if match)


def missing(there: Collection[int], first: str, last: str) -> tuple[str, ...]:
    """Return the segments from *first* to *last* whose numbers are not *there*.

    A segment counts on whatever timeline it is: after a promotion the old one's are not made
    again. A missing one is named on the timeline of the last.
    """
    return tuple(
        f"{last[:8]}{number // SEGMENTS_A_LOG:08X}{number % SEGMENTS_A_LOG:08X}"
        for number in range(segment_number(first), segment_number(last) + 1)
        if number not in there
    )


def lost_wal(
    info: Sequence[Mapping[str, Any]], archives: Mapping[str, Any], *, waiting: str | None
) -> tuple[Finding, ...]:
    """Return a finding for WAL that is in no file of a repository, and is not on its way either.

    Args:
        info: what pgBackRest lists.
        archives: the segments in each repository, as the guest told.
        waiting: the oldest segment that is still to be archived; None where none is.
    """
    held, findings = repository(info), []
    for key, told in archives.items():
        if "error" in told:
            what = f"the WAL in repository {key} cannot be listed"
            hint = "labdb backup check says whether the repository can be read"
            findings.append(Finding("archive", "warning", what, told["error"], hint))
            continue
        runs = told["ok"].get(archive_folder(info, int(key)), ())
        there = {number for first, last in runs for number in range(first, last + 1)}
        findings += lost(held, int(key), there, waiting=waiting or "")
    return tuple(findings)


def lost(
    held: Repository, number: int, there: Collection[int], *, waiting: str = ""
) -> tuple[Finding, ...]:
    """Return a finding for the WAL that repository *number* lost since its oldest set began.

    Args:
        held: the sets and the archive of every repository.
        number: the repository.
        there: numbers of the segments in it.
        waiting: the oldest segment that is still to be archived: what comes from there is not lost.
    """
    sets = [item for item in held.sets if item.repository == number]
    if not sets or number not in held.archives:
        return ()
    end = held.archives[number][1]
    gone = missing(there, sets[0].wal_start, max(end, sets[-1].wal_stop))
    if waiting:
        gone = tuple(name for name in gone if segment_number(name) < segment_number(waiting))
    since = segment_number(sets[-1].wal_start)
    newer = tuple(name for name in gone if segment_number(name) >= since)
    older = tuple(name for name in gone if segment_number(name) < since)
    findings = (after_newest(newer, number),) if newer else ()
    return (*findings, before_newest(older, number)) if older else findings


def after_newest(names: Sequence[str], number: int) -> Finding:
    """Return what it means that segments after the newest set are not in repository *number*."""
    why = "everything after it can be restored only from a set that ended later"
    hint = f"take a full backup now: labdb backup run --kind full --repository {number}"
    return Finding("archive", "critical", _not_there(names, number), why, hint)


def before_newest(names: Sequence[str], number: int) -> Finding:
    """Return what it means that segments older than the newest set are not there."""
    why = "no moment between it and the set after it can be restored from there"
    hint = "another repository may have it: labdb restore --repository"
    return Finding("archive", "warning", _not_there(names, number), why, hint)


def _not_there(names: Sequence[str], number: int) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"WAL segment {', '.join(names[:SHOWN])}{more} is not in repository {number}"
