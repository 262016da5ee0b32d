"""Look before anything is changed: can this guest be on this cluster, with this token?"""

from collections import Counter

from labdb.domain.desired import DesiredGuest
from labdb.domain.guest_findings import identity_refusals
from labdb.domain.privileges import major, missing, remedy
from labdb.domain.property_string import format_bytes
from labdb.facts import ClusterState
from labdb.report import Finding
from labdb.size import UNITS, human_size
from labdb.spec import Machine

OLDEST = 8
"""Oldest Proxmox VE major version whose API labdb speaks."""
NODE_RESERVE = 2 * UNITS["GB"]
"""Memory that is left to the node itself."""


def check(machine: Machine | DesiredGuest, state: ClusterState) -> tuple[Finding, ...]:
    """Return one finding for each thing that was looked at; critical ones forbid a run."""
    wanted = DesiredGuest.of(machine)
    findings = [_version(state), _quorum(state), _node(wanted, state), *_token(wanted, state)]
    findings += identity_refusals(wanted, state) or [_identity(wanted, state)]
    if state.node.online:
        findings += [
            _cores(wanted, state),
            _memory(wanted, state),
            *_storages(wanted, state),
            *_bridge(wanted, state),
            *_template(wanted, state),
            *_address(wanted, state),
        ]
    return tuple(findings)


