"""The guest that is wanted, as the Proxmox side sees it: one type for both doors.

The command line makes it from the declared :class:`~labdb.spec.Machine`, the Ansible
module from the variables of role ``proxmox_guest``; a contract test keeps them equal.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_interface
from typing import Any

from labdb.domain.access import proxmox_rules
from labdb.facts import FirewallRule
from labdb.size import UNITS
from labdb.spec import Machine, Volume

PREFIX = "proxmox_guest_"


@dataclass(frozen=True, slots=True)
class DesiredDisk:
    """A disk; *role* is system, data or backup, *size* in bytes."""

    slot: str
    storage: str
    size: int
    serial: str
    role: str


@dataclass(frozen=True, slots=True)
class DesiredNetwork:
    """net0 and what cloud-init makes of it."""

    bridge: str
    vlan: int | None
    address: str
    gateway: str
    nameservers: tuple[str, ...]
    search_domain: str
    firewall: bool

    @property
    def host(self) -> str:
        """The address without its prefix length."""
        return str(ip_interface(self.address).ip)


@dataclass(frozen=True, slots=True)
class DesiredBackup:
    """The vzdump job."""

    storage: str
    schedule: str
    keep_daily: int


@dataclass(frozen=True, slots=True)
class DesiredGuest:
    """Everything that is declared about the virtual machine; *memory_mb* is also its balloon."""

    name: str
    vmid: int
    node: str
    template_vmid: int
    template_node: str
    sockets: int
    cores: int
    cpu_type: str
    numa: bool
    memory_mb: int
    disks: tuple[DesiredDisk, ...]
    network: DesiredNetwork
    user: str
    on_boot: bool
    startup: str
    tags: tuple[str, ...]
    protection: bool
    backup: DesiredBackup | None
    firewall_rules: tuple[FirewallRule, ...]

    @property
    def system(self) -> DesiredDisk:
        """The disk that the template brings."""
        return next(disk for disk in self.disks if disk.role == "system")

    @property
    def processors(self) -> int:
        """Virtual processors in all."""
        return self.sockets * self.cores

    @classmethod
    def of(cls, machine: "Machine | DesiredGuest") -> "DesiredGuest":
        """Return what *machine* declares about its guest; a desired guest is itself."""
        if isinstance(machine, DesiredGuest):
            return machine
        return cls.from_variables(guest_variables(machine))

    @classmethod
    def from_variables(cls, given: Mapping[str, Any]) -> "DesiredGuest":
        """Return the guest that the variables of role ``proxmox_guest`` describe."""
        value = {name.removeprefix(PREFIX): item for name, item in given.items()}
        network, boot, backup = value["network"], value["boot"], value.get("backup")
        template = value["template"]
        return cls(
            name=str(value["name"]),
            vmid=int(value["vmid"]),
            node=str(value["node"]),
            template_vmid=int(template["vmid"]),
            template_node=str(template.get("node") or value["node"]),
            sockets=int(value["cpu"]["sockets"]),
            cores=int(value["cpu"]["cores"]),
            cpu_type=str(value["cpu"]["type"]),
            numa=bool(value["cpu"]["numa"]),
            memory_mb=int(value["memory_mb"]),
            disks=tuple(_disk(disk) for disk in value["disks"]),
            network=DesiredNetwork(
                bridge=str(network["bridge"]),
                vlan=int(network["vlan"]) if network.get("vlan") else None,
                address=str(network["address"]),
                gateway=str(network["gateway"]),
                nameservers=tuple(str(item) for item in network["nameservers"]),
                search_domain=str(network["search_domain"]),
                firewall=bool(network["firewall"]),
            ),
            user=str(value["cloud_init"]["user"]),
            on_boot=bool(boot["on_boot"]),
            startup=f"order={boot['order']},up={boot['up_seconds']},down={boot['down_seconds']}",
            tags=tuple(sorted({str(tag) for tag in value["tags"]})),
            protection=bool(value["protection"]),
            backup=_backup(backup) if backup else None,
            firewall_rules=tuple(_rule(rule) for rule in value["firewall_rules"]),
        )


def guest_variables(machine: Machine) -> dict[str, Any]:
    """Return the variables of role ``proxmox_guest`` that describe the guest of *machine*."""
    guest = machine.guest
    values: dict[str, Any] = {
        "name": machine.name,
        "vmid": guest.vmid,
        "node": guest.node,
        "template": {"vmid": guest.template.vmid, "node": guest.template.node or guest.node},
        "cpu": guest.cpu.model_dump(mode="json"),
        "memory_mb": guest.memory // UNITS["MB"],
        "disks": [
            {
                "slot": disk.slot,
                "storage": disk.storage,
                "size_bytes": disk.size,
                "serial": disk.serial if isinstance(disk, Volume) else None,
                "role": role,
            }
            for role, disk in machine.disks
        ],
        "network": guest.network.model_dump(mode="json"),
        "cloud_init": guest.cloud_init.model_dump(mode="json"),
        "boot": guest.boot.model_dump(mode="json"),
        "tags": list(guest.tags),
        "protection": guest.protection,
        "backup": guest.backup.model_dump(mode="json") if guest.backup else None,
        "firewall_rules": proxmox_rules(machine),
    }
    return {PREFIX + name: value for name, value in values.items()}


def _disk(given: Mapping[str, Any]) -> DesiredDisk:
    return DesiredDisk(
        slot=str(given["slot"]),
        storage=str(given["storage"]),
        size=int(given["size_bytes"]),
        serial=str(given.get("serial") or ""),
        role=str(given["role"]),
    )


def _backup(given: Mapping[str, Any]) -> DesiredBackup:
    return DesiredBackup(
        storage=str(given["storage"]),
        schedule=str(given["schedule"]),
        keep_daily=int(given["keep_daily"]),
    )


def _rule(given: Mapping[str, Any]) -> FirewallRule:
    return FirewallRule(
        port=int(given["port"]),
        protocol=str(given["protocol"]),
        source=str(given["source"]),
        comment=str(given["comment"]),
    )
