"""PostgreSQL's parameters as data: type, unit, range and context, from a real server."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from labdb.errors import DeclarationError
from labdb.size import UNITS

MEMORY = {
    "B": 1,
    "kB": UNITS["kB"],
    "8kB": 8 * UNITS["kB"],
    "MB": UNITS["MB"],
    "GB": UNITS["GB"],
    "TB": UNITS["TB"],
}
TIME = {"us": 0.001, "ms": 1.0, "s": 1000.0, "min": 60_000.0, "h": 3_600_000.0, "d": 86_400_000.0}
MAJORS = (16, 17, 18)
"""Major versions that there is a catalogue for."""
BOOLEANS = {"true": "on", "false": "off", "yes": "on", "no": "off", "1": "on", "0": "off"}
"""Other words for on and off; PostgreSQL takes their beginnings too."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A row of ``pg_settings``: *context* tells when a change takes effect."""

    name: str
    type: str
    context: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] = ()
    default: str = ""

    @property
    def needs_restart(self) -> bool:
        """Tell whether only a restart brings a change into effect."""
        return self.context == "postmaster"

    def parse(self, text: str) -> float | str:
        """Return *text* in the parameter's own unit, or normalised when it is no number.

        Raises:
            ValueError: not a value of this parameter's type, or out of its range.
        """
        text = text.strip()
        if self.type == "bool":
            return _boolean(text)
        if self.type == "enum":
            return self._one_of_its_values(text)
        if self.type in ("integer", "real"):
            return self._in_range(_quantity(text, self.unit))
        return text

    def _one_of_its_values(self, text: str) -> str:
        known = {value.lower() for value in self.values}
        word = text.lower()
        if word not in known and "on" in known:  # then it takes every other boolean, in full
            word = BOOLEANS.get(word, word)
        if word not in known:
            raise ValueError(f"{text!r} is not one of {', '.join(self.values)}")
        return word

    def _in_range(self, number: float) -> float:
        low, high = self.minimum, self.maximum
        if (low is not None and number < low) or (high is not None and number > high):
            unit = f" (unit {self.unit})" if self.unit else ""
            raise ValueError(f"{number:g} is outside {low:g} .. {high:g}{unit}")
        return round(number) if self.type == "integer" else number


def _boolean(text: str) -> str:
    word = text.lower()
    if word == "on":
        return "on"
    if word in ("of", "off"):
        return "off"
    for name, meaning in BOOLEANS.items():
        if word and name.startswith(word):
            return meaning
    raise ValueError(f"{text!r} is neither on nor off")


def _quantity(text: str, unit: str) -> float:
    """Return *text* as a number of *unit* (section 20.1.1 of the documentation)."""
    head = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    suffix = text[len(head) :]
    try:
        number = float(head)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a number") from error
    if not suffix:
        return number
    for units in (MEMORY, TIME):
        if unit in units and suffix in units:
            return number * units[suffix] / units[unit]
    known = next((", ".join(units) for units in (MEMORY, TIME) if unit in units), "none")
    raise ValueError(f"unit {suffix!r} is not known here (known: {known})")


@cache
def catalogue(major: int) -> Mapping[str, Parameter]:
    """Return the parameters of PostgreSQL *major* by name."""
    name = f"parameters-{major}.yaml"
    text = (files("labdb.domain") / name).read_text(encoding="utf-8")
    rows: dict[str, dict[str, Any]] = yaml.safe_load(text)
    return {key: _parameter(key, row) for key, row in rows.items()}


def _parameter(name: str, row: Mapping[str, Any]) -> Parameter:
    return Parameter(
        name=name,
        type=row["type"],
        context=row["context"],
        unit=row.get("unit", ""),
        minimum=float(row["min"]) if "min" in row else None,
        maximum=float(row["max"]) if "max" in row else None,
        values=tuple(row.get("values", ())),
        default=str(row.get("default", "")),
    )


def lookup(name: str, major: int) -> Parameter:
    """Return the parameter called *name*.

    Raises:
        DeclarationError: PostgreSQL *major* has no such parameter; names the nearest one.
    """
    known = catalogue(major)
    if name in known:
        return known[name]
    for spelling, parameter in known.items():  # PostgreSQL folds case; a few names have capitals
        if spelling.lower() == name.lower():
            return parameter
    near = get_close_matches(name, known, n=1)
    raise DeclarationError(
        f"postgresql.parameters.{name}: PostgreSQL {major} has no such parameter",
        hint=f"did you mean {near[0]}?" if near else "see the reference page of parameters",
    )
