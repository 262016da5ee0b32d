"""Each fault gives one clear message, the right exit code, and changes nothing it should not."""

import time
from pathlib import Path
from typing import Any

import pytest

from labdb.adapters import proxmox as adapter
from labdb.adapters.proxmox import Options, Proxmox
from labdb.domain import preflight
from labdb.domain.guest import plan_guest
from labdb.errors import LabdbError, RefusedError, RunError, UnreachableError
from labdb.lab.control import EmulatedPve
from labdb.spec import ProxmoxApi, Server

pytestmark = pytest.mark.proxmox

KEYS = ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBSGb6BsIXU0Sk1TRhDUyIw1GQ0xZmFrZWtleQ== operator",)
CLONE = "/nodes/node06/qemu/9000/clone"
GIB = 1 << 30


def _nothing_was_changed(pve: EmulatedPve) -> bool:
    return all(request["method"] == "GET" for request in pve.requests())


def _refused(provision: Any, *args: Any, **options: Any) -> LabdbError:
    with pytest.raises(LabdbError) as caught:
        provision(*args, **options)
    return caught.value


def _api(pve: EmulatedPve, **changes: Any) -> ProxmoxApi:
    return ProxmoxApi.model_validate(
        {
            "host": pve.host,
            "port": pve.port,
            "token_id": pve.token_id,
            "token_file": str(pve.token_file),
            "ca_file": str(pve.ca_file),
        }
        | changes
    )


def test_a_smaller_disk_is_refused(pve: EmulatedPve, provision: Any, declare: Any) -> None:
    provision()
    pve.forget_requests()
    error = _refused(provision, declare(storage__data__size="100GB"))
    assert error.exit_code == 6
    assert "scsi1 has 250G; 100G are declared" in error.what
    assert _nothing_was_changed(pve)


def test_a_vmid_of_another_guest_is_refused(pve: EmulatedPve, provision: Any) -> None:
    pve.control.add_guest(2002, "somebody-else")
    error = _refused(provision)
    assert error.exit_code == 6
    assert "VMID 2002 belongs to VM somebody-else" in error.what
    assert _nothing_was_changed(pve)


def test_a_name_of_another_guest_is_refused(pve: EmulatedPve, provision: Any) -> None:
    pve.control.add_guest(3003, "proj-pg01", node="node02")
    error = _refused(provision)
    assert error.exit_code == 6
    assert "belongs to guest 3003 on node02" in error.what
    assert _nothing_was_changed(pve)


def test_a_guest_on_another_node_is_not_moved(pve: EmulatedPve, provision: Any) -> None:
    pve.control.add_guest(2002, "proj-pg01", node="node02")
    error = _refused(provision)
    assert error.exit_code == 6
    assert "lives on node02, node06 is declared" in error.what


def test_an_address_in_another_guests_cloud_init_is_refused(
    pve: EmulatedPve, provision: Any, declare: Any
) -> None:
    error = _refused(provision, declare(guest__network__address="198.18.20.10/24"))
    assert error.exit_code == 6
    assert "198.18.20.10 is taken: guest 2022 kasm01" in error.what
    assert _nothing_was_changed(pve)


def test_an_address_that_another_guests_agent_reports_is_refused(
    pve: EmulatedPve, provision: Any, declare: Any
) -> None:
    error = _refused(provision, declare(guest__network__address="198.18.20.14/24"))
    assert "198.18.20.14 is taken: guest 2021 docker01" in error.what
    assert _nothing_was_changed(pve)


def test_an_address_of_a_container_is_refused(
    pve: EmulatedPve, proxmox: Proxmox, provision: Any, declare: Any
) -> None:
    card = "name=eth0,bridge=vmbr1,tag=20,ip=198.18.20.44/24"
    template = "local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst"
    proxmox.session.change(
        "POST", "nodes/node06/lxc", vmid=3001, hostname="web01", ostemplate=template,
        rootfs="data:8", net0=card,
    )  # fmt: skip
    pve.forget_requests()
    error = _refused(provision, declare(guest__network__address="198.18.20.44/24"))
    assert "198.18.20.44 is taken: guest 3001 web01" in error.what
    assert _nothing_was_changed(pve)


def test_a_running_guest_is_not_given_the_address_of_another(
    pve: EmulatedPve, provision: Any, declare: Any
) -> None:
    provision()
    pve.forget_requests()
    moved = declare(guest__network__address="198.18.20.14/24")
    error = _refused(provision, moved, allow_cloud_init_rerun=True)
    assert error.exit_code == 6
    assert "198.18.20.14 is taken: guest 2021 docker01" in error.what
    assert _nothing_was_changed(pve)


