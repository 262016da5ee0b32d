"""Where a restore goes, and whether it may: nothing there, nobody on the port, enough space."""

from dataclasses import dataclass

from labdb.domain.health import DISK_CRITICAL
from labdb.errors import RefusedError
from labdb.size import human_size

PORT = 5433
"""Where a restored instance listens: beside PostgreSQL's own 5432."""


@dataclass(frozen=True, slots=True)
class Space:
    """A file system: bytes that are free, and bytes in all."""

    free: int
    size: int

    @property
    def usable(self) -> int:
        """Bytes that may be filled before the disk of the running cluster is critically full."""
        return max(0, self.free - round(self.size * (1 - DISK_CRITICAL)))


def must_fit(needed: int, space: Space) -> None:
    """Refuse a restore that would fill the disk of the running cluster.

    Raises:
        RefusedError: it would.
    """
    if needed > space.usable:
        raise RefusedError(
            f"there is too little space: {human_size(needed)} are needed",
            why=f"{human_size(space.free)} are free, and beyond {human_size(space.usable)} of them "
            "the disk of the running server would be critically full",
            hint="declare a larger data disk and provision; disks grow while the server runs",
        )
