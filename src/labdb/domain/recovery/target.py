"""What WAL is replayed up to, and how people write it.

Sources: PostgreSQL 16 documentation, section 20.5.6 "Recovery Target"; pgBackRest command
reference, "restore", options type, target, target-exclusive and target-action.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

from labdb.errors import UsageError

Kind = Literal["latest", "immediate", "time", "xid", "lsn", "name"]

EXCLUDABLE = ("time", "xid", "lsn")
FIRST_XID = 3
"""Smaller numbers are PostgreSQL's own (access/transam.h)."""
LAST_XID = (1 << 64) - 1
HOW = "write it like '2026-11-25 08:12:57+00:00', '2026-11-25 09:12 Europe/Berlin' or '20 min ago'"
_MOMENT = re.compile(
    r"(?P<day>[12]\d{3}-\d{2}-\d{2})[ T](?P<clock>\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?) ?(?P<zone>\S*)"
)
_OFFSET = re.compile(r"(?P<sign>[+-])(?P<hours>\d{2})(:?(?P<minutes>[0-5]\d))?")
_REGION = re.compile(r"[A-Za-z_]+(/[A-Za-z0-9_+-]+)+")
_AGO = re.compile(
    r"(?P<number>\d{1,5}) ?(?P<unit>s|sec|seconds?|min|minutes?|h|hours?|d|days?) ago"
)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LSN = re.compile(r"[0-9A-F]{1,8}/[0-9A-F]{1,8}")
_NAME = re.compile(r"[A-Za-z0-9_.:@+-]([A-Za-z0-9_.:@+ -]{0,61}[A-Za-z0-9_.:@+-])?")


@dataclass(frozen=True, slots=True)
class RecoveryTarget:
    """Where recovery stops: the end of the archive or of the backup, or what *value* names.

    *value* is written as PostgreSQL takes it, a time in UTC. With *exclusive* the transaction
    at the target is left out.
    """

    kind: Kind = "latest"
    value: str = ""
    exclusive: bool = False

    @property
    def moment(self) -> datetime:
        """The time of a target of kind ``time``."""
        return datetime.fromisoformat(self.value)

    @property
    def position(self) -> int:
        """The byte of the WAL of a target of kind ``lsn``."""
        return lsn_bytes(self.value)

    @property
    def options(self) -> tuple[str, ...]:
        """The options of ``pgbackrest restore``; the instance is opened at the target."""
        if self.kind == "latest":
            return ("--type=default",)
        named = (f"--target={self.value}",) if self.value else ()
        left_out = ("--target-exclusive",) if self.exclusive else ()
        return (f"--type={self.kind}", *named, *left_out, "--target-action=promote")

    def __str__(self) -> str:
        """Return the target for a reader."""
        text = {
            "latest": "the end of the archive",
            "immediate": "the end of the backup",
            "time": self.value,
            "xid": f"transaction {self.value}",
            "lsn": f"LSN {self.value}",
            "name": f"restore point {self.value}",
        }[self.kind]
        return f"{text}, without it" if self.exclusive else text


LATEST = RecoveryTarget()
IMMEDIATE = RecoveryTarget("immediate")


def parse(
    kind: Kind, text: str, *, now: datetime, zones: Mapping[str, tzinfo], exclusive: bool = False
) -> RecoveryTarget:
    """Return the target of *kind* that *text* means.

    Args:
        kind: one of PostgreSQL's kinds of target, or ``latest``.
        text: what somebody typed; empty for ``latest`` and ``immediate``.
        now: the present; nothing later can be asked for.
        zones: zones in which a time without one may have been meant, by whose they are.
        exclusive: leave the transaction at the target out.

    Raises:
        UsageError: it means nothing, or more than one thing, or lies in the future.
    """
    if exclusive and kind not in EXCLUDABLE:
        raise UsageError(
            f"nothing can be left out at a target of kind {kind}",
            why=f"only {', '.join(EXCLUDABLE)} name a transaction",
            hint="leave --exclusive away",
        )
    if kind == "time":
        return RecoveryTarget("time", _time(text.strip(), now, zones), exclusive)
    if kind == "xid":
        return RecoveryTarget("xid", _xid(text.strip()), exclusive)
    if kind == "lsn":
        return RecoveryTarget("lsn", _lsn(text.strip().upper()), exclusive)
    if kind == "name":
        return RecoveryTarget("name", _name(text))
    return IMMEDIATE if kind == "immediate" else LATEST


def written(moment: datetime) -> str:
    """Return *moment* as PostgreSQL and pgBackRest both read it, in UTC.

    >>> written(datetime(2026, 11, 25, 9, 12, tzinfo=timezone(timedelta(hours=1))))
    '2026-11-25 08:12:00+00'
    """
    return moment.astimezone(UTC).isoformat(sep=" ").removesuffix(":00")


