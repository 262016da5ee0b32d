"""The virtual machine and its disks."""

from ipaddress import IPv4Interface
from typing import Annotated, Literal

from pydantic import Field

from labdb.size import Size
from labdb.spec.base import IDENTIFIER, NAME, AbsolutePath, Declared

DISK_SLOT = r"^scsi([0-9]|[12][0-9]|30)$"


class Template(Declared):
    """The VM template that the guest is cloned from."""

    vmid: int = Field(ge=100, le=999_999_999, description="VMID of the template.")
    node: str | None = Field(
        default=None, pattern=NAME, description="Node that holds it; the guest's node when absent."
    )


class Cpu(Declared):
    """Virtual processors."""

    sockets: int = Field(default=1, ge=1, le=4, description="Sockets; 1 on a one-socket node.")
    cores: int = Field(ge=1, le=128, description="Cores of each socket.")
    type: str = Field(default="host", description="QEMU CPU type; host never migrates live.")
    numa: bool = Field(default=False, description="Show NUMA nodes to the guest.")

    @property
    def total(self) -> int:
        """Number of virtual processors that PostgreSQL sees."""
        return self.sockets * self.cores


class GuestNetwork(Declared):
    """The guest's one network interface, net0."""

    bridge: str = Field(description="Bridge of the node, for example vmbr1.")
    vlan: int | None = Field(default=None, ge=1, le=4094, description="802.1Q tag.")
    address: IPv4Interface = Field(description="Address with prefix, for example 10.25.20.8/24.")
    gateway: str = Field(description="Default gateway.")
    nameservers: tuple[str, ...] = Field(
        min_length=1,
        description="DNS servers; always set, else the node's own would leak into cloud-init.",
    )
    search_domain: str = Field(description="DNS search domain, also the guest's own domain.")
    firewall: bool = Field(default=True, description="Proxmox firewall on net0.")


class CloudInit(Declared):
    """What cloud-init sets at first boot."""

    user: str = Field(default="labdb", pattern=IDENTIFIER, description="Operating-system user.")
    authorized_key_files: tuple[str, ...] = Field(
        min_length=1,
        description="Public key files, relative to the inventory, or below ~ or $LABDB_STATE.",
    )


class Boot(Declared):
    """Start and shutdown with the node."""

    on_boot: bool = Field(default=True, description="Start with the node.")
    order: int = Field(default=20, ge=0, description="Start order in the cluster.")
    up_seconds: int = Field(default=30, ge=0, description="Wait after starting this guest.")
    down_seconds: int = Field(
        default=600, ge=30, description="Longest shutdown; a checkpoint must fit in it."
    )


class GuestBackup(Declared):
    """A vzdump job for the whole VM; not a substitute for pgBackRest."""

    storage: str = Field(description="Proxmox storage that takes the backups.")
    schedule: str = Field(default="03:00", description="Proxmox calendar event.")
    keep_daily: int = Field(default=30, ge=1, description="Daily backups kept.")


class Guest(Declared):
    """The virtual machine."""

    vmid: int = Field(ge=100, le=999_999_999, description="VMID, unique in the cluster.")
    node: str = Field(pattern=NAME, description="Proxmox node.")
    template: Template
    cpu: Cpu
    memory: Size = Field(
        default=8 << 30,
        ge=1 << 30,
        validate_default=False,
        json_schema_extra={"default": "8GB"},
        description="Memory; balloon is always set equal to it.",
    )
    network: GuestNetwork
    cloud_init: CloudInit
    boot: Boot = Boot()
    tags: tuple[Annotated[str, Field(pattern=r"^[a-z0-9_][a-z0-9_.+-]*$")], ...] = Field(
        default=(), description="Proxmox tags."
    )
    protection: bool = Field(default=True, description="Refuse removal of the VM in Proxmox.")
    backup: GuestBackup | None = Field(default=None, description="vzdump job, none when absent.")


class Disk(Declared):
    """A disk of the guest; disks only ever grow."""

    slot: str = Field(pattern=DISK_SLOT, description="SCSI slot, for example scsi1.")
    storage: str = Field(description="Proxmox storage of the volume.")
    size: Size = Field(ge=1 << 30, description="Size; growing it grows the file system.")


class Volume(Disk):
    """A disk with a file system of its own."""

    serial: str = Field(
        pattern=r"^[a-z0-9]{1,20}$", description="SCSI serial, found below /dev/disk/by-id."
    )
    mount: AbsolutePath = Field(description="Mount point.")
    filesystem: Literal["xfs", "ext4"] = Field(default="xfs", description="File system.")
