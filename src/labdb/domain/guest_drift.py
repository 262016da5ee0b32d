"""The declared guest against what Proxmox VE has configured and what runs now."""

from labdb.domain.desired import DesiredGuest
from labdb.domain.guest import GuestPlan
from labdb.domain.guest_config import BOOT_REASON
from labdb.facts import ClusterState, GuestState
from labdb.report import Change, Difference, Effect
from labdb.size import UNITS, human_size

AT_BOOT = frozenset({"balloon", "cores", "cpu", "memory", "numa", "sockets"})
"""Declared options that a running guest takes over when it is restarted."""
WAITS = "waits for the next boot"
TAKEN = "the host may take memory away that PostgreSQL counts on"


def guest_differences(
    wanted: DesiredGuest, state: ClusterState, plan: GuestPlan
) -> tuple[Difference, ...]:
    """Return everything about the virtual machine that is not as declared.

    Args:
        wanted: the guest as it is declared.
        state: what was observed.
        plan: what a provision would do about it.
    """
    guest = state.guest
    if guest is None:
        return tuple(_row(change, None) for change in plan.changes[:1])
    found = [_row(change, guest) for change in plan.changes]
    fields = {row.field for row in found}
    balloon = _balloon(wanted, guest)
    if balloon and "balloon" not in fields:
        found.append(balloon)
    found += [
        Difference(
            "guest",
            key,
            Effect.NEXT_BOOT,
            declared=guest.config.get(key) if key in AT_BOOT else None,
            running=_running(guest, key),
            hypervisor=guest.config.get(key),
            reason=WAITS,
        )
        for key in guest.pending
        if key not in fields
    ]
    return tuple(found)


def _row(change: Change, guest: GuestState | None) -> Difference:
    is_below = guest is not None and change.field == "balloon"
    return Difference(
        change.subject,
        change.field,
        change.effect,
        declared=change.after,
        running=_running(guest, change.field) if guest and change.subject == "guest" else None,
        hypervisor=change.before,
        # That the running guest keeps its old value is what "next boot" says already.
        reason=TAKEN if is_below else "" if change.reason == BOOT_REASON else change.reason,
    )


def _balloon(wanted: DesiredGuest, guest: GuestState) -> Difference | None:
    """Return a row when the balloon is as declared and the memory above it is not."""
    balloon = guest.config.get("balloon", "")
    memory = guest.config.get("memory", "").removeprefix("current=")
    if not (balloon.isdigit() and memory.isdigit() and int(balloon) < int(memory)):
        return None
    return Difference(
        "guest",
        "balloon",
        Effect.NEXT_BOOT,
        declared=f"{wanted.memory_mb}, all of the memory",
        running=_running(guest, "balloon"),
        hypervisor=f"{balloon} of {memory}",
        reason=TAKEN,
    )


def _running(guest: GuestState, key: str) -> str | None:
    """Return what the running guest has of *key*; None where it does not run or nobody tells."""
    if not guest.running:
        return None
    if key == "memory":
        return str(guest.memory // UNITS["MB"]) if guest.memory else None
    if key == "balloon":
        return f"{human_size(guest.balloon)} left" if guest.balloon else None
    return guest.present.get(key, None if key in guest.pending else guest.config.get(key))