def test_a_running_guest_that_tells_no_address_is_not_its_own_rival(
    pve_today: EmulatedPve,
    proxmox_today: Proxmox,
    declare_production: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def connects(host: str, _: int) -> bool:
        asked.append(host)
        return True

    monkeypatch.setattr("labdb.adapters.proxmox.probe.is_on_link", lambda _: True)
    monkeypatch.setattr("labdb.adapters.proxmox.probe.connects", connects)
    server = declare_production()
    pve_today.control.agent(2002, "off")
    assert proxmox_today.observe(server, probe=True).address_holder is None
    assert asked == []
    proxmox_today.session.change("POST", "nodes/node06/qemu/2002/status/stop")
    assert proxmox_today.observe(server, probe=True).address_holder is not None
    assert asked == ["10.25.20.8"]


def test_an_offline_node_is_named(pve: EmulatedPve, provision: Any) -> None:
    pve.control.node_offline("node06")
    error = _refused(provision)
    assert error.what == "node06 is offline"
    assert _nothing_was_changed(pve)


def test_an_offline_node_with_our_guest_is_no_reason_to_create_another(
    pve: EmulatedPve, provision: Any, proxmox: Proxmox, server: Server
) -> None:
    provision()
    pve.control.node_offline("node06")
    plan = plan_guest(server, proxmox.observe(server), KEYS)
    assert plan.steps == ()
    assert plan.refusals


def test_an_unknown_node_is_refused_with_the_nodes_there_are(provision: Any, declare: Any) -> None:
    error = _refused(provision, declare(guest__node="node99"))
    assert "the cluster has no node node99" in error.what
    assert "node01" in error.hint


def test_a_cluster_without_quorum_is_left_alone(pve: EmulatedPve, provision: Any) -> None:
    pve.control.lose_quorum()
    error = _refused(provision)
    assert "no quorum" in error.what
    assert _nothing_was_changed(pve)


def test_quorum_lost_in_the_middle_is_said(pve: EmulatedPve, provision: Any) -> None:
    pve.control.fail("POST", CLONE, status=500, message="cluster not ready - no quorum?")
    error = _refused(provision)
    assert isinstance(error, UnreachableError)
    assert "no quorum" in error.what


def test_too_little_memory_is_refused(pve: EmulatedPve, provision: Any, declare: Any) -> None:
    error = _refused(provision, declare(guest__memory="64GB"))
    assert error.exit_code == 6
    assert "64.0 GB are declared, node06 has 38.0 GB left" in error.what
    assert _nothing_was_changed(pve)


def test_too_few_cores_are_refused(provision: Any, declare: Any) -> None:
    error = _refused(provision, declare(guest__cpu__cores=24))
    assert "24 processors are declared, node06 has 20" in error.what


def test_too_little_storage_is_refused(pve: EmulatedPve, provision: Any) -> None:
    pve.control.fill_storage("nvmethin01", free=100 * GIB)
    error = _refused(provision)
    assert "storage nvmethin01 has 100.0 GB left, 782G are needed" in error.what
    assert _nothing_was_changed(pve)


def test_an_unknown_storage_is_refused(provision: Any, declare: Any) -> None:
    error = _refused(provision, declare(storage__data__storage="fast"))
    assert "storage fast does not exist on node06" in error.what
    assert "nvmethin01" in error.hint


def test_a_bridge_that_is_not_vlan_aware_is_refused(provision: Any, declare: Any) -> None:
    error = _refused(provision, declare(guest__network__bridge="vmbr0"))
    assert "vmbr0 of node06 is not VLAN aware" in error.what


def test_an_unknown_bridge_is_refused(provision: Any, declare: Any) -> None:
    error = _refused(provision, declare(guest__network__bridge="vmbr9"))
    assert "bridge vmbr9 does not exist on node06" in error.what


def test_a_missing_template_is_refused(pve: EmulatedPve, provision: Any, declare: Any) -> None:
    error = _refused(provision, declare(guest__template__vmid=9999))
    assert error.what == "template 9999 does not exist"
    assert "labdb template build" in error.hint
    assert _nothing_was_changed(pve)


def test_a_guest_that_is_no_template_is_refused(provision: Any, declare: Any) -> None:
    error = _refused(provision, declare(guest__template__vmid=2021))
    assert error.what == "template 2021 is not a template"


def test_an_expired_token_is_said(pve: EmulatedPve, provision: Any) -> None:
    pve.control.expire_token()
    error = _refused(provision)
    assert isinstance(error, UnreachableError)
    assert pve.token_id in error.what
    assert "expired" in error.hint


def test_an_untrusted_certificate_is_said(pve: EmulatedPve, tmp_path: Path, server: Server) -> None:
    import certifi  # noqa: PLC0415  # any CA that did not sign the emulator's certificate

    proxmox = adapter.connect(_api(pve, ca_file=certifi.where()), tmp_path)
    with pytest.raises(UnreachableError) as caught:
        proxmox.observe(server)
    assert "certificate" in caught.value.what
    assert "ca_file" in caught.value.hint


def test_an_api_that_is_not_there_is_said(pve: EmulatedPve, tmp_path: Path, server: Server) -> None:
    proxmox = adapter.connect(_api(pve, port=9), tmp_path)
    proxmox.session.pace = 0.01
    with pytest.raises(UnreachableError) as caught:
        proxmox.observe(server)
    assert "does not answer" in caught.value.what


def test_a_clone_that_fails_for_space_says_so_at_once(
    pve: EmulatedPve, proxmox: Proxmox, provision: Any
) -> None:
    change = proxmox.session.change

    def meddled(method: str, path: str, /, **parameters: Any) -> None:
        if path.endswith("/clone"):
            pve.control.fill_storage("nvmethin01", free=1 << 20)
        change(method, path, **parameters)

    proxmox.session.change = meddled  # type: ignore[method-assign]  # after the preflight
    started = time.monotonic()
    error = _refused(provision)
    assert time.monotonic() - started < 2
    assert isinstance(error, RunError)
    assert error.what == "the Proxmox VE task qmclone failed"
    assert "storage 'nvmethin01': No space left on device" in error.why
    assert "log of UPID:node06:" in error.hint
    assert pve.control.guest(2002) is None


def test_a_request_that_is_refused_is_told_in_the_apis_own_words(
    pve: EmulatedPve, provision: Any
) -> None:
    pve.control.fail("POST", CLONE, status=500, message="the moon is in the wrong phase")
    error = _refused(provision)
    assert error.exit_code == 5
    assert error.what == "Proxmox VE refused POST /nodes/node06/qemu/9000/clone"
    assert error.why == "the moon is in the wrong phase"
    assert "journalctl" in error.hint


def test_a_failed_task_gives_its_own_reason_at_once(
    pve: EmulatedPve, proxmox: Proxmox, provision: Any
) -> None:
    start = "/nodes/node06/qemu/2002/status/start"
    provision()
    proxmox.session.change("POST", "nodes/node06/qemu/2002/status/stop")
    pve.control.fail("POST", start, error="start_failed")
    started = time.monotonic()
    error = _refused(provision)
    assert time.monotonic() - started < 2
    assert isinstance(error, RunError)
    assert error.what == "the Proxmox VE task qmstart failed"
    assert error.why.startswith("start failed: ")
    assert "UPID:node06:" in error.hint


def test_what_somebody_else_changed_is_not_overwritten(
    pve: EmulatedPve, proxmox: Proxmox, provision: Any, declare: Any
) -> None:
    provision()
    change = proxmox.session.change

    def meddled(method: str, path: str, /, **parameters: Any) -> None:
        pve.control.set_config(2002, cores=3)
        change(method, path, **parameters)

    proxmox.session.change = meddled  # type: ignore[method-assign]  # somebody is faster
    error = _refused(provision, declare(guest__cpu__cores=10))
    assert isinstance(error, RefusedError)
    assert "somebody else changed the VM" in error.what
    guest = pve.control.guest(2002)
    assert guest is not None
    assert guest["config"]["cores"] == 3


def test_a_backup_that_ends_is_waited_for(pve: EmulatedPve, provision: Any, declare: Any) -> None:
    provision()
    pve.control.lock(2002, "backup", seconds=0.5)
    provision(declare(storage__data__size="300GB"))
    guest = pve.control.guest(2002)
    assert guest is not None
    assert "size=300G" in guest["config"]["scsi1"]


def test_a_backup_that_does_not_end_is_named(
    pve: EmulatedPve, proxmox: Proxmox, provision: Any, declare: Any
) -> None:
    provision()
    said: list[str] = []
    proxmox.session.say = said.append
    proxmox.session.lock_timeout = 0.2
    pve.control.lock(2002, "backup")
    error = _refused(provision, declare(storage__data__size="300GB"))
    assert error.exit_code == 6
    assert "VM 2002 is locked (backup)" in error.what
    assert "vzdump" in error.why
    assert any("vzdump" in line for line in said)


def test_a_lock_that_an_interrupted_clone_left_is_explained(
    pve: EmulatedPve, provision: Any, declare: Any
) -> None:
    provision()
    pve.control.lock(2002, "clone")
    error = _refused(provision, declare(storage__data__size="300GB"))
    assert "no task is at work" in error.what
    assert "qm unlock 2002" in error.hint


def test_a_busy_lock_file_is_tried_again(pve: EmulatedPve, provision: Any, declare: Any) -> None:
    provision()
    text = "can't lock file '/var/lock/qemu-server/lock-2002.conf' - got timeout"
    pve.control.fail("PUT", "/nodes/node06/qemu/2002/resize", status=500, message=text, times=2)
    provision(declare(storage__data__size="300GB"))
    guest = pve.control.guest(2002)
    assert guest is not None
    assert "size=300G" in guest["config"]["scsi1"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", CLONE),
        ("POST", "/nodes/node06/qemu/2002/config"),
        ("PUT", "/nodes/node06/qemu/2002/resize"),
        ("POST", "/nodes/node06/qemu/2002/status/start"),
        ("POST", "/cluster/backup"),
        ("POST", "/nodes/node06/qemu/2002/firewall/rules"),
    ],
)
def test_a_connection_that_drops_after_a_request_does_nothing_twice(  # fixtures
    pve: EmulatedPve, proxmox: Proxmox, provision: Any, server: Server, method: str, path: str
) -> None:
    pve.control.drop_connection_after(method, path)
    provision()
    state = proxmox.observe(server)
    assert plan_guest(server, state, KEYS).changes == ()
    clones = [r for r in pve.requests() if r["path"].endswith("/clone")]
    assert len(clones) == 1
    assert state.guest is not None
    rules = [(rule.port, rule.source) for rule in state.guest.firewall_rules]
    assert len(rules) == len(set(rules))


