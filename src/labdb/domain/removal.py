"""Take a guest away in two steps, so that no single command can lose a database.

The first step stops the guest and lifts its protection; everything is still there. The
second destroys it, and refuses unless the first was done.
"""

from dataclasses import dataclass
from enum import StrEnum

from labdb.domain.desired import DesiredGuest
from labdb.domain.guest_findings import identity_refusals
from labdb.facts import ClusterState, GuestState
from labdb.report import Change, Effect, Finding
from labdb.size import human_size


class RemovalStep(StrEnum):
    """Which of the two."""

    RETIRE = "retire"
    DESTROY = "destroy"


class RemovalAction(StrEnum):
    """One request of a step."""

    SHUTDOWN = "shutdown"
    UNPROTECT = "unprotect"
    DELETE_BACKUP_JOB = "delete backup job"
    DESTROY = "destroy"


@dataclass(frozen=True, slots=True)
class RemovalPlan:
    """What the step does, what is lost by it, how to come back, and what forbids it."""

    step: RemovalStep
    changes: tuple[Change, ...] = ()
    actions: tuple[RemovalAction, ...] = ()
    losses: tuple[str, ...] = ()
    way_back: str = ""
    refusals: tuple[Finding, ...] = ()


def plan_removal(
    wanted: DesiredGuest, state: ClusterState, step: RemovalStep, *, confirm_name: str
) -> RemovalPlan:
    """Return what *step* does to the guest; an absent guest needs nothing."""
    refusals = identity_refusals(wanted, state)
    guest = state.guest
    if not state.node.online:
        what = f"{state.node.name} is offline: nothing can be said about its guests"
        refusals = (*refusals, Finding("node", "critical", what, hint="bring it back"))
    if refusals or guest is None:
        return RemovalPlan(step=step, refusals=refusals)
    if confirm_name != wanted.name:
        refusals = (_unconfirmed(wanted, confirm_name),)
    if step is RemovalStep.RETIRE:
        return _retire(wanted, guest, refusals)
    return _destroy(wanted, state, guest, refusals)


def _retire(wanted: DesiredGuest, guest: GuestState, refusals: tuple[Finding, ...]) -> RemovalPlan:
    changes, actions = [], []
    if guest.running:
        changes.append(Change("guest", "status", "running", "stopped", Effect.LIVE))
        actions.append(RemovalAction.SHUTDOWN)
    if guest.protected:
        changes.append(Change("guest", "protection", "1", "0", Effect.LIVE))
        actions.append(RemovalAction.UNPROTECT)
    return RemovalPlan(
        step=RemovalStep.RETIRE,
        changes=tuple(changes),
        actions=tuple(actions),
        losses=("what it serves stops; nothing is deleted",),
        way_back=f"labdb provision {wanted.name}",
        refusals=refusals,
    )


def _destroy(
    wanted: DesiredGuest, state: ClusterState, guest: GuestState, refusals: tuple[Finding, ...]
) -> RemovalPlan:
    declared = {disk.slot for disk in wanted.disks}
    refusals = (*refusals, *_obstacles(wanted, guest, declared))
    changes = [
        Change("guest", "vm", f"{guest.name} ({guest.vmid})", None, Effect.LIVE),
        *(
            Change(f"disk {disk.slot}", "volume", disk.volume, None, Effect.LIVE)
            for disk in guest.disks
        ),
    ]
    actions = [RemovalAction.DESTROY]
    if job := state.backup_job:
        changes.append(Change("backup job", job.job, job.schedule, None, Effect.LIVE))
        actions.insert(0, RemovalAction.DELETE_BACKUP_JOB)
    roles = {disk.slot: disk.role for disk in wanted.disks}
    return RemovalPlan(
        step=RemovalStep.DESTROY,
        changes=tuple(changes),
        actions=tuple(actions),
        losses=tuple(
            f"{disk.slot} ({roles.get(disk.slot, 'unknown')}): {disk.volume}, "
            f"{human_size(disk.size)}"
            for disk in guest.disks
        ),
        way_back=(
            "what lies on these disks goes with them, a repository of backups too; the way back is "
            "a repository on another host (labdb provision --recover-from), or a backup of the "
            f"whole VM: vzdump {guest.vmid} --mode stop --storage NAME before this step, qmrestore "
            "after it"
        ),
        refusals=refusals,
    )


def _obstacles(wanted: DesiredGuest, guest: GuestState, declared: set[str]) -> tuple[Finding, ...]:
    first_step = f"the first step comes first: labdb deprovision {wanted.name} --step retire"
    found = []
    if guest.running:
        what = f"VM {guest.vmid} is running"
        found.append(
            Finding("running", "critical", what, "a guest in use is not destroyed", first_step)
        )
    if guest.protected:
        what = f"VM {guest.vmid} is protected"
        found.append(Finding("protection", "critical", what, "protection=1 is set", first_step))
    found += [
        Finding(
            "disk",
            "critical",
            f"VM {guest.vmid} has a disk that is not declared: {disk.slot} ({disk.volume})",
            "labdb does not destroy what it does not know",
            f"detach it (qm disk unlink) or declare it; {human_size(disk.size)} are on it",
        )
        for disk in guest.disks
        if disk.slot not in declared
    ]
    found += [
        Finding(
            "disk",
            "critical",
            f"VM {guest.vmid} has an unused disk attached: {slot} ({volume})",
            "labdb does not destroy what it does not know",
            "delete it in the web interface, or move it to another VM",
        )
        for slot, volume in guest.config.items()
        if slot.startswith("unused")
    ]
    return tuple(found)


def _unconfirmed(wanted: DesiredGuest, given: str) -> Finding:
    why = f"{given!r} was given" if given else "no name was given"
    return Finding(
        "confirmation",
        "critical",
        "the name of the machine has to be typed",
        why,
        f"type {wanted.name}, exactly",
    )
