"""Sizes with a unit, the way PostgreSQL writes them: binary kB, MB, GB, TB.

Source: PostgreSQL 16 documentation, section 20.1.1 "Parameter Names and Values"
(the multiplier for memory units is 1024, not 1000). Proxmox VE's K, M, G, T are
the same quantities.
"""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

UNITS: dict[str, int] = {"B": 1, "kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}
PATTERN = r"^\d+ ?(B|kB|MB|GB|TB)$"


def parse_size(text: Any) -> int:
    """Return the number of bytes in *text*, for example ``"8GB"``.

    >>> parse_size("8GB")
    8589934592

    Raises:
        ValueError: no unit, an unknown unit, a sign or a fraction; the message names
            the spelling that was probably meant.
    """
    if isinstance(text, bool) or not isinstance(text, str):
        raise ValueError(f"a size needs a unit (kB, MB, GB or TB), got {text!r}")  # noqa: TRY004  # pydantic tells of a ValueError, a TypeError would be a crash
    match = re.fullmatch(r"\s*(\d+)\s*([A-Za-z]*)\s*", text)
    if match is None:
        raise ValueError(f"{text!r} is not a size: write a whole number and a unit, like 8GB")
    number, unit = match.groups()
    if unit not in UNITS:
        raise ValueError(_unknown_unit(number, unit))
    return int(number) * UNITS[unit]


def _unknown_unit(number: str, unit: str) -> str:
    if not unit:
        return f"{number!r} has no unit: write {number}MB or {number}GB"
    guess = {"k": "kB", "m": "MB", "g": "GB", "t": "TB", "b": "B"}.get(unit[0].lower())
    said = f"unit {unit!r} is not known (kB, MB, GB, TB; case counts)"
    return f"{said}; did you mean {number}{guess}?" if guess else said


def format_size(size: int) -> str:
    """Return *size* bytes in the largest unit that divides it.

    >>> format_size(8589934592)
    '8GB'
    >>> format_size(1536 * 1024)
    '1536kB'
    """
    for unit in ("TB", "GB", "MB", "kB"):
        if size and size % UNITS[unit] == 0:
            return f"{size // UNITS[unit]}{unit}"
    return f"{size}B"


def human_size(size: float) -> str:
    """Return *size* bytes for a reader, with one decimal: ``'7.8 GB'``."""
    for unit in ("TB", "GB", "MB", "kB"):
        if size >= UNITS[unit]:
            return f"{size / UNITS[unit]:.1f} {unit}"
    return f"{size:.0f} B"


Size = Annotated[
    int,
    BeforeValidator(parse_size),
    PlainSerializer(format_size, return_type=str),
    WithJsonSchema({"type": "string", "pattern": PATTERN, "examples": ["8GB", "512MB"]}),
]
"""A pydantic field holding bytes, written and read as text with a unit."""