def test_a_vmid_taken_while_we_cloned_is_said(pve: EmulatedPve, provision: Any) -> None:
    text = "unable to create VM 2002: config file already exists"
    pve.control.fail("POST", CLONE, status=500, message=text)
    error = _refused(provision)
    assert isinstance(error, RefusedError)
    assert "VMID 2002 was taken in the meantime" in error.what


def test_a_guest_without_address_is_said_and_kept(
    pve: EmulatedPve, proxmox: Proxmox, provision: Any, server: Server
) -> None:
    pve.control.agent_delay(60)
    error = _refused(provision)
    assert isinstance(error, RunError)
    assert "never reported the address 198.18.20.8" in error.what
    assert "never answered" in error.why
    assert pve.control.guest(2002) is not None


def test_a_guest_with_another_address_is_said(
    pve: EmulatedPve, proxmox: Proxmox, provision: Any
) -> None:
    change = proxmox.session.change

    def other_address(method: str, path: str, /, **parameters: Any) -> None:
        change(method, path, **parameters)
        if path.endswith("/start"):
            pve.control.address(2002, "198.18.20.99/24")

    proxmox.session.change = other_address  # type: ignore[method-assign]  # DHCP got there first
    error = _refused(provision)
    assert "198.18.20.99 instead" in error.why


