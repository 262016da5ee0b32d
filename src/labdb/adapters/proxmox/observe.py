"""Read everything about one guest and the cluster around it; nothing is changed here."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from labdb.adapters.proxmox.failures import FORBIDDEN, NO_AGENT, NODE_DOWN, ApiError
from labdb.adapters.proxmox.probe import answers
from labdb.adapters.proxmox.session import Session
from labdb.domain.desired import DesiredGuest
from labdb.domain.privileges import paths
from labdb.domain.property_string import TRUE, parse_disks, parse_nic, parse_properties
from labdb.facts import (
    AddressHolder,
    BackupJob,
    BridgeState,
    ClusterState,
    FirewallRule,
    GuestState,
    GuestSummary,
    NodeState,
    StorageState,
)

AT_ONCE = 6
"""Requests in flight when many guests are asked."""


def observe(session: Session, wanted: DesiredGuest, *, probe: bool) -> ClusterState:
    """Return what the API says about the cluster, the node, the template and the guest."""
    version = str(session.get("version")["version"])
    status = session.get("cluster/status")
    online = {str(row["name"]): bool(row.get("online")) for row in status if row["type"] == "node"}
    quorate = all(row.get("quorate", 1) for row in status if row["type"] == "cluster")
    guests = summaries(session)
    node = observe_node(session, wanted.node, online=online.get(wanted.node, False))
    ours = next((guest for guest in guests if guest.vmid == wanted.vmid), None)
    if ours and (ours.name != wanted.name or ours.kind != "qemu" or ours.template):
        ours = None
    template = next((guest for guest in guests if guest.vmid == wanted.template_vmid), None)
    guest = None
    if ours and online.get(ours.node, False):
        guest = observe_guest(session, ours.node, ours.vmid)
    holder = None
    if node.online and not _has(guest, wanted.network.host):
        # Who runs, and tells no address, may be what would answer.
        silent = guest is not None and guest.running and not guest.addresses
        holder = _address_holder(session, wanted, guests, online, probe=probe and not silent)
    template_state = None
    if guest is None and template and online.get(template.node, False):
        template_state = _read_template(session, template)
    return ClusterState(
        version=version,
        quorate=quorate,
        token_id=session.token_id,
        node=node,
        nodes=tuple(sorted(online)),
        guests=guests,
        permissions=_permissions(session, wanted),
        guest=guest,
        template=template_state,
        template_is_template=bool(template and template.template),
        backup_job=_backup_job(session, wanted.vmid),
        address_holder=holder,
    )


def observe_node(session: Session, name: str, *, online: bool) -> NodeState:
    """Return the node's capacity, storages and bridges; nothing of an offline one."""
    if not online:
        return NodeState(name=name, online=False)
    status = _ask(session, {}, f"nodes/{name}/status")
    if status is None:
        return NodeState(name=name, online=False)
    storages = _ask(session, [], f"nodes/{name}/storage")
    bridges = _ask(session, [], f"nodes/{name}/network", type="any_bridge")
    return NodeState(
        name=name,
        online=True,
        cpus=int(status.get("cpuinfo", {}).get("cpus", 0)),
        memory=int(status.get("memory", {}).get("total", 0)),
        storages=tuple(_storage(row) for row in storages or ()),
        bridges=tuple(_bridge(row) for row in bridges or ()),
    )


def observe_guest(session: Session, node: str, vmid: int) -> GuestState:
    """Return one guest: what its next start will use, what waits for that, what runs now."""
    base = f"nodes/{node}/qemu/{vmid}"
    digest = str(session.get(f"{base}/config").get("digest", ""))
    rows = session.get(f"{base}/pending")
    config, pending = next_boot(rows)
    current = session.get(f"{base}/status/current")
    running = current["status"] == "running"
    nic = parse_nic(config.get("net0", ""))
    addresses = agent_addresses(session, base, nic.mac if nic else "") if running else None
    options = _ask(session, {}, f"{base}/firewall/options") or {}
    rules = _ask(session, [], f"{base}/firewall/rules") or []
    return GuestState(
        vmid=vmid,
        node=node,
        name=config.get("name", ""),
        running=running,
        config=config,
        digest=digest,
        pending=pending,
        present={
            str(row["key"]): str(row["value"]).strip()
            for row in rows
            if row["key"] in pending and row.get("value") is not None
        },
        lock=str(current.get("lock") or ""),
        agent=addresses is not None,
        addresses=addresses or (),
        memory=int(current.get("maxmem", 0)),
        balloon=int(current.get("balloon") or 0),
        disks=parse_disks(config),
        nic=nic,
        firewall_enabled=str(options.get("enable", 0)) in TRUE,
        firewall_policy=str(options.get("policy_in", "DROP")),
        firewall_rules=tuple(rule for row in rules if (rule := _rule(row))),
    )


