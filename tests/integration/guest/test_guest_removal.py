"""A guest goes in two steps, each with its name typed; no single command loses a database."""

from typing import Any

import pytest

from labdb.adapters.proxmox import Proxmox
from labdb.adapters.proxmox.removal import RemovalStep
from labdb.errors import RefusedError
from labdb.lab.control import EmulatedPve
from labdb.spec import Server

pytestmark = pytest.mark.proxmox

NAME = "proj-pg01"


@pytest.fixture
def removal(proxmox: Proxmox, provision: Any, server: Server) -> Any:
    provision()
    return proxmox.removal(server)


@pytest.mark.parametrize("step", list(RemovalStep))
@pytest.mark.parametrize("typed", ["", "proj-pg02"])
def test_without_the_right_name_nothing_happens(
    pve: EmulatedPve, removal: Any, step: RemovalStep, typed: str
) -> None:
    pve.forget_requests()
    with pytest.raises(RefusedError, match="the name of the machine has to be typed"):
        removal.run(step, confirm_name=typed)
    assert all(request["method"] == "GET" for request in pve.requests())


def test_the_first_step_stops_and_unprotects_and_loses_nothing(
    pve: EmulatedPve, removal: Any
) -> None:
    removal.run(RemovalStep.RETIRE, confirm_name=NAME)
    guest = pve.control.guest(2002)
    assert guest is not None
    assert guest["status"] == "stopped"
    assert not int(guest["config"].get("protection", 0))
    assert "scsi1" in guest["config"]


def test_the_second_step_refuses_a_guest_in_use(pve: EmulatedPve, removal: Any) -> None:
    with pytest.raises(RefusedError, match="is running"):
        removal.run(RemovalStep.DESTROY, confirm_name=NAME)
    assert pve.control.guest(2002) is not None


def test_the_second_step_refuses_a_protected_guest(
    pve: EmulatedPve, proxmox: Proxmox, removal: Any
) -> None:
    proxmox.session.change("POST", "nodes/node06/qemu/2002/status/stop")
    with pytest.raises(RefusedError, match="is protected"):
        removal.run(RemovalStep.DESTROY, confirm_name=NAME)
    assert pve.control.guest(2002) is not None


def test_the_second_step_refuses_a_disk_that_it_does_not_know(
    pve: EmulatedPve, proxmox: Proxmox, removal: Any
) -> None:
    removal.run(RemovalStep.RETIRE, confirm_name=NAME)
    proxmox.session.change("POST", "nodes/node06/qemu/2002/config", scsi5="nvmethin01:10")
    with pytest.raises(RefusedError, match="not declared: scsi5"):
        removal.run(RemovalStep.DESTROY, confirm_name=NAME)
    assert pve.control.guest(2002) is not None


def test_the_second_step_says_what_is_lost_and_the_way_back(removal: Any) -> None:
    removal.run(RemovalStep.RETIRE, confirm_name=NAME)
    plan = removal.look(RemovalStep.DESTROY, confirm_name=NAME)
    assert [loss.split(" ")[0] for loss in plan.losses] == ["scsi0", "scsi1", "scsi2"]
    assert "vzdump 2002" in plan.way_back


def test_both_steps_take_guest_and_backup_job_away(
    pve: EmulatedPve, proxmox: Proxmox, removal: Any
) -> None:
    removal.run(RemovalStep.RETIRE, confirm_name=NAME)
    removal.run(RemovalStep.DESTROY, confirm_name=NAME)
    assert pve.control.guest(2002) is None
    assert proxmox.session.get("cluster/backup") == []


def test_an_absent_guest_needs_nothing(proxmox: Proxmox, server: Server) -> None:
    plan = proxmox.removal(server).run(RemovalStep.DESTROY, confirm_name="")
    assert plan.actions == ()


def test_a_retired_guest_is_provisioned_again(
    pve: EmulatedPve, removal: Any, provision: Any
) -> None:
    removal.run(RemovalStep.RETIRE, confirm_name=NAME)
    provision()
    guest = pve.control.guest(2002)
    assert guest is not None
    assert guest["status"] == "running"
    assert guest["config"]["protection"] == 1
