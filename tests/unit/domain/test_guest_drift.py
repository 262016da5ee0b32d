"""What Proxmox VE has configured, what runs now, and what is declared: three things."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from labdb.domain.desired import DesiredGuest
from labdb.domain.guest import plan_guest
from labdb.domain.guest_drift import guest_differences
from labdb.domain.mending import mending
from labdb.domain.property_string import parse_disks, parse_nic
from labdb.facts import ClusterState, GuestState, GuestSummary, NodeState, StoredSetting
from labdb.report import Difference, Effect
from labdb.spec import Server

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
    path = Path(__file__).parents[3] / "inventories/lab/host_vars/proj-pg01/server.yml"
    declared = yaml.safe_load(path.read_text(encoding="utf-8"))["labdb_server"]
    guest = DesiredGuest.of(Server.model_validate(declared))
    return replace(guest, backup=None, firewall_rules=())


def _guest(*, memory: int = 8 * GIB, **more: Any) -> GuestState:
    config = LIVE | more.pop("config", {})
    return GuestState(
        2002,
        "node06",
        "proj-pg01",
        running=more.pop("running", True),
        config=config,
        agent=True,
        addresses=("198.18.20.8",),
        memory=memory,
        disks=parse_disks(config),
        nic=parse_nic(config["net0"]),
        firewall_enabled=True,
        **more,
    )


def _rows(wanted: DesiredGuest, guest: GuestState | None) -> list[Difference]:
    summary = (GuestSummary(2002, "proj-pg01", "node06", running=True),) if guest else ()
    state = ClusterState(
        version="9.0.10",
        quorate=True,
        token_id="labdb@pve!lab",
        node=NodeState("node06", online=True, cpus=20, memory=96 * GIB),
        nodes=("node06",),
        guests=summary,
        guest=guest,
    )
    return list(guest_differences(wanted, state, plan_guest(wanted, state, ("ssh-ed25519 A b",))))


def test_a_guest_as_declared_has_no_difference(wanted: DesiredGuest) -> None:
    assert _rows(wanted, _guest()) == []


def test_a_guest_that_does_not_exist_is_one_row(wanted: DesiredGuest) -> None:
    (row,) = _rows(wanted, None)
    assert (row.field, row.declared, row.hypervisor, row.effect) == (
        "vm",
        "proj-pg01 (2002) on node06",
        None,
        Effect.CREATE,
    )


def test_a_lower_balloon_is_named_with_what_it_leaves(wanted: DesiredGuest) -> None:
    (row,) = _rows(wanted, _guest(config={"balloon": "4096"}, balloon=5 * GIB))
    assert (row.field, row.declared, row.hypervisor, row.running) == (
        "balloon",
        "8192",
        "4096",
        "5.0 GB left",
    )
    assert "PostgreSQL counts on" in row.reason


def test_a_balloon_as_declared_below_a_larger_memory_is_named_all_the_same(
    wanted: DesiredGuest,
) -> None:
    guest = _guest(memory=48 * GIB, config={"memory": "49152", "cores": "4", "sockets": "2"})
    rows = {row.field: row for row in _rows(wanted, guest)}
    assert set(rows) == {"memory", "cores", "sockets", "balloon"}
    assert rows["balloon"].hypervisor == "8192 of 49152"
    assert (rows["memory"].declared, rows["memory"].running) == ("8192", "49152")
    assert (rows["cores"].declared, rows["cores"].running) == ("8", "4")


def test_what_waits_for_the_next_boot_shows_what_runs_until_then(wanted: DesiredGuest) -> None:
    guest = _guest(
        memory=16 * GIB,
        pending=("cores", "memory", "vga"),
        present={"cores": "4", "memory": "16384"},
        config={"vga": "serial0"},
    )
    rows = {row.field: row for row in _rows(wanted, guest)}
    assert (rows["cores"].declared, rows["cores"].hypervisor, rows["cores"].running) == (
        "8",
        "8",
        "4",
    )
    assert rows["memory"].running == "16384"
    assert rows["vga"].declared is None  # nobody declares it; it waits all the same
    assert {row.effect for row in rows.values()} == {Effect.NEXT_BOOT}


def test_of_a_stopped_guest_nothing_runs(wanted: DesiredGuest) -> None:
    rows = {row.field: row for row in _rows(wanted, _guest(config={"cores": "4"}, running=False))}
    assert set(rows) == {"cores", "power"}
    assert rows["cores"].running is None


def test_only_the_roles_that_mend_something_are_run() -> None:
    def row(subject: str) -> Difference:
        return Difference(subject, "x", Effect.LIVE)

    assert mending([row("guest"), row("disk scsi1")], None, ()).roles == ("proxmox_guest",)
    assert not mending([row("backup job")], None, ()).is_inside
    assert mending([row("role desi_dev")], None, ()).roles == (
        "proxmox_guest",
        "postgresql_access",
    )
    assert mending([row("every role"), row("client"), row("parameter")], None, ()).roles == (
        "proxmox_guest",
        "postgresql_config",
        "postgresql_access",
    )


def test_what_was_shown_and_nothing_else_is_taken_back() -> None:
    stored = StoredSetting(None, "desi_void_desivast", "work_mem", "1GB")
    todo = mending([Difference("database x", "work_mem", Effect.LIVE)], None, (stored,))
    assert todo.variables == {
        "postgresql_access_reset": [
            {"role": "", "database": "desi_void_desivast", "parameter": "work_mem"}
        ]
    }
    assert mending([], None, ()).variables == {}
