"""When a disk will be full, from samples of how full it was."""

from collections.abc import Sequence
from dataclasses import dataclass

DAY = 86400.0
SHORTEST_SPAN = DAY
"""Samples of less than a day say nothing about days: one load of a catalogue is no trend."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Bytes *used* of *size* at *time*, in seconds since the epoch."""

    time: float
    used: int
    size: int


def days_to_full(samples: Sequence[Sample]) -> float | None:
    """Return the days until the last sample's size is used up; None when that is not in sight.

    The slope is the least-squares line through all samples; a disk that does not grow, and
    samples of less than a day, give None.
    """
    if len(samples) < 2 or samples[-1].time - samples[0].time < SHORTEST_SPAN:  # noqa: PLR2004 - a line has two points
        return None
    origin = samples[0].time
    mean_time = sum(item.time - origin for item in samples) / len(samples)
    mean_used = sum(item.used for item in samples) / len(samples)
    spread = sum((item.time - origin - mean_time) ** 2 for item in samples)
    slope = (
        sum((item.time - origin - mean_time) * (item.used - mean_used) for item in samples) / spread
    )
    if slope <= 0:
        return None
    return max(samples[-1].size - samples[-1].used, 0) / slope / DAY
