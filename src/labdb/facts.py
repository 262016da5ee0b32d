"""What is OBSERVED: the Proxmox VE cluster, a node, a guest, PostgreSQL. Frozen; sizes in bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class DiskState:
    """A disk of a guest: *volume* is ``storage:name``, *options* all but the size."""

    slot: str
    volume: str
    size: int
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def storage(self) -> str:
        """The storage that holds the volume."""
        return self.volume.partition(":")[0]

    @property
    def serial(self) -> str:
        """The serial that the guest sees, empty when none is set."""
        return self.options.get("serial", "")


@dataclass(frozen=True, slots=True)
class NicState:
    """net0 of a guest; *options* are those that have no field of their own."""

    model: str
    mac: str
    bridge: str
    vlan: int | None = None
    firewall: bool = False
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FirewallRule:
    """A rule of a guest's Proxmox firewall that lets in; only an observed one has a place."""

    port: int
    protocol: str
    source: str
    comment: str
    position: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class BackupJob:
    """A vzdump job of the cluster for one guest."""

    job: str
    storage: str
    schedule: str
    keep_daily: int
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class GuestSummary:
    """A guest (VM or container) as the cluster's resource list shows it."""

    vmid: int
    name: str
    node: str
    kind: str = "qemu"
    template: bool = False
    running: bool = False
    memory: int = 0


@dataclass(frozen=True, slots=True)
class GuestState:
    """A virtual machine: configuration, power, agent, firewall.

    *config* is what the next start will use (pending changes included); *pending* names
    the keys that wait for that start, *present* what runs with until then. *addresses* are
    what the guest agent reports for net0's MAC; *agent* tells whether it answered. *memory* is
    what runs now, *balloon* what the balloon leaves of it; 0 where nobody tells.
    """

    vmid: int
    node: str
    name: str
    running: bool
    config: Mapping[str, str]
    digest: str = ""
    pending: tuple[str, ...] = ()
    present: Mapping[str, str] = field(default_factory=dict)
    lock: str = ""
    agent: bool = False
    addresses: tuple[str, ...] = ()
    memory: int = 0
    balloon: int = 0
    disks: tuple[DiskState, ...] = ()
    nic: NicState | None = None
    firewall_enabled: bool = False
    firewall_policy: str = "DROP"
    firewall_rules: tuple[FirewallRule, ...] = ()

    def disk(self, slot: str) -> DiskState | None:
        """Return the disk in *slot*, or None when the slot is free."""
        return next((disk for disk in self.disks if disk.slot == slot), None)

    @property
    def has_cloud_init(self) -> bool:
        """Tell whether a cloud-init drive is attached."""
        return any("cloudinit" in value.partition(",")[0] for value in self.config.values())

    @property
    def protected(self) -> bool:
        """Tell whether Proxmox refuses to remove the guest and its disks."""
        return self.config.get("protection") == "1"


@dataclass(frozen=True, slots=True)
class StorageState:
    """A storage as one node sees it."""

    name: str
    kind: str
    active: bool
    content: tuple[str, ...]
    total: int
    available: int
    shared: bool = False


@dataclass(frozen=True, slots=True)
class BridgeState:
    """A bridge (or SDN vnet) of a node."""

    name: str
    active: bool
    vlan_aware: bool


@dataclass(frozen=True, slots=True)
class NodeState:
    """A node of the cluster; what an offline node cannot tell is empty."""

    name: str
    online: bool
    cpus: int = 0
    memory: int = 0
    storages: tuple[StorageState, ...] = ()
    bridges: tuple[BridgeState, ...] = ()

    def storage(self, name: str) -> StorageState | None:
        """Return the storage called *name*, or None."""
        return next((storage for storage in self.storages if storage.name == name), None)

    def bridge(self, name: str) -> BridgeState | None:
        """Return the bridge called *name*, or None."""
        return next((bridge for bridge in self.bridges if bridge.name == name), None)


@dataclass(frozen=True, slots=True)
class AddressHolder:
    """Who has an address already: a guest of the cluster, or something that answered."""

    address: str
    holder: str
    vmid: int | None = None


@dataclass(frozen=True, slots=True)
class ClusterState:
    """Everything that preflight and plan look at, collected in one go.

    *permissions* maps the paths that matter to the token's privileges there; None when
    the API would not say. *guest* is the VM that has the declared VMID **and** name;
    *template* is None when no VM has the declared VMID.
    """

    version: str
    quorate: bool
    token_id: str
    node: NodeState
    nodes: tuple[str, ...] = ()
    guests: tuple[GuestSummary, ...] = ()
    permissions: Mapping[str, frozenset[str]] | None = None
    guest: GuestState | None = None
    template: GuestState | None = None
    template_is_template: bool = False
    backup_job: BackupJob | None = None
    address_holder: AddressHolder | None = None

    def occupant(self, vmid: int) -> GuestSummary | None:
        """Return the guest that has *vmid*, whatever it is called."""
        return next((guest for guest in self.guests if guest.vmid == vmid), None)

    def namesakes(self, name: str) -> tuple[GuestSummary, ...]:
        """Return the guests called *name*."""
        return tuple(guest for guest in self.guests if guest.name == name)


@dataclass(frozen=True, slots=True)
class FileSetting:
    """A setting as it stands in a configuration file now: a row of pg_file_settings.

    *name* is None where the server cannot read the file; *error* says why.
    """

    file: str
    line: int
    name: str | None
    value: str | None
    error: str | None = None

    @property
    def is_alter_system(self) -> bool:
        """Tell whether ``ALTER SYSTEM`` wrote it."""
        return self.file.endswith("/postgresql.auto.conf")


@dataclass(frozen=True, slots=True)
class StoredSetting:
    """What ``ALTER ROLE`` or ``ALTER DATABASE`` set; None for every role, or every database."""

    role: str | None
    database: str | None
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class RoleState:
    """A database role: *attributes* by PostgreSQL's word for each."""

    name: str
    connection_limit: int
    attributes: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """A database."""

    name: str
    owner: str
    connection_limit: int


@dataclass(frozen=True, slots=True)
class AccessState:
    """Who and what a server has: its roles, its databases, and what is set for either."""

    roles: tuple[RoleState, ...] = ()
    databases: tuple[DatabaseState, ...] = ()
    stored: tuple[StoredSetting, ...] = ()

    @classmethod
    def of(cls, told: Mapping[str, Sequence[Mapping[str, Any]]]) -> Self:
        """Return what the query ``roles`` told."""
        return cls(
            tuple(RoleState(**row) for row in told["roles"]),
            tuple(DatabaseState(**row) for row in told["databases"]),
            tuple(StoredSetting(**row) for row in told["settings"]),
        )


@dataclass(frozen=True, slots=True)
class ClientRule:
    """A row of pg_hba.conf as the server reads it; *line* is where it stands."""

    line: int
    type: str
    database: str
    user: str
    address: str
    method: str
    error: str | None = None
