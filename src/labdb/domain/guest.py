"""Decide what has to be done so that the guest is as declared: steps, changes, refusals."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from labdb.domain.desired import DesiredGuest
from labdb.domain.guest_config import (
    MARKER,
    Field,
    closing_fields,
    cloud_init_fields,
    hardware_fields,
    is_fresh,
    is_unfinished,
    network_field,
)
from labdb.domain.guest_disks import DiskPlan, plan_disk
from labdb.domain.guest_findings import guest_findings, identity_refusals
from labdb.domain.guest_step import Action, Step
from labdb.domain.guest_surroundings import plan_backup, plan_firewall
from labdb.domain.property_string import format_bytes
from labdb.facts import ClusterState, GuestState
from labdb.report import Change, Effect, Finding
from labdb.spec import Machine


@dataclass(frozen=True, slots=True)
class GuestPlan:
    """What differs (*changes*), what would be done (*steps*), what will not be (*refusals*).

    *findings* are facts that somebody should know; they hold nothing up. Changes that
    would make cloud-init run anew are among the changes and, unless allowed, not among
    the steps: those are *withheld*.
    """

    changes: tuple[Change, ...] = ()
    steps: tuple[Step, ...] = ()
    refusals: tuple[Finding, ...] = ()
    findings: tuple[Finding, ...] = ()
    withheld: tuple[Change, ...] = field(default=())

    @property
    def creates(self) -> bool:
        """Tell whether the guest does not exist yet."""
        return bool(self.steps) and self.steps[0].action is Action.CLONE


def plan_guest(  # noqa: PLR0913  # three of them are keywords with a default
    machine: Machine | DesiredGuest,
    state: ClusterState,
    authorized_keys: Sequence[str],
    *,
    allow_cloud_init_rerun: bool = False,
    allow_restart: bool = False,
    run_id: str = "",
) -> GuestPlan:
    """Return what has to be done so that the guest in *state* is as *machine* declares it.

    Args:
        machine: the declaration.
        state: what was observed, in one go.
        authorized_keys: public keys for the guest's user.
        allow_cloud_init_rerun: do what gives the guest a new instance-id.
        allow_restart: restart a running guest when changes wait for its next boot.
        run_id: stands in the description of a guest while it is being created.
    """
    wanted = DesiredGuest.of(machine)
    refusals = identity_refusals(wanted, state)
    if not state.node.online:
        what = f"{state.node.name} is offline: nothing can be said about its guests"
        refusals = (*refusals, Finding("node", "critical", what, hint="bring it back"))
    if refusals:
        return GuestPlan(refusals=refusals)
    if state.guest is None:
        return _create(wanted, state, authorized_keys, run_id=run_id)
    return _converge(
        wanted,
        state,
        state.guest,
        authorized_keys,
        allow_cloud_init_rerun=allow_cloud_init_rerun,
        allow_restart=allow_restart,
    )


def _create(
    wanted: DesiredGuest, state: ClusterState, keys: Sequence[str], *, run_id: str
) -> GuestPlan:
    """Plan the clone, and all that follows on what the clone will be."""
    marker = f"{MARKER} {run_id}".strip()
    clone = {
        "newid": str(wanted.vmid),
        "name": wanted.name,
        "full": "1",
        "storage": wanted.system.storage,
        "description": marker,
    }
    if wanted.template_node != wanted.node:
        clone["target"] = wanted.node
    what = f"clone template {wanted.template_vmid} to VM {wanted.vmid} ({wanted.name})"
    step = Step(Action.CLONE, what, clone)
    made = Change(
        "guest",
        "vm",
        None,
        f"{wanted.name} ({wanted.vmid}) on {wanted.node}",
        Effect.CREATE,
        f"full clone of template {wanted.template_vmid}",
    )
    if state.template is None:
        return GuestPlan(changes=(made,), steps=(step,))
    rest = _converge(
        wanted,
        state,
        _cloned(wanted, state.template, marker),
        keys,
        allow_cloud_init_rerun=True,
        allow_restart=False,
    )
    changes = tuple(
        change
        if change.effect is Effect.FORBIDDEN
        else replace(change, before=None, effect=Effect.CREATE, reason="")
        for change in rest.changes
        if change.field not in ("description", "power")
    )
    return GuestPlan(
        changes=(made, *changes),
        steps=(step, *rest.steps),
        refusals=rest.refusals,
        findings=rest.findings,
    )


def _cloned(wanted: DesiredGuest, template: GuestState, marker: str) -> GuestState:
    """Return what a full clone of *template* will look like; its MAC is not known yet."""
    storage = wanted.system.storage
    return replace(
        template,
        vmid=wanted.vmid,
        node=wanted.node,
        name=wanted.name,
        running=False,
        config=dict(template.config) | {"name": wanted.name, "description": marker},
        disks=tuple(
            replace(disk, volume=f"{storage}:{disk.volume.partition(':')[2]}")
            for disk in template.disks
        ),
        nic=replace(template.nic, mac="") if template.nic else None,
        firewall_enabled=False,
        firewall_rules=(),
    )


def _converge(  # noqa: PLR0913  # the two permissions are keywords of the public function
    wanted: DesiredGuest,
    state: ClusterState,
    guest: GuestState,
    keys: Sequence[str],
    *,
    allow_cloud_init_rerun: bool,
    allow_restart: bool,
) -> GuestPlan:
    fresh = is_fresh(guest)
    disks = tuple(plan_disk(disk, guest, fresh=fresh) for disk in wanted.disks)
    hardware = hardware_fields(wanted, guest)
    network = network_field(wanted, guest)
    cloud_init = cloud_init_fields(wanted, guest, keys)
    rerun = cloud_init if fresh or allow_cloud_init_rerun else ()
    now = (*hardware, *((network,) if network else ()), *rerun)
    closing = closing_fields(wanted, guest)
    rules = plan_firewall(wanted, guest)
    backup = plan_backup(wanted, state.backup_job)
    changes = (
        *(item.change for item in now),
        *(item.change for item in cloud_init if not rerun),
        *(change for disk in disks for change in disk.changes),
        *rules[0],
        *backup[0],
        *(item.change for item in closing),
    )
    power = _power(wanted, guest, changes, allow_restart=allow_restart)
    refusals = tuple(disk.refusal for disk in disks if disk.refusal)
    steps = (
        *_configure(now),
        *_disk_steps(disks),
        *([Step(Action.CLOUD_INIT, "write the cloud-init drive anew")] if rerun else []),
        *power,
        *rules[1],
        *backup[1],
        *_configure(closing),
    )
    return GuestPlan(
        changes=(*changes, *_power_changes(power)),
        steps=() if refusals else steps,
        refusals=refusals,
        findings=guest_findings(wanted, guest),
        withheld=() if rerun else tuple(item.change for item in cloud_init),
    )


def _configure(fields: Sequence[Field]) -> tuple[Step, ...]:
    if not fields:
        return ()
    names = ", ".join(item.key for item in fields)
    return (Step(Action.CONFIGURE, f"set {names}", {item.key: item.value for item in fields}),)


def _disk_steps(disks: Sequence[DiskPlan]) -> tuple[Step, ...]:
    """Grow first: an edit of a disk's options must carry its live size."""
    steps = [
        Step(
            Action.RESIZE,
            f"grow disk {disk.slot} to {format_bytes(disk.grow)}",
            {"disk": disk.slot, "size": format_bytes(disk.grow)},
        )
        for disk in disks
        if disk.grow
    ]
    steps += [
        Step(
            Action.CONFIGURE,
            f"add disk {disk.slot}" if disk.is_new else f"set the serial of disk {disk.slot}",
            {disk.slot: disk.value},
        )
        for disk in disks
        if disk.value
    ]
    return tuple(steps)


def _power(
    wanted: DesiredGuest, guest: GuestState, changes: Sequence[Change], *, allow_restart: bool
) -> tuple[Step, ...]:
    host = wanted.network.host
    wait = Step(Action.AWAIT, f"wait until the guest has {host}", {"address": host})
    if not guest.running:
        return (Step(Action.START, f"start VM {wanted.vmid}"), wait)
    waits = guest.pending or any(
        change.effect in (Effect.NEXT_BOOT, Effect.CLOUD_INIT) for change in changes
    )
    if allow_restart and waits:
        return (Step(Action.RESTART, f"restart VM {wanted.vmid}"), wait)
    return (wait,) if is_unfinished(guest) else ()


def _power_changes(steps: Sequence[Step]) -> tuple[Change, ...]:
    said = {
        Action.START: Change("guest", "power", "stopped", "running", Effect.LIVE),
        Action.RESTART: Change(
            "guest", "power", "running", "restarted", Effect.RESTART, "it was allowed by name"
        ),
    }
    return tuple(said[step.action] for step in steps if step.action in said)
