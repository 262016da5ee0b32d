"""The smallest set of privileges that the API token needs, path by path, and why.

Sources: ``permissions`` of each method in Proxmox VE's API schema; for single options of
a guest's configuration and for bridges, qemu-server's documented checks.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from labdb.domain.desired import DesiredGuest

AGENT_PRIVILEGES_SINCE = 9


class Role(StrEnum):
    """The roles that the privileges are given by; none holds more than its paths need."""

    CLUSTER = "labdb-cluster"
    AUDIT = "labdb-audit"
    TEMPLATE = "labdb-template"
    GUEST = "labdb"


@dataclass(frozen=True, slots=True)
class Privilege:
    """*name* on *path*; *purpose* completes "needed to ..."."""

    path: str
    name: str
    purpose: str


def required(wanted: DesiredGuest, version: str) -> tuple[Privilege, ...]:
    """Return what the token needs to provision *wanted* on Proxmox VE *version*."""
    guest, template = f"/vms/{wanted.vmid}", f"/vms/{wanted.template_vmid}"
    network = wanted.network
    bridge = f"/sdn/zones/localnet/{network.bridge}"
    if network.vlan:
        bridge += f"/{network.vlan}"
    agent = (
        {"VM.GuestAgent.Audit": "read its address", "VM.GuestAgent.FileRead": "pin its host key"}
        if major(version) >= AGENT_PRIVILEGES_SINCE
        else {"VM.Monitor": "ask its guest agent"}
    )
    on_guest = {
        "VM.Audit": "read the VM",
        "VM.Allocate": "create the VM",
        "VM.Config.CPU": "set its processors",
        "VM.Config.Memory": "set its memory",
        "VM.Config.Disk": "grow and add its disks",
        "VM.Config.Network": "set its network card and firewall",
        "VM.Config.Options": "set its start order, tags and protection",
        "VM.Config.Cloudinit": "set its cloud-init options",
        "VM.PowerMgmt": "start it",
    } | agent
    table = [
        Privilege("/", "Sys.Audit", "read the cluster's state"),
        *([Privilege("/", "Sys.Modify", "keep its backup job")] if wanted.backup else []),
        Privilege(f"/nodes/{wanted.node}", "Sys.Audit", "read the node's capacity and tasks"),
        Privilege("/vms", "VM.Audit", "see which names, VMIDs and addresses are taken"),
        Privilege(template, "VM.Audit", "read the template"),
        Privilege(template, "VM.Clone", "clone the template"),
        *(Privilege(guest, name, purpose) for name, purpose in on_guest.items()),
        Privilege(bridge, "SDN.Use", "attach it to the bridge"),
    ]
    for storage in sorted({disk.storage for disk in wanted.disks}):
        path = f"/storage/{storage}"
        table.append(Privilege(path, "Datastore.Audit", "see the free space"))
        table.append(Privilege(path, "Datastore.AllocateSpace", "create its disks"))
    if wanted.backup:
        path = f"/storage/{wanted.backup.storage}"
        table.append(Privilege(path, "Datastore.Audit", "see the storage of its backups"))
    return tuple(table)


def missing(
    wanted: DesiredGuest, version: str, held: Mapping[str, frozenset[str]]
) -> tuple[Privilege, ...]:
    """Return the required privileges that are not among those *held*."""
    return tuple(
        privilege
        for privilege in required(wanted, version)
        if privilege.name not in held.get(privilege.path, frozenset())
    )


def paths(wanted: DesiredGuest) -> tuple[str, ...]:
    """Return the paths whose privileges matter, each once."""
    return tuple(dict.fromkeys(privilege.path for privilege in required(wanted, "9")))


@dataclass(frozen=True, slots=True)
class Grant:
    """*role* on *path*."""

    path: str
    role: Role

    def command(self, token_id: str) -> str:
        """Return the command that gives it.

        A token with privilege separation has what it *and* its user have, so both get it; on
        the root it must not reach what lies below.
        """
        user = token_id.partition("!")[0]
        only_here = " --propagate 0" if self.path == "/" else ""
        return (
            f"pveum acl modify {self.path} --users {user} --tokens '{token_id}' "
            f"--roles {self.role}{only_here}"
        )


def grants(wanted: DesiredGuest, version: str) -> tuple[Grant, ...]:
    """Return the role that each path needs."""
    needed = required(wanted, version)
    return tuple(Grant(path, _role(path, _names(needed, path))) for path in paths(wanted))


def roles(wanted: DesiredGuest, version: str) -> dict[Role, tuple[str, ...]]:
    """Return the privileges of each role."""
    needed = required(wanted, version)
    held: dict[Role, set[str]] = {}
    for grant in grants(wanted, version):
        held.setdefault(grant.role, set()).update(_names(needed, grant.path))
    return {role: tuple(sorted(names)) for role, names in held.items()}


def remedy(token_id: str, path: str, name: str, wanted: DesiredGuest | None = None) -> str:
    """Return the commands that give the token *name* on *path*, by the role it belongs to.

    A path that *wanted* does not know (that of a template to be built) goes by *name* alone.
    """
    known = {grant.path: grant.role for grant in grants(wanted, "9")} if wanted else {}
    grant = Grant(path, known.get(path) or _role(path, {name}))
    return f"pveum role modify {grant.role} --append 1 --privs {name} && {grant.command(token_id)}"


def _names(needed: tuple[Privilege, ...], path: str) -> set[str]:
    return {privilege.name for privilege in needed if privilege.path == path}


def _role(path: str, names: Collection[str]) -> Role:
    if path == "/":
        return Role.CLUSTER
    if all(name.endswith(".Audit") for name in names):
        return Role.AUDIT
    return Role.TEMPLATE if "VM.Clone" in names else Role.GUEST


def major(version: str) -> int:
    """Return the first number of a version."""
    head = version.partition(".")[0]
    return int(head) if head.isdigit() else 0
