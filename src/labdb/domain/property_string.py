"""Proxmox VE's property strings (``a,b=c,d=e``): disks, network cards, sizes, keys.

Source: Proxmox VE API documentation (qemu config), and qm.conf(5).
"""

from collections.abc import Iterable, Mapping
from urllib.parse import quote, unquote

from labdb.facts import DiskState, NicState
from labdb.size import UNITS

SUFFIXES = {"K": UNITS["kB"], "M": UNITS["MB"], "G": UNITS["GB"], "T": UNITS["TB"]}
BUSES = ("scsi", "virtio", "sata", "ide")
TRUE = ("1", "on", "yes", "true")


def parse_properties(text: str) -> tuple[str, dict[str, str]]:
    """Return the leading value without a name, and the named ones.

    >>> parse_properties("nvmethin01:vm-2002-disk-1,size=32G")
    ('nvmethin01:vm-2002-disk-1', {'size': '32G'})
    """
    head, named = "", {}
    for part in filter(None, text.split(",")):
        name, equals, value = part.partition("=")
        if equals:
            named[name] = value
        else:
            head = part
    return head, named


def join_properties(head: str, named: Mapping[str, str]) -> str:
    """Return the property string of *head* and *named*, in their order."""
    return ",".join(filter(None, [head, *(f"{name}={value}" for name, value in named.items())]))


def parse_bytes(text: str) -> int:
    """Return the bytes of a size as Proxmox writes it (binary K, M, G, T; none means bytes).

    >>> parse_bytes("528K")
    540672
    """
    if not text:
        return 0
    factor = SUFFIXES.get(text[-1].upper(), 0)
    return int(float(text[:-1]) * factor) if factor else int(float(text))


def format_bytes(size: int) -> str:
    """Return *size* as Proxmox writes it: the largest unit that divides it.

    >>> format_bytes(250 * 1024**3)
    '250G'
    """
    for suffix in ("T", "G", "M", "K"):
        if size and size % SUFFIXES[suffix] == 0:
            return f"{size // SUFFIXES[suffix]}{suffix}"
    return str(size)


def gibibytes(size: int) -> str:
    """Return *size* in GiB without a unit, as a new volume is ordered (``store:250``)."""
    whole, rest = divmod(size, SUFFIXES["G"])
    return f"{size / SUFFIXES['G']:.6f}".rstrip("0") if rest else str(whole)


def parse_disks(config: Mapping[str, str]) -> tuple[DiskState, ...]:
    """Return the disks of a configuration; CD-ROM and cloud-init drives are none."""
    disks = []
    for slot, text in config.items():
        if slot == "scsihw" or not slot.startswith(BUSES) or not slot[-1].isdigit():
            continue
        volume, options = parse_properties(text)
        volume = volume or options.pop("file", "")
        if options.get("media") == "cdrom" or "cloudinit" in volume:
            continue
        size = parse_bytes(options.pop("size", ""))
        disks.append(DiskState(slot=slot, volume=volume, size=size, options=options))
    return tuple(sorted(disks, key=lambda disk: (disk.slot.rstrip("0123456789"), disk.slot)))


def disk_value(disk: DiskState, *, size: int, serial: str) -> str:
    """Return the property string of *disk* with its own volume and options, and *serial*.

    The size must be the live one: Proxmox would store any other as a pending change.
    """
    options = dict(disk.options) | {"serial": serial, "size": format_bytes(size)}
    return join_properties(disk.volume, dict(sorted(options.items())))


def parse_nic(text: str) -> NicState | None:
    """Return net0, or None when there is none."""
    _, options = parse_properties(text)
    if not options:
        return None
    model = next(iter(options))
    mac = options.pop(model)
    if model in ("model", "macaddr"):
        model, mac = (mac, options.pop("macaddr", "")) if model == "model" else ("virtio", mac)
    vlan = options.pop("tag", "")
    return NicState(
        model=model,
        mac=mac,
        bridge=options.pop("bridge", ""),
        vlan=int(vlan) if vlan else None,
        firewall=options.pop("firewall", "0") in TRUE,
        options=options,
    )


def nic_value(nic: NicState, *, bridge: str, vlan: int | None, firewall: bool) -> str:
    """Return the property string of net0; model, MAC and other options are kept."""
    wanted = {nic.model: nic.mac, "bridge": bridge}
    wanted |= {"firewall": "1"} if firewall else {}
    wanted |= dict(nic.options)
    wanted |= {"tag": str(vlan)} if vlan else {}
    return join_properties("", wanted)


def parse_keys(text: str) -> tuple[str, ...]:
    """Return the lines of the ``sshkeys`` option, which Proxmox keeps URL-encoded."""
    return key_lines(unquote(text).splitlines())


def key_lines(lines: Iterable[str]) -> tuple[str, ...]:
    """Return *lines* without blanks and comments."""
    stripped = (line.strip() for line in lines)
    return tuple(line for line in stripped if line and not line.startswith("#"))


def keys_value(keys: Iterable[str]) -> str:
    """Return *keys* URL-encoded, as the ``sshkeys`` option wants them."""
    return quote("\n".join(keys) + "\n", safe="")
