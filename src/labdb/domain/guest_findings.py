"""What is worth knowing about a guest, and what forbids touching it at all."""

from labdb.domain.desired import DesiredGuest
from labdb.facts import ClusterState, GuestState
from labdb.report import Finding
from labdb.size import UNITS, human_size

TOLERANCE = 0.1
"""Share by which running memory may differ from the declared (decision: 10 %)."""


def identity_refusals(wanted: DesiredGuest, state: ClusterState) -> tuple[Finding, ...]:
    """Return why the VMID or the name cannot be used; empty when free or ours."""
    refusals = []
    occupant = state.occupant(wanted.vmid)
    if occupant and (occupant.name != wanted.name or occupant.kind != "qemu"):
        kind = "container" if occupant.kind != "qemu" else "VM"
        refusals.append(
            Finding(
                "vmid",
                "critical",
                f"VMID {wanted.vmid} belongs to {kind} {occupant.name} on {occupant.node}",
                "labdb only ever adopts a VM that has both the declared VMID and name",
                "declare another guest.vmid",
            )
        )
    elif occupant and occupant.template:
        what = f"VM {wanted.vmid} is a template; a server cannot live in it"
        hint = "declare another guest.vmid"
        refusals.append(Finding("vmid", "critical", what, hint=hint))
    elif occupant and occupant.node != wanted.node:
        refusals.append(
            Finding(
                "node",
                "critical",
                f"VM {wanted.vmid} lives on {occupant.node}, {wanted.node} is declared",
                "labdb does not migrate guests",
                f"declare node: {occupant.node}, or migrate it: qm migrate",
            )
        )
    refusals += [
        Finding(
            "name",
            "critical",
            f"the name {wanted.name} belongs to guest {namesake.vmid} on {namesake.node}",
            "two guests of one name cannot be told apart",
            f"declare vmid: {namesake.vmid} to adopt it, or another name",
        )
        for namesake in state.namesakes(wanted.name)
        if namesake.vmid != wanted.vmid
    ]
    return tuple(refusals)


def guest_findings(wanted: DesiredGuest, guest: GuestState) -> tuple[Finding, ...]:
    """Return findings about memory, pending changes, cloud-init, agent, firewall, other disks."""
    findings = [*_memory(wanted, guest)]
    if guest.pending:
        findings.append(
            Finding(
                "pending",
                "warning",
                f"waiting for the next boot: {', '.join(guest.pending)}",
                "the running guest still has the old values",
                "restart it when the database may be down",
            )
        )
    if not guest.has_cloud_init:
        findings.append(
            Finding(
                "cloud-init",
                "info",
                "the guest has no cloud-init drive: its user, keys and address are its own matter",
            )
        )
    host = wanted.network.host
    if guest.running and guest.agent and guest.addresses and host not in guest.addresses:
        findings.append(
            Finding(
                "address",
                "warning",
                f"the guest reports {', '.join(guest.addresses)}, not the declared {host}",
                hint="see the guest's own network configuration",
            )
        )
    if guest.running and not guest.agent:
        findings.append(
            Finding(
                "agent",
                "warning",
                "the guest agent does not answer",
                "without it backups do not freeze file systems and host keys cannot be pinned",
                "in the guest: apt install qemu-guest-agent",
            )
        )
    findings += _firewall(wanted, guest)
    declared = {disk.slot for disk in wanted.disks}
    unknown = [disk for disk in guest.disks if disk.slot not in declared]
    findings += [
        Finding(
            "disk",
            "info",
            f"disk {disk.slot} ({disk.volume}, {human_size(disk.size)}) is not declared; it stays",
        )
        for disk in unknown
    ]
    return tuple(findings)


def _firewall(wanted: DesiredGuest, guest: GuestState) -> tuple[Finding, ...]:
    """Return who may lose a way in, where a running guest's firewall is to be switched on."""
    is_open = not guest.firewall_enabled or guest.firewall_policy == "ACCEPT"
    if not (is_open and wanted.network.firewall and guest.running):
        return ()
    ports = ", ".join(dict.fromkeys(str(rule.port) for rule in wanted.firewall_rules))
    return (
        Finding(
            "firewall",
            "warning",
            "the VM's firewall lets in whoever comes",
            f"labdb switches it on: then only declared clients come in, to ports {ports}",
            "whoever needs another port: add a rule in Proxmox VE first; labdb leaves it alone",
        ),
    )


def _memory(wanted: DesiredGuest, guest: GuestState) -> tuple[Finding, ...]:
    declared = wanted.memory_mb * UNITS["MB"]
    findings = []
    if guest.running and guest.memory and abs(guest.memory - declared) > TOLERANCE * declared:
        findings.append(
            Finding(
                "memory",
                "warning",
                f"the guest runs with {human_size(guest.memory)}, "
                f"{human_size(declared)} are declared",
                "PostgreSQL is tuned for the declared memory",
                "declare what it shall have, and restart it",
            )
        )
    balloon = guest.config.get("balloon", "")
    memory = guest.config.get("memory", "").removeprefix("current=")
    if balloon.isdigit() and memory.isdigit() and int(balloon) < int(memory):
        findings.append(
            Finding(
                "balloon",
                "warning",
                f"the balloon may take the guest down to {balloon} MB of its {memory} MB",
                "a database server must not lose memory while it runs",
                "labdb sets balloon equal to memory",
            )
        )
    return tuple(findings)
