"""Partitions of a table that grows: which one a row belongs to, what it is called, which are next.

They are PostgreSQL's own, by range, all of the same width. pg_partman would make the same tables,
but from a job beside the load, ahead of time; a load knows which ones its rows need, and one
extension less has to be there on every server that a backup is restored to.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from labdb.domain.catalogue.layout import index_name

MOST = 1000
"""Partitions that are made ahead at a time: more is a mistake in the step, and slow to plan."""
_START = re.compile(r"(m?)(\d+)")
_BOUND = re.compile(r"FOR VALUES FROM \('?(-?[\d.]+)'?\) TO \('?(-?[\d.]+)'?\)")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The values of a partition: from *low*, included, to *high*, which is the next one's.

    >>> str(Span(20210000, 20220000))
    '20210000..20220000'
    """

    low: int
    high: int

    def __str__(self) -> str:
        """Return the span as a reader sees it."""
        return f"{self.low}..{self.high}"

    def meets(self, other: "Span") -> bool:
        """Tell whether the two have a value in common."""
        return self.low < other.high and other.low < self.high


def spans(values: npt.NDArray[Any], step: int) -> set[Span]:
    """Return the spans that *values* lie in; none of them may be missing or NaN.

    >>> sorted(str(one) for one in spans(np.array([20210415, 20211231, 20220101]), 10000))
    ['20210000..20220000', '20220000..20230000']
    """
    # 16 bits and less would overflow at the end of a span.
    wide = values.astype(np.int64) if values.dtype.kind in "iu" else values
    starts = np.unique(np.floor_divide(wide, step))
    return {Span(int(one) * step, (int(one) + 1) * step) for one in starts.tolist()}


def span_of(value: int, step: int) -> Span:
    """Return the span that *value* lies in."""
    low = value // step * step
    return Span(low, low + step)


def ahead(there: Iterable[Span], until: int, step: int) -> list[Span]:
    """Return the spans that are missing between the last one that is *there* and *until*.

    Without any that is there it is the span of *until* alone.

    Raises:
        ValueError: there would be more than :data:`MOST`.
    """
    last = max((one.high for one in there), default=None)
    end = span_of(until, step)
    begin = end.low if last is None else last
    count = max(0, -(-(end.high - begin) // step))
    if count > MOST:
        raise ValueError(f"{count:,} partitions of {step} lie before {until}")
    return [Span(begin + step * one, begin + step * (one + 1)) for one in range(count)]


def cutoff(filled: Iterable[Span], keep: int) -> int | None:
    """Return the value below which rows expire when the newest *keep* of *filled* stay.

    *filled* are the spans of partitions with rows: those that were made ahead keep nothing. None
    where there are fewer than *keep*.

    >>> cutoff([Span(0, 10), Span(10, 20), Span(20, 30)], keep=2)
    10
    """
    newest = sorted(filled, reverse=True)[:keep]
    return newest[-1].low if len(newest) == keep else None


def name_of(table: str, span: Span) -> str:
    """Return what the partition of *table* is called.

    >>> name_of("exposures", Span(20210000, 20220000))
    'exposures_20210000'
    """
    sign = "m" if span.low < 0 else ""
    return index_name(table, f"{sign}{abs(span.low)}", suffix="")


def low_in_name(table: str, name: str) -> int | None:
    """Return where the span begins that *name* says it is of; None for another kind of name.

    >>> low_in_name("exposures", "exposures_20210000")
    20210000
    """
    found = _START.fullmatch(name.rpartition("_")[2])
    if found is None:
        return None
    low = int(found[2]) * (-1 if found[1] else 1)
    return low if name_of(table, Span(low, low)) == name else None


def read_bound(text: str) -> Span | None:
    """Return the span of a bound as ``pg_get_expr`` writes it; None for any other bound.

    >>> read_bound("FOR VALUES FROM (20210000) TO (20220000)")
    Span(low=20210000, high=20220000)
    """
    found = _BOUND.fullmatch(text)
    if found is None:
        return None
    low, high = (float(part) for part in found.groups())
    return Span(int(low), int(high)) if low.is_integer() and high.is_integer() else None


def skew(rows: Sequence[int]) -> float:
    """Return how much larger the largest is than the mean; 1 is even, 0 where there is none.

    >>> skew([100, 300])
    1.5
    """
    total = sum(rows)
    return max(rows) * len(rows) / total if total else 0.0
