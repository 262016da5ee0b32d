"""Which backup set and which WAL a target needs, and whether the repository has them.

Source of what ``info`` says: pgBackRest command reference, "info", and its JSON output. The set
is chosen as pgBackRest itself would (user guide, "Point-in-Time Recovery"), but here, so that it
can be told beforehand, and so that a target outside the archive is refused with what is possible.
Sets follow one another as the WAL does, not as the clock, which may have gone back.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from labdb.domain.recovery.clock import Jump, Point, jumps, present
from labdb.domain.recovery.space import restored
from labdb.domain.recovery.target import RecoveryTarget, lsn_bytes, lsn_text, written
from labdb.errors import RefusedError, UnreachableError

SEGMENT = 16 << 20
"""Bytes of a WAL segment; initdb's default, which labdb keeps."""
SEGMENTS_A_LOG = 256
EMPTY_OR_WELL = (0, 1, 2, 3, 6)
"""Codes of a repository in ``info``: well, no stanza, no backup, no data, not the set asked for."""
UNTIMED = ("xid", "name")
"""Targets of which nobody knows the time before the WAL is read."""
_STORE_SAYS = re.compile(r"<Error>.*?<Code>(\w+)</Code>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class RestorableSet:
    """A whole backup set of the running cluster; *size* is what it takes when restored."""

    label: str
    kind: str
    stop: datetime
    stop_lsn: int
    wal_start: str
    wal_stop: str
    size: int
    repository: int

    @property
    def first_moment(self) -> datetime:
        """The first moment that can be restored from it; its end is told in whole seconds."""
        return self.stop + timedelta(seconds=1)

    @property
    def end(self) -> Point:
        """Where in the WAL it is consistent, and when."""
        return Point(_timeline(self.wal_stop), self.stop_lsn, self.stop)

    def reaches(self, target: RecoveryTarget) -> bool:
        """Tell whether the set was consistent before the target."""
        if target.kind == "time":
            return self.first_moment <= target.moment
        return target.kind != "lsn" or self.stop_lsn <= target.position


@dataclass(frozen=True, slots=True)
class Repository:
    """What can be restored: sets as the WAL has them, and the archived WAL of each repository.

    *unreadable* is what pgBackRest says of repositories that it cannot read, *clock* what the
    server's clock is known to have shown.
    """

    sets: tuple[RestorableSet, ...]
    archives: Mapping[int, tuple[str, str]]
    unreadable: Mapping[int, str] = field(default_factory=dict)
    clock: tuple[Point, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """The set that is restored, and the first and the last segment that may be replayed.

    *jumps* is where the server's clock is known to have gone back.
    """

    target: RecoveryTarget
    set: RestorableSet
    wal_first: str
    wal_last: str
    jumps: tuple[Jump, ...] = ()

    @property
    def segments(self) -> int:
        """How many segments may be replayed; a target before the last one takes fewer."""
        return max(0, segment_number(self.wal_last) - segment_number(self.wal_first)) + 1

    @property
    def crossed(self) -> tuple[Jump, ...]:
        """Where the clock went back in the WAL that may be replayed, or behind it."""
        return tuple(jump for jump in self.jumps if self.set.end < jump.after)

    @property
    def needed(self) -> int:
        """Bytes that the restored instance takes at most."""
        return restored(self.set.size)

    @property
    def is_certain(self) -> bool:
        """Tell whether the target is known to come after the set."""
        return self.target.kind not in UNTIMED


def repository(info: Sequence[Mapping[str, Any]], recorded: Iterable[Point] = ()) -> Repository:
    """Return what pgBackRest's ``info`` lists for one stanza, without what cannot be restored.

    Left out are sets with damaged files, and those of a cluster that the stanza was upgraded from.

    Args:
        info: what it printed.
        recorded: what the server's clock showed besides the sets' times.
    """
    stanza = info[0] if info else {}
    newest: dict[int, int] = {}
    for item in stanza.get("db", ()):
        newest[item["repo-key"]] = max(item["id"], newest.get(item["repo-key"], 0))

    def is_current(item: Mapping[str, Any]) -> bool:
        return bool(newest.get(item["database"]["repo-key"]) == item["database"]["id"])

    backups = [item for item in stanza.get("backup", ()) if is_current(item)]
    sets = [_set(item) for item in backups if not item.get("error")]
    told = (_point(item, end) for item in backups for end in ("start", "stop"))
    archives = {
        item["database"]["repo-key"]: (item["min"], item["max"])
        for item in stanza.get("archive", ())
        if is_current(item) and item["min"] and item["max"]
    }
    return Repository(
        tuple(sorted(sets, key=lambda item: item.end)),
        archives,
        unreadable(info),
        (*recorded, *told),
    )


def unreadable(info: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """Return what pgBackRest says of each repository that it cannot read."""
    return {
        item["key"]: in_short(item["status"]["message"])
        for item in (info[0] if info else {}).get("repo", ())
        if item["status"]["code"] not in EMPTY_OR_WELL
    }


def damaged(info: Sequence[Mapping[str, Any]], *, since: RestorableSet) -> tuple[str, ...]:
    """Return the sets, newer than *since*, in which pgBackRest found pages with wrong checksums."""
    return tuple(
        item["label"]
        for item in (info[0] if info else {}).get("backup", ())
        if item.get("error")
        and item["database"]["repo-key"] == since.repository
        and lsn_bytes(item["lsn"]["stop"]) > since.stop_lsn
    )


def readable(there: Repository, number: int = 0) -> list[RestorableSet]:
    """Return the sets of repository *number*; of all where it is 0.

    Raises:
        UnreachableError: there is none because a repository cannot be read.
    """
    sets = [item for item in there.sets if number in (0, item.repository)]
    unread = {key: said for key, said in there.unreadable.items() if number in (0, key)}
    if not sets and unread:
        key, said = next(iter(unread.items()))
        raise UnreachableError(
            f"repository {key} cannot be read",
            why=said,
            hint="its files are noise to another passphrase than the one they were written with; "
            "is it mounted, and is it that one?",
        )
    return sets


def choose(
    there: Repository,
    target: RecoveryTarget,
    *,
    now: datetime,
    label: str = "",
    number: int = 0,
) -> Choice:
    """Return the newest set from which *target* can be reached, and its WAL.

    Args:
        there: what the repositories have.
        target: where recovery is to stop.
        now: the present, by the clock of the server.
        label: the set that has to be taken; any when empty.
        number: the repository that has to be taken; any when 0.

    Raises:
        RefusedError: there is no such set, or the target is out of reach or more than one moment;
            says what is possible.
        UnreachableError: there is none because a repository cannot be read.
    """
    sets = readable(there, number)
    if not sets:
        where = f"repository {number}" if number else "any repository"
        raise RefusedError(
            f"there is no backup set in {where}",
            why="a restore begins with one",
            hint="systemctl start pgbackrest-full.service makes one; labdb status says more",
        )
    possible = f"possible is {written(sets[0].first_moment)} to {written(now)}"
    if target.kind == "time" and target.moment > now:
        raise RefusedError(
            f"{target} is in the future of the server", why=possible, hint="take an earlier time"
        )
    named = [item for item in sets if label in ("", item.label)]
    if not named:
        raise RefusedError(
            f"there is no backup set {label}",
            why=f"there are {', '.join(item.label for item in sets)}",
            hint="take one of them, or leave --set away",
        )
    reaching = [item for item in named if item.reaches(target)]
    if not reaching:
        raise _out_of_reach(target, named[0], label, possible)
    chosen = reaching[-1]
    found = jumps((*there.clock, present(now)))
    if target.kind == "time":
        _must_be_one_moment(target, chosen, found, named=bool(label))
    first, last = there.archives.get(chosen.repository, ("", ""))
    if not first or segment_number(first) > segment_number(chosen.wal_start):
        raise RefusedError(
            f"WAL of backup set {chosen.label} is not in the archive",
            why=f"it begins with {chosen.wal_start}, and the archive with {first or 'nothing'}",
            hint="take a newer set with --set, or another repository with --repository",
        )
    end = chosen.wal_stop if target.kind == "immediate" else max(last, chosen.wal_stop)
    return Choice(target, chosen, chosen.wal_start, end, found)


def _must_be_one_moment(
    target: RecoveryTarget, chosen: RestorableSet, found: Sequence[Jump], *, named: bool
) -> None:
    """Refuse a time that the server's clock showed twice, or may have.

    From a set behind a jump the second time is reached, which is what is meant where the set is
    *named*. Where recovery would pass a jump, nobody knows before on which side of it it stops.
    """
    for jump in found:
        behind = jump.after <= chosen.end
        if target.moment < jump.since or (behind and (named or target.moment >= jump.until)):
            continue
        certain = jump.doubles(target.moment)
        first, second = (jump.before, jump.after) if certain else (jump.after, jump.before)
        raise RefusedError(
            f"{target} {'came' if certain else 'may have come'} twice on this server",
            why=f"its clock went back, {jump} or further",
            hint=f"take --name, or --lsn: the first time lies before {first}, the second behind "
            f"{second}" + (f"; or --set {chosen.label} for the second" if behind else ""),
        )


def _out_of_reach(
    target: RecoveryTarget, oldest: RestorableSet, label: str, possible: str
) -> RefusedError:
    what = "the end of" if label else "the oldest"
    return RefusedError(
        f"{target} lies before {what} backup set {oldest.label}",
        why=f"that set ended {written(oldest.stop)} at LSN {lsn_text(oldest.stop_lsn)}; {possible}",
        hint="take an older set" if label else "take a later target, or another --repository",
    )


def _set(item: Mapping[str, Any]) -> RestorableSet:
    return RestorableSet(
        label=item["label"],
        kind=item["type"],
        stop=datetime.fromtimestamp(item["timestamp"]["stop"], tz=UTC),
        stop_lsn=lsn_bytes(item["lsn"]["stop"]),
        wal_start=item["archive"]["start"],
        wal_stop=item["archive"]["stop"],
        size=item["info"]["size"],
        repository=item["database"]["repo-key"],
    )


def in_short(said: str) -> str:
    """Return what can be printed of the first line; files that were misread come along with it.

    An object store says why in the body of its answer: a code in XML (Amazon S3 API Reference,
    "Error responses").
    """
    first = said.strip().splitlines()[0] if said.strip() else ""
    code = _STORE_SAYS.search(said)
    whole = f"{first} {code[1]}" if code else first
    return "".join(letter for letter in whole if letter.isprintable())


def _point(item: Mapping[str, Any], end: str) -> Point:
    """Return what the clock showed at the *end* ``start`` or ``stop`` of a set."""
    return Point(
        _timeline(item["archive"][end]),
        lsn_bytes(item["lsn"][end]),
        datetime.fromtimestamp(item["timestamp"][end], tz=UTC),
    )


def _timeline(segment: str) -> int:
    return int(segment[:8], 16)


def segment_number(segment: str) -> int:
    """Return the number of a segment, whatever its timeline; its name has three times 8 digits."""
    return int(segment[8:16], 16) * SEGMENTS_A_LOG + int(segment[16:24], 16)
