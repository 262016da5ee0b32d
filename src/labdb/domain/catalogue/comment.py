"""The COMMENT of a column: description, unit, UCD and the length of its arrays, both ways."""

import re
from typing import NamedTuple

_FORM = re.compile(
    r"(?P<description>.*?)(?: \[(?P<unit>[^\[\]]+)\])?"
    r"(?: \((?:UCD (?P<ucd>[^();]+(?:;[^();\s]+)*))?(?:; )?(?:(?P<length>\d+) values)?\))?",
    re.DOTALL,
)


class Comment(NamedTuple):
    """What a COMMENT tells; *length* is None for what is no array."""

    description: str
    unit: str = ""
    ucd: str = ""
    length: int | None = None

    def __str__(self) -> str:
        """Return the text as it stands in the database.

        >>> str(Comment("Declination, ICRS.", "deg", "pos.eq.dec;meta.main"))
        'Declination, ICRS. [deg] (UCD pos.eq.dec;meta.main)'
        """
        unit = f" [{self.unit}]" if self.unit else ""
        told = [f"UCD {self.ucd}"] if self.ucd else []
        if self.length:
            told.append(f"{self.length} values")
        return f"{self.description}{unit}" + (f" ({'; '.join(told)})" if told else "")


def read(text: str) -> Comment:
    """Return what a COMMENT tells; one that somebody else wrote is a description.

    >>> read("Coefficients. (UCD stat.fit.param; 10 values)")
    Comment(description='Coefficients.', unit='', ucd='stat.fit.param', length=10)
    """
    found = _FORM.fullmatch(text)
    if found is None or (found["unit"], found["ucd"], found["length"]) == (None, None, None):
        return Comment(text)
    length = int(found["length"]) if found["length"] else None
    return Comment(found["description"], found["unit"] or "", found["ucd"] or "", length)