def test_a_changed_host_key_is_refused(
    proxmox: Proxmox, provision: Any, server: Server, tmp_path: Path
) -> None:
    provision()
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text("198.18.20.8 ssh-ed25519 AAAAsomeotherkey\n")
    with pytest.raises(RefusedError) as caught:
        proxmox.pin_host_key(server, known_hosts, is_new=False)
    assert "host key of 198.18.20.8 has changed" in caught.value.what
    assert f"ssh-keygen -R 198.18.20.8 -f {known_hosts}" in caught.value.hint
    assert "someotherkey" in known_hosts.read_text()


def test_an_unreadable_host_key_is_never_trusted_on_first_use(
    pve: EmulatedPve, proxmox: Proxmox, provision: Any, server: Server, tmp_path: Path
) -> None:
    provision()
    pve.control.agent(2002, "off")
    with pytest.raises(UnreachableError):
        proxmox.pin_host_key(server, tmp_path / "known_hosts", is_new=False)
    assert not (tmp_path / "known_hosts").exists()


def test_another_provisioning_of_the_same_guest_is_noticed(
    pve: EmulatedPve, proxmox: Proxmox, provision: Any, declare: Any
) -> None:
    provision()
    task = {"type": "qmconfig", "user": "root@pam", "upid": "UPID:node06:1", "endtime": None}
    proxmox.session.active_task = lambda *_: task  # type: ignore[method-assign]  # at this moment
    error = _refused(provision, declare(storage__data__size="300GB"))
    assert isinstance(error, RefusedError)
    assert "somebody else is at work on VM 2002" in error.what


def test_a_plan_needs_less_than_three_seconds(
    proxmox: Proxmox, provision: Any, server: Server
) -> None:
    provision()
    started = time.monotonic()
    state = proxmox.observe(server)
    preflight.check(server, state)
    plan_guest(server, state, KEYS)
    assert time.monotonic() - started < 3


def test_the_tokens_secret_is_in_no_message(pve: EmulatedPve, provision: Any) -> None:
    pve.control.expire_token()
    assert pve.token_secret not in str(_refused(provision))


def test_options_hold_their_defaults() -> None:
    assert not Options().allow_restart
    assert not Options().allow_cloud_init_rerun