def lsn_bytes(text: str) -> int:
    """Return the byte of the WAL that an LSN names.

    >>> lsn_bytes("1/10")
    4294967312
    """
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def lsn_text(position: int) -> str:
    """Return the LSN of a byte of the WAL.

    >>> lsn_text(4294967312)
    '1/10'
    """
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"


def region(name: str) -> tzinfo | None:
    """Return the zone that the time zone database calls *name*, None when it knows none."""
    with suppress(LookupError, ValueError, OSError):
        return ZoneInfo(name)
    return None


def _xid(text: str) -> str:
    if not text.isascii() or not text.isdigit() or not FIRST_XID <= int(text) <= LAST_XID:
        raise UsageError(
            f"{text!r} is not the number of a transaction",
            why=f"numbers go from {FIRST_XID} to {LAST_XID}",
            hint="SELECT pg_current_xact_id() tells it inside the transaction; pg_waldump later",
        )
    return text


def _lsn(text: str) -> str:
    if not _LSN.fullmatch(text):
        raise UsageError(
            f"{text!r} is not a position in the WAL",
            why="an LSN is two hexadecimal numbers with a slash between them",
            hint="SELECT pg_current_wal_lsn() tells it, for example 0/3000060",
        )
    return text


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise UsageError(
            f"{text!r} is not the name of a restore point that labdb takes",
            why="letters, digits, blanks and _.:@+- are taken, 63 characters at most",
            hint="names are given with SELECT pg_create_restore_point('name')",
        )
    return text


def _time(text: str, now: datetime, zones: Mapping[str, tzinfo]) -> str:
    ago = _AGO.fullmatch(text)
    moment = _ago(ago, now) if ago else _named(text, zones)
    if moment > now:
        raise UsageError(
            f"{written(moment)} is in the future",
            why=f"it is {written(now.replace(microsecond=0))}",
            hint="take an earlier time, or --latest",
        )
    return written(moment)


def _ago(found: re.Match[str], now: datetime) -> datetime:
    return now - timedelta(**{_UNITS[found["unit"][0]]: int(found["number"])})


def _named(text: str, zones: Mapping[str, tzinfo]) -> datetime:
    found = _MOMENT.fullmatch(text)
    if found is None:
        why = "it takes a day, a time of day and a zone"
        raise UsageError(f"{text!r} is not a time", why=why, hint=HOW)
    try:
        local = datetime.fromisoformat(f"{found['day']} {found['clock']}")
    except ValueError as error:
        raise UsageError(f"{text!r} is not a time", why=str(error), hint=HOW) from None
    if not found["zone"]:
        raise _without_zone(text, local, zones)
    meant = _readings(local, _zone(found["zone"]))
    if not meant:
        raise UsageError(
            f"{text!r} never was",
            why="clocks were put forward over it there",
            hint="write the time with an offset from UTC, for example +01:00",
        )
    if len(meant) > 1:
        first, second = (moment.isoformat(sep=" ") for moment in meant)
        raise UsageError(
            f"{text!r} was twice",
            why=f"clocks were put back over it there: {first}, and {second}",
            hint="write one of the two",
        )
    return meant[0]


def _without_zone(text: str, local: datetime, zones: Mapping[str, tzinfo]) -> UsageError:
    readings = [
        f"{moment.isoformat(sep=' ')} by the clock of {whose}"
        for whose, zone in zones.items()
        for moment in _readings(local, zone)
    ]
    return UsageError(
        f"{text!r} has no zone, so it is not one moment",
        why=f"it may mean {' or '.join(readings)}" if readings else "each zone has its own",
        hint="write one of them with its offset" if readings else HOW,
    )


def _readings(local: datetime, zone: tzinfo) -> list[datetime]:
    """Return the moments at which clocks in *zone* showed *local*: one, none or two."""
    both = (local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    # Two moments that differ by their fold alone are equal to Python, hence the offsets.
    return list(
        {
            moment.utcoffset(): moment
            for moment in both
            if moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0) == local
        }.values()
    )


def _zone(text: str) -> tzinfo:
    if text.upper() in ("Z", "UTC", "GMT"):
        return UTC
    if offset := _OFFSET.fullmatch(text):
        sign = -1 if offset["sign"] == "-" else 1
        size = timedelta(hours=int(offset["hours"]), minutes=int(offset["minutes"] or 0))
        if size < timedelta(days=1):
            return timezone(sign * size)
    if _REGION.fullmatch(text) and (known := region(text)):
        return known
    raise UsageError(
        f"{text!r} is not a time zone",
        why="an offset like +01:00, UTC, or a name like Europe/Berlin is one; abbreviations are "
        "not, for they mean different zones in different places",
        hint=HOW,
    )
