"""Compare the parameters of a running PostgreSQL with those that are declared.

Source of units and spellings: PostgreSQL 16 documentation, section 20.1.1 "Parameter Names
and Values", and the columns of the view pg_settings (section 54.24).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Protocol

from labdb.report import Change, Effect, Finding

BYTES: Mapping[str, int] = {"B": 1, "kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}
MICROSECONDS: Mapping[str, int] = {
    "us": 1,
    "ms": 1000,
    "s": 1_000_000,
    "min": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
}
TRUE = frozenset({"on", "true", "yes", "1", "t", "y"})
RESTART_CONTEXTS = frozenset({"postmaster", "internal"})
_QUANTITY = re.compile(r"\s*([-+]?[0-9.]+(?:e[-+]?[0-9]+)?)\s*([0-9]*[A-Za-z]*)\s*", re.IGNORECASE)


class Parameter(Protocol):
    """A declared parameter: as much of it as a comparison needs."""

    @property
    def name(self) -> str:
        """Name, as PostgreSQL has it."""

    @property
    def value(self) -> str:
        """Value, as postgresql.conf has it, without quotes."""

    @property
    def reason(self) -> str:
        """Why it has this value."""

    @property
    def context(self) -> str:
        """What it takes to change it: pg_settings.context."""


@dataclass(frozen=True, slots=True)
class RunningParameter:
    """A row of pg_settings.

    *shown* is the value as SHOW prints it, *by_hand* tells that ALTER SYSTEM set it, *boot* is
    PostgreSQL's own value.
    """

    name: str
    setting: str
    unit: str | None
    type: str
    context: str
    shown: str
    pending_restart: bool = False
    source: str = ""
    by_hand: bool | None = False
    boot: str | None = None


def parameter_changes(
    declared: Iterable[Parameter], running: Iterable[RunningParameter]
) -> tuple[Change, ...]:
    """Return what differs, and whether a reload or a restart brings it into effect."""
    live = {row.name: row for row in running}
    changes = []
    for parameter in declared:
        row = live.get(parameter.name)
        if row is not None and not differs(parameter.value, row):
            continue
        context = row.context if row else parameter.context
        changes.append(
            Change(
                subject="parameter",
                field=parameter.name,
                before=row.shown if row else None,
                after=parameter.value,
                effect=Effect.RESTART if context in RESTART_CONTEXTS else Effect.RELOAD,
                reason=parameter.reason,
            )
        )
    return tuple(changes)


def set_by_hand(
    changes: Iterable[Change], running: Iterable[RunningParameter]
) -> tuple[tuple[Change, ...], tuple[Finding, ...]]:
    """Return the *changes* that a run makes, and a finding for those that it cannot.

    What ALTER SYSTEM has set wins over every file; labdb leaves it to whoever set it.
    """
    kept = {row.name for row in running if row.by_hand}
    changes = tuple(changes)
    left = {change.field: change for change in changes if change.field in kept}
    findings = tuple(
        Finding(
            "alter system",
            "warning",
            f"{name} is {change.before} by ALTER SYSTEM, {change.after} is declared",
            "it wins over the configuration files, and labdb leaves it",
            f"ALTER SYSTEM RESET {name}, or labdb drift --fix; or declare it in "
            "postgresql.parameters",
        )
        for name, change in left.items()
    )
    return tuple(change for change in changes if change.field not in left), findings


def differs(text: str, row: RunningParameter) -> bool:
    """Tell whether *text*, as written in postgresql.conf, means another value than *row* has.

    >>> differs("8GB", RunningParameter("x", "1048576", "8kB", "integer", "sighup", "8GB"))
    False
    """
    match row.type:
        case "bool":
            return (text.lower() in TRUE) != (row.setting.lower() in TRUE)
        case "integer" | "real":
            wanted, found = _quantity(text, row.unit), _quantity(row.setting, row.unit)
            if wanted is None or found is None:
                return text != row.setting
            if row.type == "integer":  # PostgreSQL rounds to the parameter's own unit
                return round(wanted) != round(found)
            return abs(wanted - found) > abs(found) * Decimal("1e-6")
        case "enum":
            return text.lower() != row.setting.lower()
        case _:
            return _words(text) != _words(row.setting)


def _quantity(text: str, unit: str | None) -> Decimal | None:
    """Return *text* in multiples of *unit*; a number without a unit is in it already."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return None
    try:
        number = Decimal(match[1])
    except InvalidOperation:
        return None
    own = match[2]
    if not own or not unit:
        return number
    for table in (BYTES, MICROSECONDS):
        scale = _scale(unit, table)
        if scale and own in table:
            return number * table[own] / scale
    return None


def _scale(unit: str, table: Mapping[str, int]) -> int | None:
    """Return the size of pg_settings' *unit*, for example of ``8kB``."""
    match = re.fullmatch(r"([0-9]*)([A-Za-z]+)", unit)
    if match is None or match[2] not in table:
        return None
    return int(match[1] or 1) * table[match[2]]


def _words(text: str) -> list[str]:
    return [word.strip().strip('"') for word in text.split(",")]
