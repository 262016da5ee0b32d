"""The guest's configuration, field by field: what it should be, and when a change takes effect."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from labdb.domain.desired import DesiredGuest
from labdb.domain.property_string import (
    TRUE,
    keys_value,
    nic_value,
    parse_keys,
    parse_properties,
)
from labdb.facts import GuestState, NicState
from labdb.report import Change, Effect

MARKER = "labdb: creating"
"""How a guest's description begins while labdb is not done with it."""
MADE = "Made by labdb"
"""The description afterwards; an adopted guest keeps its own."""
AGENT = "enabled=1,fstrim_cloned_disks=1"
BOOT_REASON = "the running guest keeps the old value until it is restarted"
CLOUD_INIT_REASON = (
    "changes the instance-id: at the next boot cloud-init runs anew and makes new SSH host keys"
)


@dataclass(frozen=True, slots=True)
class Field:
    """One option of the configuration that differs: *value* is what to send."""

    key: str
    value: str
    change: Change


def is_fresh(guest: GuestState) -> bool:
    """Tell whether labdb is still creating *guest* and it has never run."""
    return is_unfinished(guest) and not guest.running


def is_unfinished(guest: GuestState) -> bool:
    """Tell whether labdb made *guest* and did not get to the end."""
    return guest.config.get("description", "").startswith(MARKER)


def hardware_fields(wanted: DesiredGuest, guest: GuestState) -> tuple[Field, ...]:
    """Return processors, memory, start order, tags: whatever cloud-init does not read."""
    memory = str(wanted.memory_mb)
    at_boot = {
        "sockets": (str(wanted.sockets), "1"),
        "cores": (str(wanted.cores), "1"),
        "cpu": (wanted.cpu_type, "kvm64"),
        "numa": (str(int(wanted.numa)), "0"),
        "memory": (memory, "512"),
        "balloon": (memory, memory if guest.config.get("memory") == memory else ""),
    }
    at_once = {
        "onboot": (str(int(wanted.on_boot)), "0"),
        "startup": (wanted.startup, ""),
        "tags": (";".join(wanted.tags), ""),
        "agent": (AGENT, "0"),
    }
    effect = Effect.NEXT_BOOT if guest.running else Effect.LIVE
    fields = []
    for options, when in ((at_boot, effect), (at_once, Effect.LIVE)):
        for key, (value, default) in options.items():
            live = guest.config.get(key, default)
            if _same(key, live, value):
                continue
            reason = BOOT_REASON if when is Effect.NEXT_BOOT else ""
            before = guest.config.get(key)
            fields.append(Field(key, value, Change("guest", key, before, value, when, reason)))
    return tuple(fields)


def network_field(wanted: DesiredGuest, guest: GuestState) -> Field | None:
    """Return net0 when bridge, VLAN or firewall differ; model and MAC are kept."""
    nic = guest.nic or NicState(model="virtio", mac="", bridge="")
    network = wanted.network
    live = (nic.bridge, nic.vlan, nic.firewall)
    if guest.nic and live == (network.bridge, network.vlan, network.firewall):
        return None
    value = nic_value(nic, bridge=network.bridge, vlan=network.vlan, firewall=network.firewall)
    if not nic.mac:
        value = value.replace(f"{nic.model}=,", f"model={nic.model},", 1)
    reason = "the MAC address is kept" if nic.mac else ""
    before = guest.config.get("net0")
    return Field("net0", value, Change("guest", "net0", before, value, Effect.LIVE, reason))


def cloud_init_fields(
    wanted: DesiredGuest, guest: GuestState, authorized_keys: Sequence[str]
) -> tuple[Field, ...]:
    """Return the options that cloud-init reads and that differ; none without its drive.

    Proxmox VE makes the instance-id of a NoCloud drive from the user data and the network
    configuration, so a change of any of these is a new instance to the guest.
    """
    if not guest.has_cloud_init:
        return ()
    network = wanted.network
    options = {
        "ciuser": wanted.user,
        "sshkeys": keys_value(authorized_keys),
        "ipconfig0": f"ip={network.address},gw={network.gateway}",
        "nameserver": " ".join(network.nameservers),
        "searchdomain": network.search_domain,
        "citype": "nocloud",
        "ciupgrade": "0",
    }
    fields = []
    for key, value in options.items():
        live = guest.config.get(key, "")
        if _same(key, live, value):
            continue
        before, after = _readable(key, live), _readable(key, value)
        change = Change(
            "cloud-init", key, before or None, after, Effect.CLOUD_INIT, CLOUD_INIT_REASON
        )
        fields.append(Field(key, value, change))
    return tuple(fields)


def closing_fields(wanted: DesiredGuest, guest: GuestState) -> tuple[Field, ...]:
    """Return what is set last: the description of a new guest, and its protection."""
    fields = []
    if is_unfinished(guest):
        before = guest.config["description"].strip()
        change = Change("guest", "description", before, MADE, Effect.LIVE)
        fields.append(Field("description", MADE, change))
    if wanted.protection != guest.protected:
        before, after = str(int(guest.protected)), str(int(wanted.protection))
        reason = (
            "Proxmox VE then refuses to remove the VM or its disks" if wanted.protection else ""
        )
        change = Change("guest", "protection", before, after, Effect.LIVE, reason)
        fields.append(Field("protection", after, change))
    return tuple(fields)


def _same(key: str, live: str, value: str) -> bool:
    """Tell whether two spellings of an option mean the same."""
    meaning = MEANINGS.get(key)
    return live == value or bool(meaning and meaning(live) == meaning(value))


def _is_enabled(text: str) -> bool:
    head, named = parse_properties(text)
    return named.get("enabled", head) in TRUE


def _cpu_type(text: str) -> str:
    head, named = parse_properties(text)
    return named.get("cputype") or head


def _named(text: str) -> dict[str, str]:
    return parse_properties(text)[1]


def _tags(text: str) -> set[str]:
    return set(text.replace(",", ";").replace(" ", ";").split(";")) - {""}


MEANINGS: dict[str, Callable[[str], object]] = {
    "agent": _is_enabled,
    "cpu": _cpu_type,
    "ipconfig0": _named,
    "memory": lambda text: text.removeprefix("current="),
    "nameserver": str.split,
    "sshkeys": parse_keys,
    "startup": _named,
    "tags": _tags,
}
"""What is compared where one value has several spellings."""


def _readable(key: str, value: str) -> str:
    if key != "sshkeys":
        return value
    return "; ".join(_short(line) for line in parse_keys(value))


def _short(line: str) -> str:
    """Return type and comment of a public key; the key itself says nothing to a reader."""
    kind, _, rest = line.partition(" ")
    body, _, comment = rest.partition(" ")
    return f"{kind} ...{body[-8:]} {comment}".strip()