def blockers(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return the findings that forbid a run."""
    return tuple(finding for finding in findings if finding.severity == "critical")


def _ok(name: str, what: str) -> Finding:
    return Finding(name, "ok", what)


def _version(state: ClusterState) -> Finding:
    if major(state.version) >= OLDEST:
        return _ok("api", f"Proxmox VE {state.version}")
    what = f"Proxmox VE {state.version} is too old"
    return Finding("api", "critical", what, hint=f"upgrade the cluster to {OLDEST} or later")


def _quorum(state: ClusterState) -> Finding:
    if state.quorate:
        return _ok("quorum", "the cluster has quorum")
    return Finding(
        "quorum",
        "critical",
        "the cluster has no quorum",
        "it accepts no change until most of its nodes see each other",
        "`pvecm status` on any node shows who is missing",
    )


def _node(wanted: DesiredGuest, state: ClusterState) -> Finding:
    if state.node.online:
        return _ok("node", f"{wanted.node} is online")
    if wanted.node not in state.nodes:
        hint = f"its nodes are {', '.join(state.nodes)}"
        return Finding("node", "critical", f"the cluster has no node {wanted.node}", hint=hint)
    hint = "bring it back; labdb does not place the guest elsewhere"
    return Finding("node", "critical", f"{wanted.node} is offline", hint=hint)


def _token(wanted: DesiredGuest, state: ClusterState) -> list[Finding]:
    if state.permissions is None:
        return [
            Finding(
                "token",
                "warning",
                "the API does not say what the token may do",
                hint="compare it yourself: docs/reference/token-privileges.md",
            ),
        ]
    lacking = missing(wanted, state.version, state.permissions)
    return [
        Finding(
            "token",
            "critical",
            f"the token {state.token_id} lacks {privilege.name} on {privilege.path}",
            f"needed to {privilege.purpose}",
            remedy(state.token_id, privilege.path, privilege.name, wanted),
        )
        for privilege in lacking
    ] or [_ok("token", f"{state.token_id} has every privilege that is needed")]


def _identity(wanted: DesiredGuest, state: ClusterState) -> Finding:
    if state.occupant(wanted.vmid):
        return _ok("vmid", f"VM {wanted.vmid} is {wanted.name}")
    return _ok("vmid", f"VMID {wanted.vmid} and the name {wanted.name} are free")


def _cores(wanted: DesiredGuest, state: ClusterState) -> Finding:
    have = state.node.cpus
    if not have or wanted.processors <= have:
        return _ok("cores", f"{wanted.processors} of {have or '?'} processors")
    return Finding(
        "cores",
        "critical",
        f"{wanted.processors} processors are declared, {wanted.node} has {have}",
        "Proxmox VE does not start a guest with more processors than its node",
        f"declare at most {have} cores",
    )


def _memory(wanted: DesiredGuest, state: ClusterState) -> Finding:
    total = state.node.memory
    others = sum(
        guest.memory
        for guest in state.guests
        if guest.node == wanted.node and guest.running and guest.vmid != wanted.vmid
    )
    declared = wanted.memory_mb * UNITS["MB"]
    free = total - others - NODE_RESERVE
    if not total or declared <= free:
        return _ok("memory", f"{human_size(declared)} of {human_size(max(free, 0))} free")
    return Finding(
        "memory",
        "critical",
        f"{human_size(declared)} are declared, {wanted.node} has {human_size(max(free, 0))} left",
        f"{human_size(total)}, of which running guests may take {human_size(others)} "
        f"and the node keeps {human_size(NODE_RESERVE)}",
        "declare less memory, stop another guest, or choose another node",
    )


def _storages(wanted: DesiredGuest, state: ClusterState) -> list[Finding]:
    needed: Counter[str] = Counter()
    for disk in wanted.disks:
        live = state.guest.disk(disk.slot) if state.guest else None
        needed[disk.storage] += max(disk.size - (live.size if live else 0), 0)
    findings = [_storage(name, size, wanted, state) for name, size in sorted(needed.items())]
    if wanted.backup:
        findings.append(_backup_storage(wanted.backup.storage, wanted, state))
    return findings


def _storage(name: str, needed: int, wanted: DesiredGuest, state: ClusterState) -> Finding:
    storage = state.node.storage(name)
    if storage is None or not storage.active:
        said = "is not active" if storage else "does not exist"
        names = ", ".join(item.name for item in state.node.storages if "images" in item.content)
        what = f"storage {name} {said} on {wanted.node}"
        hint = f"storages for disks there: {names or 'none that the token may see'}"
        return Finding("storage", "critical", what, hint=hint)
    if "images" not in storage.content:
        what = f"storage {name} takes no disks"
        why = f"its content is {', '.join(storage.content)}"
        return Finding("storage", "critical", what, why, f"pvesm set {name} --content images,...")
    if needed > storage.available:
        return Finding(
            "storage",
            "critical",
            f"storage {name} has {human_size(storage.available)} left, "
            f"{format_bytes(needed)} are needed",
            "a thin pool that runs full damages every guest on it"
            if storage.kind == "lvmthin"
            else "the disks would not fit",
            "declare smaller disks, or free space there",
        )
    return _ok("storage", f"{name}: {human_size(needed)} of {human_size(storage.available)} free")


def _backup_storage(name: str, wanted: DesiredGuest, state: ClusterState) -> Finding:
    storage = state.node.storage(name)
    if storage and storage.active and "backup" in storage.content:
        return _ok("backup storage", f"{name} takes backups")
    said = "takes no backups" if storage else "does not exist, or the token may not see it,"
    names = ", ".join(item.name for item in state.node.storages if "backup" in item.content)
    what = f"backup storage {name} {said} on {wanted.node}"
    hint = f"storages for backups there: {names or 'none'}"
    return Finding("backup storage", "critical", what, hint=hint)


def _bridge(wanted: DesiredGuest, state: ClusterState) -> list[Finding]:
    network = wanted.network
    bridge = state.node.bridge(network.bridge)
    if bridge is None or not bridge.active:
        names = ", ".join(item.name for item in state.node.bridges)
        said = "is down" if bridge else "does not exist"
        what = f"bridge {network.bridge} {said} on {wanted.node}"
        return [Finding("bridge", "critical", what, hint=f"bridges there: {names or 'none'}")]
    if network.vlan and not bridge.vlan_aware:
        return [
            Finding(
                "bridge",
                "critical",
                f"bridge {network.bridge} of {wanted.node} is not VLAN aware",
                f"net0 asks for VLAN {network.vlan}, which would not get through",
                "make it VLAN aware (node, Network), or declare another bridge",
            )
        ]
    tag = f", VLAN {network.vlan}" if network.vlan else ""
    return [_ok("bridge", f"{network.bridge}{tag}")]


def _template(wanted: DesiredGuest, state: ClusterState) -> list[Finding]:
    if state.guest is not None:
        return []
    occupant = state.occupant(wanted.template_vmid)
    hint = "make one: labdb template build, or declare the VMID of one"
    if occupant is None or not state.template_is_template:
        said = "is not a template" if occupant else "does not exist"
        what = f"template {wanted.template_vmid} {said}"
        why = f"VM {occupant.vmid} is {occupant.name}" if occupant else ""
        return [Finding("template", "critical", what, why, hint)]
    if occupant.node != wanted.template_node:
        what = f"template {occupant.vmid} is on {occupant.node}, not {wanted.template_node}"
        return [Finding("template", "critical", what, hint=f"declare node: {occupant.node}")]
    if state.template is None:
        what = f"template {occupant.vmid} cannot be read"
        hint = remedy(state.token_id, f"/vms/{occupant.vmid}", "VM.Audit", wanted)
        return [Finding("template", "warning", what, hint=hint)]
    if not state.template.has_cloud_init:
        what = f"template {occupant.vmid} has no cloud-init drive"
        why = "the guest would come up without user, key and address"
        return [Finding("template", "critical", what, why, hint)]
    return [_ok("template", f"{occupant.vmid} {occupant.name}")]


def _address(wanted: DesiredGuest, state: ClusterState) -> list[Finding]:
    holder = state.address_holder
    if holder is None:
        return [_ok("address", f"{wanted.network.host} is free or the guest's own")]
    return [
        Finding(
            "address",
            "critical",
            f"{holder.address} is taken: {holder.holder} has it",
            "two machines with one address cut each other off",
            "declare another guest.network.address",
        )
    ]
