"""plan_guest on values: no API, no emulator."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from labdb.domain.desired import DesiredGuest
from labdb.domain.guest import plan_guest
from labdb.domain.guest_step import Action
from labdb.domain.property_string import parse_disks, parse_nic
from labdb.facts import ClusterState, GuestState, GuestSummary, NodeState
from labdb.report import Effect
from labdb.spec import Server

KEYS = ("ssh-ed25519 AAAAkey operator",)
GIB = 1 << 30
LIVE = {
    "name": "proj-pg01",
    "sockets": "1",
    "cores": "8",
    "cpu": "host",
    "memory": "8192",
    "balloon": "8192",
    "onboot": "1",
    "startup": "order=20,up=30,down=600",
    "tags": "db;infra;proj",
    "agent": "1",
    "protection": "1",
    "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr1,firewall=1,tag=20",
    "scsi0": "nvmethin01:vm-2002-disk-0,size=32G",
    "scsi1": "nvmethin01:vm-2002-disk-1,serial=labdbpgdata,size=250G",
    "scsi2": "nvmethin01:vm-2002-disk-2,serial=labdbbackup,size=500G",
}


@pytest.fixture(scope="module")
def wanted() -> DesiredGuest:
    return _wanted()


def _wanted() -> DesiredGuest:
    path = Path(__file__).parents[3] / "inventories/lab/host_vars/proj-pg01/server.yml"
    declared = yaml.safe_load(path.read_text(encoding="utf-8"))["labdb_server"]
    server = DesiredGuest.of(Server.model_validate(declared))
    network = replace(server.network, firewall=True)
    return replace(server, network=network, backup=None, firewall_rules=())


def _state(guest: GuestState | None) -> ClusterState:
    summary = (GuestSummary(2002, "proj-pg01", "node06", running=True),) if guest else ()
    return ClusterState(
        version="9.0.10",
        quorate=True,
        token_id="labdb@pve!lab",
        node=NodeState("node06", online=True, cpus=20, memory=96 * GIB),
        nodes=("node06",),
        guests=summary,
        guest=guest,
    )


def _guest(running: bool = True, /, **changes: Any) -> GuestState:
    config = {key: value for key, value in (LIVE | changes).items() if value is not None}
    return GuestState(
        vmid=2002,
        node="node06",
        name="proj-pg01",
        running=running,
        config=config,
        agent=True,
        addresses=("198.18.20.8",),
        memory=8 * GIB,
        disks=parse_disks(config),
        nic=parse_nic(config.get("net0", "")),
        firewall_enabled=True,
    )


def _plan(guest: GuestState | None, wanted: DesiredGuest, **options: Any) -> Any:
    return plan_guest(wanted, _state(guest), KEYS, **options)


def test_a_guest_as_declared_needs_nothing(wanted: DesiredGuest) -> None:
    plan = _plan(_guest(), wanted)
    assert (plan.changes, plan.steps, plan.refusals) == ((), (), ())


def test_an_absent_guest_is_cloned_first(wanted: DesiredGuest) -> None:
    plan = _plan(None, wanted, run_id="r7")
    assert plan.creates
    assert plan.steps[0].parameters["description"] == "labdb: creating r7"


@pytest.mark.parametrize(
    ("key", "live", "effect"),
    [
        ("cores", "4", Effect.NEXT_BOOT),
        ("sockets", "2", Effect.NEXT_BOOT),
        ("memory", "16384", Effect.NEXT_BOOT),
        ("balloon", "4096", Effect.NEXT_BOOT),
        ("cpu", "kvm64", Effect.NEXT_BOOT),
        ("numa", "1", Effect.NEXT_BOOT),
        ("tags", "old", Effect.LIVE),
        ("onboot", "0", Effect.LIVE),
        ("startup", "order=1", Effect.LIVE),
        ("protection", "0", Effect.LIVE),
        ("net0", "virtio=BC:24:11:00:00:01,bridge=vmbr1,firewall=1,tag=30", Effect.LIVE),
    ],
)
def test_each_field_says_when_it_takes_effect(
    wanted: DesiredGuest, key: str, live: str, effect: Effect
) -> None:
    plan = _plan(_guest(**{key: live}), wanted)
    assert [(change.field, change.effect) for change in plan.changes] == [(key, effect)]


@pytest.mark.parametrize(
    ("key", "same"),
    [
        ("tags", "proj,infra;db"),
        ("cpu", "cputype=host"),
        ("agent", "enabled=1"),
        ("startup", "up=30,down=600,order=20"),
        ("balloon", None),
        ("net0", "virtio=BC:24:11:00:00:01,tag=20,bridge=vmbr1,firewall=1,mtu=1400"),
    ],
)
def test_another_spelling_is_no_change(wanted: DesiredGuest, key: str, same: str | None) -> None:
    assert _plan(_guest(**{key: same}), wanted).changes == ()


def test_a_larger_disk_is_grown_before_its_options_are_written(wanted: DesiredGuest) -> None:
    plan = _plan(_guest(scsi1="nvmethin01:vm-2002-disk-1,size=200G"), wanted)
    assert [step.action for step in plan.steps] == [Action.RESIZE, Action.CONFIGURE]
    value = plan.steps[1].parameters["scsi1"]
    assert value == "nvmethin01:vm-2002-disk-1,serial=labdbpgdata,size=250G"


def test_one_forbidden_disk_forbids_every_step(wanted: DesiredGuest) -> None:
    live = {"scsi1": "nvmethin01:vm-2002-disk-1,serial=labdbpgdata,size=300G", "cores": "4"}
    plan = _plan(_guest(**live), wanted)
    assert plan.steps == ()
    assert plan.refusals
    assert Effect.FORBIDDEN in {change.effect for change in plan.changes}


def test_a_disk_on_another_storage_is_not_moved(wanted: DesiredGuest) -> None:
    plan = _plan(_guest(scsi1="data:vm-2002-disk-1,serial=labdbpgdata,size=250G"), wanted)
    assert "lies on storage data" in plan.refusals[0].what


def test_a_guest_without_its_system_disk_gets_no_empty_one(wanted: DesiredGuest) -> None:
    assert _plan(_guest(scsi0=None), wanted).refusals


def test_a_stopped_guest_is_started_and_the_plan_says_so(wanted: DesiredGuest) -> None:
    plan = _plan(_guest(False), wanted)
    assert [step.action for step in plan.steps] == [Action.START, Action.AWAIT]
    assert [(c.field, c.before, c.after) for c in plan.changes] == [("power", "stopped", "running")]


def test_an_allowed_restart_is_in_the_plan(wanted: DesiredGuest) -> None:
    plan = _plan(_guest(cores="4"), wanted, allow_restart=True)
    assert [(c.field, c.effect) for c in plan.changes] == [
        ("cores", Effect.NEXT_BOOT),
        ("power", Effect.RESTART),
    ]


def test_whatever_is_done_is_in_the_plan(wanted: DesiredGuest) -> None:
    for guest in (None, _guest(), _guest(False), _guest(cores="4"), _guest(protection="0")):
        for allowed in (False, True):
            plan = _plan(guest, wanted, allow_restart=allowed, allow_cloud_init_rerun=allowed)
            assert bool(plan.changes) >= bool(plan.steps)


def test_the_description_of_an_adopted_guest_is_left_alone(wanted: DesiredGuest) -> None:
    assert _plan(_guest(description="the old database"), wanted).changes == ()


def test_the_addition_of_a_guest_that_was_not_finished_is_finished(wanted: DesiredGuest) -> None:
    plan = _plan(_guest(description="labdb: creating r1"), wanted)
    assert [step.action for step in plan.steps] == [Action.AWAIT, Action.CONFIGURE]


@given(
    sizes=st.tuples(*[st.integers(min_value=1, max_value=2000)] * 3),
    free=st.sets(st.sampled_from(["scsi1", "scsi2"])),
)
def test_no_plan_ever_asks_for_a_smaller_or_another_disk(
    sizes: tuple[int, int, int], free: set[str]
) -> None:
    """Whatever is there: a slot in use keeps its volume and never gets a smaller size."""
    slots = {
        f"scsi{n}": f"nvmethin01:vm-2002-disk-{n},size={size}G" for n, size in enumerate(sizes)
    }
    guest = _guest(**{slot: None if slot in free else value for slot, value in slots.items()})
    for step in _plan(guest, _wanted()).steps:
        for key, value in step.parameters.items():
            disk = guest.disk(key)
            if disk is not None:
                assert value.startswith(disk.volume + ",")
                after = parse_disks({key: value})[0]
                assert after.size >= disk.size
