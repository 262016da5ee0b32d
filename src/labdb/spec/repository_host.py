"""A host that keeps backups of servers, away from them."""

from ipaddress import IPv4Network
from typing import Self

from pydantic import Field, model_validator

from labdb.spec.access import WIDEST_CLIENT_NETWORK
from labdb.spec.base import Declared
from labdb.spec.guest import Disk, Volume
from labdb.spec.machine import Machine
from labdb.spec.monitoring import Monitoring

ACCOUNT = r"^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$"
"""A server's name that can be an account too: useradd(8) allows 32 characters."""


class RepositoryStorage(Declared):
    """The disks of a repository host."""

    system: Disk
    backup: Volume

    @model_validator(mode="after")
    def _slots_differ(self) -> Self:
        if self.system.slot == self.backup.slot:
            raise ValueError("system and backup need two different slots")
        return self


class StoringServer(Declared):
    """A server that keeps backups here, in a folder that no other server sees."""

    name: str = Field(pattern=ACCOUNT, description="Name of the server, and of its account here.")
    network: IPv4Network = Field(description="From where, for example 10.25.20.8/32.")

    @model_validator(mode="after")
    def _not_the_world(self) -> Self:
        if self.network.prefixlen < WIDEST_CLIENT_NETWORK:
            raise ValueError(f"{self.network} opens the host to the world; name a network")
        return self


class RepositoryAccess(Declared):
    """Who may do what on a repository host, from where."""

    operators: tuple[IPv4Network, ...] = Field(
        min_length=1, description="Networks that may open SSH."
    )
    servers: tuple[StoringServer, ...] = Field(
        default=(), description="Servers that may store here, by SFTP."
    )

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [server.name for server in self.servers]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"server {name} stands here twice")
        return self


class RepositoryHost(Machine):
    """The whole host: a guest with one large volume, and an account for each server."""

    storage: RepositoryStorage
    access: RepositoryAccess
    monitoring: Monitoring

    @property
    def disks(self) -> tuple[tuple[str, Disk], ...]:
        """Every disk with what it is for."""
        return (("system", self.storage.system), ("backup", self.storage.backup))

    @model_validator(mode="after")
    def _operator_is_no_server(self) -> Self:
        if self.guest.cloud_init.user in {server.name for server in self.access.servers}:
            raise ValueError(f"{self.guest.cloud_init.user} is the operators' own account here")
        return self
