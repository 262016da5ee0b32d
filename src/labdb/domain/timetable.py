"""When a systemd calendar expression comes round (systemd.time(7), calendar events).

Hours, weekdays, days of the month and months are understood, as backups use them. Minutes
and seconds are passed over, every year is like the others, and a part that cannot be read
stands for its first value.
"""

import itertools
import re
from dataclasses import dataclass
from datetime import date, timedelta

WORDS = {
    "minutely": "*-*-* *:00",
    "hourly": "*-*-* *:00",
    "daily": "*-*-* 00:00",
    "weekly": "Mon *-*-* 00:00",
    "monthly": "*-*-01 00:00",
    "quarterly": "*-01,04,07,10-01 00:00",
    "semiannually": "*-01,07-01 00:00",
    "yearly": "*-01-01 00:00",
    "annually": "*-01-01 00:00",
}
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAYS_IN_MONTH = 30
MONTHS_IN_YEAR = 12
HOURS_IN_DAY = 24
WALKED = (date(2024, 1, 1), 2 * 366)
"""Two years from a leap year's first day: every pause that comes round each year is in it."""
_ITEM = r"(\*|\d+(\.\.\d+)?)(/[1-9]\d*)?"
_FIELD = re.compile(rf"{_ITEM}(,{_ITEM})*")

_DAY = rf"(?:{'|'.join(WEEKDAYS)})[a-z]*"
_PART = re.compile(
    rf"{_DAY}(?:(?:,|\.\.){_DAY})*|(?:[\d*,./]+-)?[\d*,./]+[-~][\d*,./]+"
    r"|[\d*,./]+:[\d*,./]+(?::[\d*,./]+)?|utc|[a-z_]+(?:/[a-z0-9_+-]+)+",
    re.IGNORECASE,
)
"""Weekdays, a date, a time or a zone."""


@dataclass(frozen=True, slots=True)
class Timetable:
    """The hours at which something happens, on days that every other field allows."""

    hours: frozenset[int]
    weekdays: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]

    @classmethod
    def of(cls, expression: str) -> "Timetable":
        """Return what *expression* means."""
        text = expression.strip().lower()
        hours, weekdays = frozenset({0}), frozenset(range(len(WEEKDAYS)))
        days, months = _values("*", 1, 31), _values("*", 1, MONTHS_IN_YEAR)
        for part in WORDS.get(text, text).lower().split():
            if ":" in part:
                hours = _values(part.split(":")[0], 0, HOURS_IN_DAY - 1)
            elif part[:3] in WEEKDAYS:
                weekdays = _weekdays(part)
            elif re.match(r"[\d*].*-", part):
                month, day = part.split("-")[-2:]
                days, months = _values(day, 1, 31), _values(month, 1, MONTHS_IN_YEAR)
        return cls(hours, weekdays, days, months)

    def on(self, day: date) -> bool:
        """Tell whether it happens on *day* at all."""
        return day.day in self.days and day.month in self.months and day.weekday() in self.weekdays


def is_readable(expression: str) -> bool:
    """Tell whether systemd reads *expression* as a calendar event, as far as labdb can tell.

    >>> is_readable("Mon..Sat *-*-* 02:00:00 Europe/Berlin"), is_readable("sundays at two")
    (True, False)
    """
    text = expression.strip()
    if text.lower() in WORDS:
        return True
    parts = text.split()
    return bool(parts) and all(_PART.fullmatch(part) for part in parts)


def ever_runs(expression: str) -> bool:
    """Tell whether *expression* comes round at all.

    >>> ever_runs("*-02-29 02:00"), ever_runs("*-02-30 02:00")
    (True, False)
    """
    found, (first, length) = Timetable.of(expression), WALKED
    days = (first + timedelta(days=number) for number in range(length))
    return bool(found.hours) and any(found.on(day) for day in days)


def runs_per_day(expression: str) -> float:
    """Return how many times a day *expression* elapses, on average.

    >>> runs_per_day("*-*-* 08,14,20:00:00")
    3.0
    >>> round(runs_per_day("Sun *-*-* 02:00:00") * 7, 3)
    1.0
    """
    found = Timetable.of(expression)
    return (
        len(found.hours)
        * (len(found.weekdays) / len(WEEKDAYS))
        * (min(len(found.days), DAYS_IN_MONTH) / DAYS_IN_MONTH)
        * (len(found.months) / MONTHS_IN_YEAR)
    )


def longest_pause(*expressions: str) -> timedelta:
    """Return the longest time in which none of *expressions* elapses.

    >>> longest_pause("Sun *-*-* 02:00:00")
    datetime.timedelta(days=7)
    >>> longest_pause("Sun *-*-* 02:00:00", "Mon..Sat *-*-* 02:00:00")
    datetime.timedelta(days=1)
    """
    found = [Timetable.of(expression) for expression in expressions]
    first, length = WALKED
    moments = sorted(
        {
            number * HOURS_IN_DAY + hour
            for number in range(length)
            for timetable in found
            if timetable.on(first + timedelta(days=number))
            for hour in timetable.hours
        }
    )
    pauses = (after - before for before, after in itertools.pairwise(moments))
    # What never comes round twice (the 30th of February) pauses all the time.
    return timedelta(hours=max(pauses, default=length * HOURS_IN_DAY))


def _values(field: str, low: int, high: int) -> frozenset[int]:
    """Return what *field* names between *low* and *high*: ``*``, ``1,2``, ``1..5``, ``0/6``."""
    named: set[int] = set()
    if _FIELD.fullmatch(field):
        for item in field.split(","):
            span, _, step = item.partition("/")
            first, dots, last = span.partition("..")
            begin = low if span == "*" else int(first)
            end = int(last) if dots else high if span == "*" or step else begin
            named.update(range(begin, min(end, high) + 1, int(step or 1)))
    return frozenset(value for value in named if value >= low) or frozenset({low})


def _weekdays(field: str) -> frozenset[int]:
    days: set[int] = set()
    for item in field.split(","):
        first, dots, last = item.partition("..")
        if first[:3] not in WEEKDAYS or (dots and last[:3] not in WEEKDAYS):
            continue
        low = WEEKDAYS.index(first[:3])
        high = WEEKDAYS.index(last[:3]) if dots else low
        days.update((low + step) % 7 for step in range((high - low) % 7 + 1))
    return frozenset(days) or frozenset({0})