def next_boot(rows: Iterable[dict[str, Any]]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the configuration after the next start, and the keys that wait for it."""
    config, waiting = {}, []
    for row in rows:
        key = str(row["key"])
        if "pending" in row or row.get("delete"):
            waiting.append(key)
        if row.get("delete"):
            continue
        value = row.get("pending", row.get("value"))
        if value is not None and key != "digest":
            config[key] = str(value).strip()
    return config, tuple(sorted(waiting))


def agent_addresses(session: Session, base: str, mac: str) -> tuple[str, ...] | None:
    """Return the addresses that the agent reports for *mac*; None when it does not answer."""
    try:
        answer = session.get(f"{base}/agent/network-get-interfaces")
    except ApiError as error:
        if NO_AGENT.search(error.text) or error.status == FORBIDDEN:
            return None
        raise
    found = []
    for interface in answer.get("result", ()):
        if str(interface.get("hardware-address", "")).lower() != mac.lower():
            continue
        found += [
            str(item["ip-address"])
            for item in interface.get("ip-addresses", ())
            if item.get("ip-address-type") == "ipv4"
        ]
    return tuple(found)


def summaries(session: Session) -> tuple[GuestSummary, ...]:
    """Return every guest of the cluster that the token may see."""
    return tuple(_summary(row) for row in session.get("cluster/resources", type="vm"))


def _summary(row: dict[str, Any]) -> GuestSummary:
    return GuestSummary(
        vmid=int(row["vmid"]),
        name=str(row.get("name", "")),
        node=str(row["node"]),
        kind=str(row["type"]),
        template=bool(row.get("template")),
        running=row.get("status") == "running",
        memory=int(row.get("maxmem", 0)),
    )


def _read_template(session: Session, template: GuestSummary) -> GuestState | None:
    rows = _ask(session, None, f"nodes/{template.node}/qemu/{template.vmid}/pending")
    if rows is None:
        return None
    config, _ = next_boot(rows)
    return GuestState(
        vmid=template.vmid,
        node=template.node,
        name=template.name,
        running=False,
        config=config,
        disks=parse_disks(config),
        nic=parse_nic(config.get("net0", "")),
    )


def _permissions(session: Session, wanted: DesiredGuest) -> dict[str, frozenset[str]] | None:
    """Ask for each path alone: only then does the API resolve inheritance itself."""
    held = {}
    for path in paths(wanted):
        answer = _ask(session, None, "access/permissions", path=path)
        if answer is None:
            return None
        inherited = [
            privileges
            for owner, privileges in answer.items()
            if owner in ("/", path) or path.startswith(owner.rstrip("/") + "/")
        ]
        held[path] = frozenset(name for privileges in inherited for name in privileges)
    return held


def _backup_job(session: Session, vmid: int) -> BackupJob | None:
    name = f"labdb-{vmid}"
    for row in _ask(session, [], "cluster/backup") or ():
        if row.get("id") == name:
            keep = row.get("prune-backups", "")
            kept = keep if isinstance(keep, dict) else parse_properties(str(keep))[1]
            return BackupJob(
                job=name,
                storage=str(row.get("storage", "")),
                schedule=str(row.get("schedule", "")),
                keep_daily=int(kept.get("keep-daily", 0)),
                enabled=str(row.get("enabled", 1)) in TRUE,
            )
    return None


def _has(guest: GuestState | None, address: str) -> bool:
    """Tell whether *guest* runs at *address*: by its agent, else by its cloud-init."""
    if guest is None or not guest.running:
        return False
    return address in (guest.addresses or _configured(guest.config))


def _configured(config: Mapping[str, Any]) -> list[str]:
    """Return the addresses that a VM's cloud-init or a container's network cards are given."""
    return [
        parse_properties(str(value))[1].get("ip", "").partition("/")[0]
        for key, value in config.items()
        if key.startswith(("ipconfig", "net"))
    ]


def _address_holder(
    session: Session,
    wanted: DesiredGuest,
    guests: Iterable[GuestSummary],
    online: dict[str, bool],
    *,
    probe: bool,
) -> AddressHolder | None:
    """Find who has the declared address: another guest, or something that answers there."""
    host = wanted.network.host
    others = [
        guest
        for guest in guests
        if guest.vmid != wanted.vmid and not guest.template and online.get(guest.node, False)
    ]

    def has(guest: GuestSummary) -> bool:
        base = f"nodes/{guest.node}/{guest.kind}/{guest.vmid}"
        config = _ask(session, {}, f"{base}/config") or {}
        declared = [address for address in _configured(config) if address]
        if host in declared:
            return True
        if declared or not guest.running or not config.get("agent"):
            return False
        nic = parse_nic(str(config.get("net0", "")))
        return bool(nic and host in (agent_addresses(session, base, nic.mac) or ()))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for guest, found in zip(others, pool.map(has, others), strict=True):
            if found:
                return AddressHolder(host, f"guest {guest.vmid} {guest.name}", guest.vmid)
    if probe and answers(host, api_host=session.host):
        return AddressHolder(host, "something on the network")
    return None


def _storage(row: dict[str, Any]) -> StorageState:
    return StorageState(
        name=str(row["storage"]),
        kind=str(row.get("type", "")),
        active=bool(row.get("active")),
        content=tuple(str(row.get("content", "")).split(",")),
        total=int(row.get("total", 0)),
        available=int(row.get("avail", 0)),
        shared=bool(row.get("shared")),
    )


def _bridge(row: dict[str, Any]) -> BridgeState:
    aware = bool(row.get("bridge_vlan_aware")) or row.get("type") in ("OVSBridge", "vnet")
    return BridgeState(name=str(row["iface"]), active=bool(row.get("active")), vlan_aware=aware)


def _rule(row: dict[str, Any]) -> FirewallRule | None:
    if row.get("type") != "in" or row.get("action") != "ACCEPT" or not row.get("enable", 0):
        return None
    port = str(row.get("dport", ""))
    if not port.isdigit():
        return None
    return FirewallRule(
        port=int(port),
        protocol=str(row.get("proto", "")),
        source=str(row.get("source", "")),
        comment=str(row.get("comment", "")).strip(),
        position=int(row.get("pos", 0)),
    )


def _ask(session: Session, otherwise: Any, path: str, /, **parameters: Any) -> Any:
    """Return what *path* answers, *otherwise* without the right, None from a dead node."""
    try:
        return session.get(path, **parameters)
    except ApiError as error:
        if error.status == FORBIDDEN:
            return otherwise
        if error.status in NODE_DOWN:
            return None
        raise
