"""Numbers of rows as people write them: ``6445927``, ``6,445,927``, ``6.4M``."""

import re
from decimal import Decimal

THOUSANDS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}
MOST = 10**12
"""More rows than any catalogue has: whoever asks for more has mistyped."""
_COUNT = re.compile(r"(\d{1,3}(?:[,_]\d{3})+|\d+)(\.\d+)?([kMG]?)")


def row_count(text: str) -> int:
    """Return the number that *text* means.

    >>> row_count("6.4M")
    6400000

    Raises:
        ValueError: it is none, is below 1, is no whole number, or is absurd.
    """
    found = _COUNT.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not a number of rows: write 6445927, or 6.4M")
    whole, fraction, unit = found.groups()
    digits = re.sub("[,_]", "", whole) + (fraction or "")
    count = Decimal(digits) * THOUSANDS[unit]
    if count != int(count):
        raise ValueError(f"{text!r} is not a whole number of rows")
    if not 1 <= count <= MOST:
        raise ValueError(f"{text!r}: a number of rows is from 1 to {MOST:,}")
    return int(count)
