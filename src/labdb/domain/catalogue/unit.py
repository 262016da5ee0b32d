"""Whether two spellings of a unit mean the same: ``km/s``, ``km s-1``, ``km.s**-1``.

The spellings are those of the FITS standard 4.0, section 4.3, and of VOUnits 1.1. A unit is a
product of names with powers; names are compared, never converted: a file in arcsec does not
fill a column in degrees.
"""

import re
from fractions import Fraction

_POWER = r"(?:(?:\*\*|\^)?(?:(?P<power>[+-]?\d+(?:\.\d+)?)|\((?P<inner>[+-]?\d+(?:[./]\d+)?)\)))?"
_TOKEN = re.compile(
    r"\s*(?:(?P<slash>/)|(?P<product>\*(?!\*)|\.(?!\d))|(?P<open>\()|(?P<close>\))"
    r"|1[eE](?P<ten>[+-]?\d+)|(?P<name>10(?=\*\*|[\^+-])|[A-Za-z%_]+|\d+(?:\.\d+)?)" + _POWER + ")"
)
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


def factors(unit: str) -> dict[str, Fraction] | None:
    """Return the powers of the unit's parts by name; None for what is no unit.

    >>> factors("s2 / km2") == {"s": 2, "km": -2}
    True
    """
    found: dict[str, Fraction] = {}
    sign, depth, inside = 1, 0, 1
    place, text = 0, unit.rstrip()
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            return None
        place = token.end()
        if token["slash"]:
            sign = -1
        elif token["open"]:
            depth, inside, sign = depth + 1, sign * inside, 1
        elif token["close"]:
            depth, inside, sign = depth - 1, 1, 1
        elif token["name"]:
            name = ALIASES.get(token["name"], token["name"])
            power = Fraction((token["power"] or token["inner"] or "1").removeprefix("+"))
            if name != "1":
                found[name] = found.get(name, Fraction(0)) + sign * inside * power
            sign = 1
        elif token["ten"]:
            power = Fraction(token["ten"].removeprefix("+"))
            found["10"] = found.get("10", Fraction(0)) + sign * inside * power
            sign = 1
    if depth:
        return None
    return {name: power for name, power in found.items() if power}
