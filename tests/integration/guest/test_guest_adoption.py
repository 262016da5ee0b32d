"""VM 2002 as production has it today: adopted, its differences shown, nothing restarted."""

from typing import Any

import pytest

from labdb.adapters.proxmox import Options, Proxmox
from labdb.domain.guest import GuestPlan, plan_guest
from labdb.lab.control import EmulatedPve
from labdb.report import Effect

pytestmark = pytest.mark.proxmox

KEYS = ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBSGb6BsIXU0Sk1TRhDUyIw1GQ0xZmFrZWtleQ== operator",)


@pytest.fixture
def plan(proxmox_today: Proxmox, declare_production: Any) -> GuestPlan:
    server = declare_production()
    return plan_guest(server, proxmox_today.observe(server), KEYS)


def _effects(plan: GuestPlan) -> dict[tuple[str, str], Effect]:
    return {(change.subject, change.field): change.effect for change in plan.changes}


@pytest.mark.parametrize("field", ["sockets", "cores", "numa", "memory"])
def test_hardware_waits_for_the_next_boot(plan: GuestPlan, field: str) -> None:
    assert _effects(plan)["guest", field] is Effect.NEXT_BOOT


def test_two_sockets_of_four_become_one_of_eight(plan: GuestPlan) -> None:
    found = {change.field: (change.before, change.after) for change in plan.changes}
    assert (found["sockets"], found["cores"]) == (("2", "1"), ("4", "8"))


def test_the_missing_serial_waits_for_the_next_boot(plan: GuestPlan) -> None:
    assert _effects(plan)["disk scsi1", "serial"] is Effect.NEXT_BOOT


def test_the_serial_is_set_with_the_live_volume_and_size(plan: GuestPlan) -> None:
    values = [step.parameters["scsi1"] for step in plan.steps if "scsi1" in step.parameters]
    assert values == [
        "nvmethin01:vm-2002-disk-3,discard=on,iothread=1,serial=labdbpgdata,size=250G"
    ]


def test_the_missing_backup_disk_is_added_live(plan: GuestPlan) -> None:
    assert _effects(plan)["disk scsi2", "volume"] is Effect.LIVE


def test_the_ballooning_memory_is_a_finding(plan: GuestPlan) -> None:
    assert {"memory", "balloon"} <= {finding.check for finding in plan.findings}


def test_who_may_lose_a_way_in_is_told_before_the_firewall_is_switched_on(plan: GuestPlan) -> None:
    (finding,) = [finding for finding in plan.findings if finding.check == "firewall"]
    assert "ports 22, 5432" in finding.why
    assert _effects(plan)["firewall", "enable"] is Effect.LIVE


def test_without_a_cloud_init_drive_nothing_of_it_is_asked_for(plan: GuestPlan) -> None:
    assert plan.withheld == ()
    assert not [change for change in plan.changes if change.subject == "cloud-init"]


def test_a_vm_that_never_had_a_guest_agent_is_planned_all_the_same(
    pve_today: EmulatedPve, proxmox_today: Proxmox, declare_production: Any
) -> None:
    pve_today.control.set_config(2002, agent=None)
    server = declare_production()
    plan = plan_guest(server, proxmox_today.observe(server), KEYS)
    assert "agent" in {change.field for change in plan.changes}
    assert "the guest agent does not answer" in {finding.what for finding in plan.findings}


def test_adoption_restarts_nothing_and_replaces_no_disk(
    pve_today: EmulatedPve, proxmox_today: Proxmox, declare_production: Any
) -> None:
    server = declare_production()
    before = pve_today.control.guest(2002)
    proxmox_today.converge(server, KEYS, Options(run_id="adopt"))
    after = pve_today.control.guest(2002)
    assert before is not None
    assert after is not None
    paths = [r["path"] for r in pve_today.requests() if r["method"] != "GET"]
    assert not [path for path in paths if "/status/" in path or path.endswith("/clone")]
    volumes = [
        [guest["config"][slot].split(",")[0] for slot in ("scsi0", "scsi1", "efidisk0")]
        for guest in (before, after)
    ]
    assert volumes[0] == volumes[1]
    assert after["config"]["net0"] == before["config"]["net0"]
    assert after["config"]["protection"] == 1
    assert after["pending"]


def test_after_adoption_nothing_is_left_to_do(
    proxmox_today: Proxmox, declare_production: Any
) -> None:
    server = declare_production()
    proxmox_today.converge(server, KEYS, Options(run_id="adopt"))
    left = plan_guest(server, proxmox_today.observe(server), KEYS)
    assert (left.changes, left.steps) == ((), ())
    assert "pending" in {finding.check for finding in left.findings}


def test_an_allowed_restart_makes_it_what_is_declared(
    pve_today: EmulatedPve, proxmox_today: Proxmox, declare_production: Any
) -> None:
    server = declare_production()
    proxmox_today.converge(server, KEYS, Options(allow_restart=True, agent_seconds=2))
    guest = pve_today.control.guest(2002)
    assert guest is not None
    config = guest["config"]
    assert (config["sockets"], config["cores"], int(config["memory"])) == (1, 8, 8192)
    assert not guest["pending"]
    assert "serial=labdbpgdata" in config["scsi1"]
