"""What every declared machine has, whatever it is for: a name, a guest, disks."""

from pydantic import Field

from labdb.spec.base import NAME, Declared
from labdb.spec.guest import Disk, Guest


class Machine(Declared):
    """A guest with a name; what else it has depends on what it is for."""

    name: str = Field(pattern=NAME, description="Host name, VM name and inventory name.")
    guest: Guest

    @property
    def disks(self) -> tuple[tuple[str, Disk], ...]:
        """Every disk with what it is for: system, data or backup."""
        raise NotImplementedError

    @property
    def address(self) -> str:
        """The guest's address without prefix."""
        return str(self.guest.network.address.ip)

    @property
    def fqdn(self) -> str:
        """The name with its domain."""
        return f"{self.name}.{self.guest.network.search_domain}"
