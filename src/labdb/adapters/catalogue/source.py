"""What every kind of catalogue file answers: its columns, and values of some of its rows."""

from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from labdb.domain.catalogue.mapping import SourceColumn
from labdb.domain.catalogue.pgcopy import Mask

Rows: TypeAlias = slice | npt.NDArray[np.int64]
"""Which rows: from one to another, or these in this order."""


@dataclass(frozen=True, slots=True)
class Raw:
    """Values as the file means them, and which of them it says are none, by cause.

    *lengths* are those of arrays of different lengths; what is beyond them is filled up.
    """

    values: npt.NDArray[Any]
    nulls: dict[str, Mask] = field(default_factory=dict)
    lengths: npt.NDArray[np.int64] | None = None


class Source(Protocol):
    """An open catalogue file, or those of its HDUs that one table needs."""

    @property
    def rows(self) -> int:
        """The number of rows."""

    @property
    def batch(self) -> int:
        """The number of rows that are good to read at a time."""

    @property
    def hdus(self) -> tuple[str, ...]:
        """The HDUs that are read; empty for what is no FITS."""

    @property
    def columns(self) -> tuple[SourceColumn, ...]:
        """All columns, those too that cannot be loaded."""

    def verify(self) -> None:
        """Check what the file says of itself.

        Raises:
            RunError: the file is damaged.
        """

    def take(self, column: SourceColumn, rows: Rows) -> Raw:
        """Return the values of *column* in *rows*."""

    def close(self) -> None:
        """Let go of the file."""
