"""Whether two spellings of a unit mean the same: ``km/s``, ``km s-1``, ``km.s**-1``.

The spellings are those of the FITS standard 4.0, section 4.3, and of VOUnits 1.1. A unit is a
product of names with powers; names are compared, never converted: a file in arcsec does not
fill a column in degrees.
"""

import re
from fractions import Fraction
from typing import TypeAlias

_POWER = re.compile(
    r"(?:(?:\*\*|\^)?(?:(?P<plain>[+-]?\d+(?:\.\d+)?)|\((?P<inner>[+-]?\d+(?:[./]\d+)?)\)))?"
)
_TOKEN = re.compile(
    r"\s*(?:(?P<slash>/)|(?P<product>\*(?!\*)|\.(?!\d))|(?P<open>\()|(?P<close>\))"
    r"|1[eE](?P<ten>[+-]?\d+)|(?P<name>10(?=\*\*|[\^+-])|[A-Za-z%_]+|\d+(?:\.\d+)?))"
)
Factors: TypeAlias = dict[str, Fraction]
ALIASES = {
    "degree": "deg",
    "degrees": "deg",
    "angstrom": "Angstrom",
    "Angstroms": "Angstrom",
    "ang": "Angstrom",
    "nanomaggy": "nmgy",
    "nanomaggies": "nmgy",
    "sec": "s",
    "second": "s",
    "seconds": "s",
    "arcsecond": "arcsec",
    "year": "yr",
    "a": "yr",
    "day": "d",
    "days": "d",
    "solMass": "Msun",
    "M_sun": "Msun",
    "solLum": "Lsun",
    "L_sun": "Lsun",
    "percent": "%",
    "mags": "mag",
}
"""Other names of the same unit, as files have them."""


def same(one: str, other: str) -> bool:
    """Tell whether *one* and *other* are the same unit.

    >>> same("Msun / yr", "Msun yr**-1")
    True
    >>> same("deg", "arcsec")
    False
    """
    if one.strip() == other.strip():
        return True
    first, second = factors(one), factors(other)
    return first is not None and first == second


def factors(unit: str) -> Factors | None:
    """Return the powers of the unit's parts by name; None for what is no unit.

    >>> factors("(s / km)^2") == {"s": 2, "km": -2}
    True
    """
    text = unit.strip()
    try:
        found, place = _product(text, 0)
    except (ValueError, ZeroDivisionError):
        return None
    return {name: power for name, power in found.items() if power} if place == len(text) else None


def _product(text: str, place: int) -> tuple[Factors, int]:
    """Return the factors from *place* to the end or to a closing bracket, and where that is.

    Raises:
        ValueError: a part is none of a unit's, or a bracket is left open.
    """
    found: Factors = {}
    sign = 1
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            raise ValueError(text[place:])
        if token["close"]:
            return found, token.start("close")
        place = token.end()
        if token["slash"]:
            sign = -1
        elif not token["product"]:
            part, place = _factor(text, token, place)
            for name, power in part.items():
                found[name] = found.get(name, Fraction(0)) + sign * power
            sign = 1
    return found, place


def _factor(text: str, token: re.Match[str], place: int) -> tuple[Factors, int]:
    """Return what *token* begins, a name or a bracket, with its power, and where it ends."""
    if token["ten"]:
        return {"10": Fraction(token["ten"].removeprefix("+"))}, place
    inside: Factors = {ALIASES.get(token["name"], token["name"]): Fraction(1)}
    if token["open"]:
        inside, place = _product(text, place)
        if place >= len(text):
            raise ValueError("a bracket is left open")
        place += 1
    raised = _POWER.match(text, place)
    if raised is None or not raised[0]:
        power = Fraction(1)
    else:
        power = Fraction((raised["plain"] or raised["inner"]).removeprefix("+"))
        place = raised.end()
    return {name: one * power for name, one in inside.items() if name != "1"}, place
