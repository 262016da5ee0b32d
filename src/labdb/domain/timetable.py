"""How often a systemd calendar expression comes round (systemd.time(7), calendar events)."""

import re

WORDS = {"hourly": 24.0, "daily": 1.0, "weekly": 1 / 7, "monthly": 1 / 30, "yearly": 1 / 365}
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAYS_IN_MONTH = 30
HOURS = 24
_ITEM = r"(\*|\d+(\.\.\d+)?)(/[1-9]\d*)?"
_FIELD = re.compile(rf"{_ITEM}(,{_ITEM})*")


def runs_per_day(expression: str) -> float:
    """Return how many times a day *expression* elapses, on average.

    Hours, weekdays and days of the month are understood, as backups use them; what else
    an expression may hold (years, months, minutes) is taken as one time.

    >>> runs_per_day("*-*-* 08,14,20:00:00")
    3.0
    >>> round(runs_per_day("Sun *-*-* 02:00:00") * 7, 3)
    1.0
    """
    text = expression.strip().lower()
    if text in WORDS:
        return WORDS[text]
    share = 1.0
    for part in text.split():
        if ":" in part:
            share *= _count(part.split(":")[0], HOURS)
        elif part[:3] in WEEKDAYS:
            share *= _weekdays(part) / len(WEEKDAYS)
        elif "-" in part:
            share *= _count(part.split("-")[-1], DAYS_IN_MONTH) / DAYS_IN_MONTH
    return share


def _count(field: str, every: int) -> int:
    """Return how many of *every* values *field* names: ``*``, ``1,2``, ``1..5``, ``0/6``."""
    if not _FIELD.fullmatch(field):
        return 1
    total = 0
    for item in field.split(","):
        span, _, step = item.partition("/")
        low, dots, high = span.partition("..")
        if span == "*":
            size = every
        elif dots:
            size = int(high) - int(low) + 1
        else:
            size = every - int(low) if step else 1
        total += -(-size // int(step or 1))
    return max(1, min(total, every))


def _weekdays(field: str) -> int:
    days: set[int] = set()
    for item in field.split(","):
        first, dots, last = item.partition("..")
        if first[:3] not in WEEKDAYS or (dots and last[:3] not in WEEKDAYS):
            continue
        low = WEEKDAYS.index(first[:3])
        high = WEEKDAYS.index(last[:3]) if dots else low
        days.update((low + step) % 7 for step in range((high - low) % 7 + 1))
    return len(days) or 1
