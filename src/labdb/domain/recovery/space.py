"""Whether a restore may fill a disk: the running cluster is on it too."""

from dataclasses import dataclass

from labdb.errors import RefusedError

GB = 1 << 30
WAL_ROOM = 2 * GB
"""What replay keeps in pg_wal until its next checkpoint: max_wal_size, 1 GB, and as much again."""


@dataclass(frozen=True, slots=True)
class Space:
    """A file system: bytes that are free, bytes in all, and the share that may be in use."""

    free: int
    size: int
    most_used: float

    @property
    def usable(self) -> int:
        """Bytes that may be filled before the disk is critically full."""
        return max(0, self.free - round(self.size * (1 - self.most_used)))


def restored(size: int) -> int:
    """Return the bytes that an instance takes at most which is restored from a set of *size*."""
    return size + WAL_ROOM


def must_fit(needed: int, space: Space) -> None:
    """Refuse a restore that would fill the disk of the running cluster.

    Raises:
        RefusedError: it would.
    """
    if needed > space.usable:
        raise RefusedError(
            f"there is too little space: {needed / GB:.1f} GB are needed",
            why=f"{space.free / GB:.1f} GB are free, and beyond {space.usable / GB:.1f} GB of them "
            "the disk of the running server would be critically full",
            hint="declare a larger data disk and provision; disks grow while the server runs",
        )
