"""What a write to a guest's configuration does, as Proxmox VE does it."""

import re
from typing import Any

import pytest

pytestmark = pytest.mark.proxmox
MAC = r"virtio=(BC:24:11:[0-9A-F:]{8}),bridge=vmbr1,firewall=1"


@pytest.fixture
def guest(api: Any) -> str:
    path: str = api.clone()
    return path


def pending(api: Any, guest: str) -> dict[str, Any]:
    entries = api("GET", f"{guest}/pending")
    return {
        e["key"]: e.get("pending", "deleted") for e in entries if "pending" in e or "delete" in e
    }


def test_tags_are_sorted_lowered_and_joined_by_semicolons(api: Any, guest: str) -> None:
    api("PUT", f"{guest}/config", tags="pg,LabDB, db")
    assert api("GET", f"{guest}/config")["tags"] == "db;labdb;pg"


def test_a_network_card_without_a_mac_is_given_one(api: Any, guest: str) -> None:
    api("PUT", f"{guest}/config", net0="virtio,bridge=vmbr1,firewall=1")
    assert re.fullmatch(MAC, api("GET", f"{guest}/config")["net0"])


def test_a_mac_that_is_sent_back_is_kept(api: Any, guest: str) -> None:
    before = re.match(MAC, api("GET", f"{guest}/config")["net0"])
    assert before
    api("PUT", f"{guest}/config", net0=f"virtio={before[1]},bridge=vmbr1,tag=20,firewall=1")
    expected = f"virtio={before[1]},bridge=vmbr1,firewall=1,tag=20"
    assert api("GET", f"{guest}/config")["net0"] == expected


def test_numbers_come_back_as_numbers_and_memory_as_text(api: Any, guest: str) -> None:
    api("PUT", f"{guest}/config", cores="8", memory="8192", balloon="8192")
    config = api("GET", f"{guest}/config")
    assert (config["cores"], config["memory"], config["balloon"]) == (8, "8192", 8192)


def test_a_stale_digest_is_refused(api: Any, guest: str) -> None:
    stale = api("GET", f"{guest}/config")["digest"]
    api("PUT", f"{guest}/config", description="changed by somebody")
    said = api.refusal("PUT", f"{guest}/config", cores=4, digest=stale)
    assert said == "500 checksum mismatch (file change by other user?)"
    assert api("GET", f"{guest}/config")["cores"] == 2


def test_a_balloon_above_the_memory_is_refused(api: Any, guest: str) -> None:
    said = api.refusal("PUT", f"{guest}/config", memory=4096, balloon=8192)
    assert said == "500 balloon value too large (must be smaller than assigned memory)"


def test_an_unknown_processor_is_refused(api: Any, guest: str) -> None:
    assert "cpu: " in api.refusal("PUT", f"{guest}/config", cpu="nosuch")


def test_an_unknown_key_is_refused_by_name(api: Any, guest: str) -> None:
    assert "bogus: property is not defined" in api.refusal("PUT", f"{guest}/config", bogus=1)


def test_a_running_guest_keeps_its_cores_until_the_next_start(api: Any, guest: str) -> None:
    api.task("POST", f"{guest}/status/start")
    api("PUT", f"{guest}/config", cores=8)
    assert pending(api, guest) == {"cores": 8}
    assert api("GET", f"{guest}/config")["cores"] == 2
    assert api.task("POST", f"{guest}/status/reboot") == "OK"
    assert pending(api, guest) == {}
    assert api("GET", f"{guest}/config")["cores"] == 8


def test_what_a_running_guest_has_already_is_not_pending(api: Any, guest: str) -> None:
    api.task("POST", f"{guest}/status/start")
    api("PUT", f"{guest}/config", cores=2, memory=2048, cpu="x86-64-v2-AES", delete="numa")
    assert pending(api, guest) == {}


def test_a_pending_value_that_is_taken_back_is_pending_no_more(api: Any, guest: str) -> None:
    api.task("POST", f"{guest}/status/start")
    api("PUT", f"{guest}/config", cores=8)
    api("PUT", f"{guest}/config", cores=2)
    assert pending(api, guest) == {}


def test_a_running_guest_takes_tags_vlan_and_cloud_init_at_once(api: Any, guest: str) -> None:
    api.task("POST", f"{guest}/status/start")
    card = api("GET", f"{guest}/config")["net0"]
    api("PUT", f"{guest}/config", tags="a", onboot=1, ciuser="x", net0=f"{card},tag=20")
    config = api("GET", f"{guest}/config")
    assert pending(api, guest) == {}
    assert (config["tags"], config["onboot"], config["ciuser"]) == ("a", 1, "x")
    assert "tag=20" in config["net0"]


def test_a_clone_has_a_cloud_init_drive_and_a_mac_of_its_own(api: Any, guest: str) -> None:
    config = api("GET", f"{guest}/config")
    template = api("GET", "/nodes/node06/qemu/9000/config")
    assert config["ide2"].startswith("nvmethin01:vm-2002-cloudinit,")
    assert config["net0"] != template["net0"]
    assert "template" not in config


def test_a_second_clone_with_the_same_number_is_refused(api: Any, guest: str) -> None:
    said = api.refusal("POST", "/nodes/node06/qemu/9000/clone", newid=2002, full=1)
    assert said == "500 unable to create VM 2002: config file already exists"


def test_protection_forbids_removal_and_detaching(api: Any, guest: str) -> None:
    api("PUT", f"{guest}/config", protection=1)
    assert "protection mode enabled" in api.refusal("DELETE", guest)
    assert "protection mode enabled" in api.refusal("PUT", f"{guest}/config", delete="scsi0")


def test_a_destroyed_guest_leaves_nothing(api: Any, guest: str) -> None:
    free = api("GET", "/nodes/node06/storage/nvmethin01/status")["avail"]
    assert api.task("DELETE", guest, purge=1) == "OK"
    assert "does not exist" in api.refusal("GET", f"{guest}/config")
    assert api("GET", "/nodes/node06/storage/nvmethin01/status")["avail"] > free
