"""Faults on demand: each reaches a client in the words of Proxmox VE, and ends when told."""

import time
from typing import Any

import pytest
import requests

from labdb.lab import control
from labdb.lab.control import ControlError

pytestmark = pytest.mark.proxmox
CONFIG = "/nodes/node06/qemu/2021/config"


def test_a_held_lock_file_times_out_in_the_words_of_proxmox_ve(api: Any) -> None:
    api.pve.control.hold_config_lock(2021)
    said = api.refusal("PUT", CONFIG, cores=4)
    assert said == ("500 can't lock file '/var/lock/qemu-server/lock-2021.conf' - got timeout")
    api.pve.control.release_config_lock(2021)
    api("PUT", CONFIG, cores=4)


def test_a_held_lock_file_is_released_after_its_seconds(api: Any) -> None:
    api.pve.control.hold_config_lock(2021, seconds=0.3)
    api.refusal("PUT", CONFIG, cores=4)
    time.sleep(0.6)
    api("PUT", CONFIG, cores=4)


def test_a_backup_locks_the_guest_and_shows_its_task(api: Any) -> None:
    upid = api.pve.control.lock(2021, "backup")
    assert api.refusal("PUT", CONFIG, cores=4) == "500 VM is locked (backup)"
    tasks = api("GET", "/nodes/node06/tasks", vmid=2021)
    assert [(t["upid"], t["type"]) for t in tasks] == [(upid, "vzdump")]
    assert api("GET", f"/nodes/node06/tasks/{upid}/status")["status"] == "running"
    api.pve.control.unlock(2021)
    api("PUT", CONFIG, cores=4)
    assert api("GET", f"/nodes/node06/tasks/{upid}/status")["exitstatus"] == "OK"


def test_an_interrupted_clone_is_a_lock_without_a_task(api: Any) -> None:
    api.pve.control.lock(2021, "clone")
    assert api.refusal("PUT", CONFIG, cores=4) == "500 VM is locked (clone)"
    assert api("GET", "/nodes/node06/tasks", vmid=2021) == []


def test_without_quorum_reading_works_and_writing_does_not(api: Any) -> None:
    api.pve.control.lose_quorum()
    assert api("GET", "/cluster/status")[0]["quorate"] == 0
    assert api.refusal("PUT", CONFIG, cores=4) == "500 cluster not ready - no quorum?"
    api.pve.control.regain_quorum()
    api("PUT", CONFIG, cores=4)


def test_a_node_that_is_offline_is_595(api: Any) -> None:
    api.pve.control.node_offline("node06")
    assert api.refusal("GET", CONFIG) == "595 No route to host"
    nodes = {n["node"]: n["status"] for n in api("GET", "/nodes")}
    assert nodes["node06"] == "offline"
    assert nodes["node05"] == "online"


def test_an_expired_token_is_401(api: Any) -> None:
    api.pve.control.expire_token()
    assert api.refusal("GET", "/version") == "401 token 'lab' access expired"
    api.pve.control.renew_token()
    api("GET", "/version")


def test_a_dropped_connection_has_done_what_was_asked(api: Any) -> None:
    clone = "/nodes/node06/qemu/9000/clone"
    api.pve.control.drop_connection_after("POST", clone)
    with pytest.raises(requests.ConnectionError):
        api.ask("POST", clone, newid=2002, full=1)
    assert api.pve.control.guest(2002) is not None
    tasks = api("GET", "/nodes/node06/tasks", vmid=9000)
    assert [t["type"] for t in tasks] == ["qmclone"]


def test_a_named_error_fails_as_often_as_was_asked(api: Any) -> None:
    api.pve.control.fail("PUT", CONFIG, status=500, message="got lock request timeout", times=2)
    for _ in range(2):
        assert "got lock request timeout" in api.refusal("PUT", CONFIG, cores=4)
    api("PUT", CONFIG, cores=4)


def test_a_path_template_fails_every_guest(api: Any) -> None:
    api.pve.control.fail("GET", "/nodes/{node}/qemu/{vmid}/config", status=502, message="bad",
                         times=None)  # fmt: skip
    assert "502" in api.refusal("GET", CONFIG)
    assert "502" in api.refusal("GET", "/nodes/node06/qemu/9000/config")
    api.pve.control.clear()
    api("GET", CONFIG)


def test_slow_answers_are_slow(api: Any) -> None:
    api.pve.control.slow(0.4)
    begin = time.monotonic()
    api("GET", "/version")
    assert time.monotonic() - begin >= 0.4


def test_a_task_takes_its_time_where_that_is_asked_for(api: Any) -> None:
    api.pve.control.time_scale(0.1)
    given = {"content": "import", "url": "https://example.org/a.qcow2", "filename": "a.qcow2"}
    upid = api("POST", "/nodes/node06/storage/local/download-url", **given)
    assert api("GET", f"/nodes/node06/tasks/{upid}/status")["status"] == "running"


def test_somebody_elses_edit_changes_the_digest(api: Any) -> None:
    digest = api("GET", CONFIG)["digest"]
    api.pve.control.set_config(2021, description="by hand")
    assert "checksum mismatch" in api.refusal("PUT", CONFIG, cores=4, digest=digest)


def test_somebody_elses_guest_appears(api: Any) -> None:
    api.pve.control.add_guest(2002, "intruder", node="node03", cores=1, memory=512)
    assert "2002" in api.refusal("POST", "/nodes/node06/qemu/9000/clone", newid=2002, full=1)


def test_a_reset_leaves_no_fault_and_no_guest(api: Any) -> None:
    api.clone()
    api.pve.control.lose_quorum()
    api.pve.control.expire_token()
    api.pve.control.node_offline("node06")
    api.pve.control.reset()
    assert api.pve.control.guest(2002) is None
    api("PUT", CONFIG, cores=4)


def test_an_order_that_nobody_knows_is_an_error(api: Any) -> None:
    with pytest.raises(ControlError, match="dance"):
        api.pve.control.order("dance")


def test_a_restarted_emulator_takes_up_where_it_was(tmp_path: Any) -> None:
    with control.start(tmp_path) as first:
        first.control.add_guest(2500, "kept", cores=3, scsi0="nvmethin01:vm-2500-disk-0,size=7G")
        first.control.lock(2500, "clone")
        before = first.control.guest(2500)
        secret = first.token_secret
    with control.start(tmp_path) as second:
        assert second.control.guest(2500) == before
        assert second.token_secret == secret
