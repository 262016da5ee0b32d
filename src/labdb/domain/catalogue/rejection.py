"""Rows that cannot be in the table: no key, a key that came before, a place not on the sky."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from labdb.domain.catalogue.pgcopy import Mask

SHOWN = 5
"""Rows of a file that are named."""
ELEMENTS = 4
"""Elements of an array that are shown."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was rejected: its number in the file, from 1, and why."""

    row: int
    reason: str
    value: str

    def __str__(self) -> str:
        """Return the row as a reader counts it."""
        return f"row {self.row:,}: {self.reason} ({self.value})"


@dataclass(slots=True)
class Rejections:
    """The rejected rows of a file; a row counts for its first reason."""

    bad: Mask
    reasons: Counter[str] = field(default_factory=Counter)
    first: list[Rejected] = field(default_factory=list)

    @property
    def count(self) -> int:
        """The number of rejected rows."""
        return sum(self.reasons.values())

    def add(self, start: int, mask: Mask, reason: str, values: npt.NDArray[Any]) -> None:
        """Reject the rows of *mask*, the first of which is row *start*, because of *values*."""
        fresh = np.flatnonzero(mask & ~self.bad[start : start + len(mask)])
        if not len(fresh):
            return
        self.bad[start + fresh] = True
        self.reasons[reason] += len(fresh)
        for place in fresh[: SHOWN - len(self.first)]:
            self.first.append(Rejected(start + int(place) + 1, reason, shown(values[place])))


def shown(value: Any) -> str:
    """Return a value as an error tells it."""
    if isinstance(value, np.ndarray):
        shown_of = ", ".join(f"{one:g}" for one in value[:ELEMENTS])
        return f"[{shown_of}{', ...' if len(value) > ELEMENTS else ''}]"
    if isinstance(value, bytes):
        return repr(value.decode("utf-8", errors="replace"))
    return repr(value.item() if isinstance(value, np.generic) else value)
