"""Disks: they grow, they are added to free slots, they are never shrunk, moved or replaced."""

from dataclasses import dataclass

from labdb.domain.desired import DesiredDisk
from labdb.domain.property_string import disk_value, format_bytes, gibibytes
from labdb.facts import DiskState, GuestState
from labdb.report import Change, Effect, Finding

NEW_DISK_OPTIONS = "discard=on,iothread=1"
"""Thin storage gives freed blocks back; a thread of its own (qm(1), hard disk)."""


@dataclass(frozen=True, slots=True)
class DiskPlan:
    """What one disk needs: a *grow* size in bytes, a new *value* for its slot, or a refusal."""

    slot: str
    changes: tuple[Change, ...] = ()
    grow: int | None = None
    value: str = ""
    is_new: bool = False
    refusal: Finding | None = None


def plan_disk(wanted: DesiredDisk, guest: GuestState, *, fresh: bool) -> DiskPlan:
    """Return what *wanted* needs on *guest*; *fresh* when this guest is still being created."""
    live = guest.disk(wanted.slot)
    if live is None:
        return _absent(wanted, guest, fresh=fresh)
    if live.storage != wanted.storage:
        return _refuse(
            wanted,
            Change(
                f"disk {wanted.slot}", "storage", live.storage, wanted.storage, Effect.FORBIDDEN
            ),
            f"disk {wanted.slot} lies on storage {live.storage}, not {wanted.storage}",
            "moving a disk is not labdb's business",
            f"declare storage: {live.storage}, or move it: qm disk move",
        )
    if wanted.size < live.size:
        return _refuse(
            wanted,
            Change(
                f"disk {wanted.slot}",
                "size",
                format_bytes(live.size),
                format_bytes(wanted.size),
                Effect.FORBIDDEN,
            ),
            f"disk {wanted.slot} has {format_bytes(live.size)}; "
            f"{format_bytes(wanted.size)} are declared",
            "a disk never shrinks: what lies at its end would be lost",
            f"declare at least {format_bytes(live.size)}",
        )
    return _present(wanted, live, running=guest.running)


def _present(wanted: DesiredDisk, live: DiskState, *, running: bool) -> DiskPlan:
    changes, grow, value = [], None, ""
    subject = f"disk {wanted.slot}"
    if wanted.size > live.size:
        grow = wanted.size
        before, after = format_bytes(live.size), format_bytes(wanted.size)
        changes.append(Change(subject, "size", before, after, Effect.LIVE))
    if wanted.serial and wanted.serial != live.serial:
        value = disk_value(live, size=wanted.size, serial=wanted.serial)
        effect = Effect.NEXT_BOOT if running else Effect.LIVE
        reason = "the guest finds the disk by its serial"
        changes.append(
            Change(subject, "serial", live.serial or None, wanted.serial, effect, reason)
        )
    return DiskPlan(slot=wanted.slot, changes=tuple(changes), grow=grow, value=value)


def _absent(wanted: DesiredDisk, guest: GuestState, *, fresh: bool) -> DiskPlan:
    if wanted.role == "system":
        return _refuse(
            wanted,
            Change("disk " + wanted.slot, "volume", None, wanted.storage, Effect.FORBIDDEN),
            f"VM {guest.vmid} has no disk in slot {wanted.slot}, where its system should be",
            "an empty system disk would not start",
            "declare storage.system.slot as the VM has it"
            + (", or mend the template" if fresh else ""),
        )
    value = f"{wanted.storage}:{gibibytes(wanted.size)},{NEW_DISK_OPTIONS}"
    if wanted.serial:
        value += f",serial={wanted.serial}"
    value += ",ssd=1"
    effect = Effect.CREATE if fresh or not guest.running else Effect.LIVE
    what = f"{format_bytes(wanted.size)} on {wanted.storage}"
    change = Change(f"disk {wanted.slot}", "volume", None, what, effect, f"{wanted.role} disk")
    return DiskPlan(slot=wanted.slot, changes=(change,), value=value, is_new=True)


def _refuse(wanted: DesiredDisk, change: Change, what: str, why: str, hint: str) -> DiskPlan:
    finding = Finding("disk", "critical", what, why, hint)
    return DiskPlan(slot=wanted.slot, changes=(change,), refusal=finding)
