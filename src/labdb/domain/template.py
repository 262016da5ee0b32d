"""Build a template from a cloud image: what is there, and what is still to be done."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from labdb.facts import GuestSummary, StorageState
from labdb.report import Change, Effect, Finding

MARKER = "labdb: building"
MADE = "Template made by labdb"
CHECKSUMS = {"sha256": 64, "sha512": 128}
"""Algorithms that the node can check, and how many hex digits each gives."""


@dataclass(frozen=True, slots=True)
class DesiredTemplate:
    """A template, and the image that it is made from."""

    vmid: int
    name: str
    node: str
    storage: str
    bridge: str
    image_url: str
    image_checksum: str
    image_storage: str

    @property
    def image(self) -> str:
        """File name of the image on its storage; Proxmox VE tells formats by the ending."""
        name = self.image_url.rpartition("/")[2]
        return name if name.endswith((".qcow2", ".raw", ".vmdk")) else f"{name}.qcow2"

    @property
    def volume(self) -> str:
        """The image as a volume."""
        return f"{self.image_storage}:import/{self.image}"


@dataclass(frozen=True, slots=True)
class TemplateState:
    """What the cluster has: who owns the VMID, its description, storages, images."""

    occupant: GuestSummary | None = None
    description: str = ""
    storages: tuple[StorageState, ...] = ()
    images: tuple[str, ...] = ()


class TemplateAction(StrEnum):
    """One request."""

    DOWNLOAD = "download"
    CREATE = "create"
    CONVERT = "convert"


@dataclass(frozen=True, slots=True)
class TemplateStep:
    """One request and its *parameters*."""

    action: TemplateAction
    what: str
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TemplatePlan:
    """What differs, what would be done, and what forbids it."""

    changes: tuple[Change, ...] = ()
    steps: tuple[TemplateStep, ...] = ()
    refusals: tuple[Finding, ...] = ()


def plan_template(wanted: DesiredTemplate, state: TemplateState) -> TemplatePlan:
    """Return what is left to do; a template of that VMID and name is left alone."""
    occupant = state.occupant
    if occupant and (occupant.name != wanted.name or occupant.node != wanted.node):
        what = f"VMID {wanted.vmid} belongs to {occupant.name} on {occupant.node}"
        return TemplatePlan(refusals=(_refusal("vmid", what, "choose another VMID"),))
    if occupant and occupant.template:
        return TemplatePlan()
    if occupant and not state.description.startswith(MARKER):
        what = f"VM {wanted.vmid} {occupant.name} is not a template, and not labdb's"
        return TemplatePlan(refusals=(_refusal("vmid", what, "choose another VMID"),))
    refusals = _refusals(wanted, state)
    steps = []
    if not occupant:
        if wanted.volume not in state.images:
            steps.append(_download(wanted))
        steps.append(_create(wanted))
    steps.append(
        TemplateStep(
            TemplateAction.CONVERT, f"make VM {wanted.vmid} a template", {"description": MADE}
        )
    )
    made = f"{wanted.name} ({wanted.vmid}) on {wanted.node}"
    change = Change("template", "vm", None, made, Effect.CREATE, f"from {wanted.image_url}")
    return TemplatePlan((change,), () if refusals else tuple(steps), refusals)


def _refusals(wanted: DesiredTemplate, state: TemplateState) -> tuple[Finding, ...]:
    found = []
    for name, content in ((wanted.image_storage, "import"), (wanted.storage, "images")):
        storage = next((item for item in state.storages if item.name == name), None)
        if storage is None or not storage.active:
            what = f"storage {name} does not exist or is not active on {wanted.node}"
            found.append(_refusal("storage", what, "see `pvesm status`"))
        elif content not in storage.content:
            allowed = ",".join((*storage.content, content))
            what = f"storage {name} takes no content of type {content}"
            found.append(_refusal("storage", what, f"pvesm set {name} --content {allowed}"))
    if checksum(wanted.image_checksum) is None:
        what = f"{wanted.image_checksum!r} is no checksum of the image"
        hint = "give what sha512sum or sha256sum prints for it"
        found.append(_refusal("checksum", what, hint))
    return tuple(found)


def checksum(text: str) -> tuple[str, str] | None:
    """Return algorithm and digits of a checksum, with or without the algorithm in front.

    >>> checksum("AB" * 32) == checksum("sha256:" + "ab" * 32) == ("sha256", "ab" * 32)
    True
    >>> checksum("sha512:" + "ab" * 32)
    """
    named, _, digits = text.strip().lower().rpartition(":")
    for algorithm, length in CHECKSUMS.items():
        if named in ("", algorithm) and re.fullmatch(rf"[0-9a-f]{{{length}}}", digits):
            return algorithm, digits
    return None


def _download(wanted: DesiredTemplate) -> TemplateStep:
    algorithm, digits = checksum(wanted.image_checksum) or ("", "")
    return TemplateStep(
        TemplateAction.DOWNLOAD,
        f"download {wanted.image_url}",
        {
            "content": "import",
            "filename": wanted.image,
            "url": wanted.image_url,
            "checksum": digits,
            "checksum-algorithm": algorithm,
        },
    )


def _create(wanted: DesiredTemplate) -> TemplateStep:
    """Order a VM as a database server wants it: UEFI, one I/O thread a disk, serial console."""
    store = wanted.storage
    return TemplateStep(
        TemplateAction.CREATE,
        f"create VM {wanted.vmid} ({wanted.name}) from {wanted.volume}",
        {
            "vmid": str(wanted.vmid),
            "name": wanted.name,
            "description": MARKER,
            "ostype": "l26",
            "machine": "q35",
            "bios": "ovmf",
            "efidisk0": f"{store}:1,efitype=4m,pre-enrolled-keys=0",
            "scsihw": "virtio-scsi-single",
            "scsi0": f"{store}:0,import-from={wanted.volume},discard=on,iothread=1,ssd=1",
            "ide2": f"{store}:cloudinit",
            "boot": "order=scsi0",
            "cores": "2",
            "memory": "2048",
            "cpu": "x86-64-v2-AES",
            "net0": f"model=virtio,bridge={wanted.bridge},firewall=1",
            "agent": "enabled=1,fstrim_cloned_disks=1",
            "serial0": "socket",
            "vga": "serial0",
        },
    )


def _refusal(check: str, what: str, hint: str) -> Finding:
    return Finding(check, "critical", what, hint=hint)
