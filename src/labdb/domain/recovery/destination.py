"""Where an instance that was restored beside the running one listens, and what it may fill."""

from labdb.domain.machine_health import DISK_CRITICAL
from labdb.domain.recovery.space import Space

PORT = 5433
"""Beside PostgreSQL's own 5432."""


def space(free: int, size: int) -> Space:
    """Return a file system of the guest, of which no more is used than the alerts allow."""
    return Space(free, size, DISK_CRITICAL)
