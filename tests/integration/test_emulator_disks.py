"""Disks of the emulated cluster: allocated, grown, never shrunk, given back."""

from typing import Any

import pytest

pytestmark = pytest.mark.proxmox
GIB = 1 << 30


@pytest.fixture
def guest(api: Any) -> str:
    path: str = api.clone()
    return path


def avail(api: Any, storage: str = "nvmethin01") -> int:
    return int(api("GET", f"/nodes/node06/storage/{storage}/status")["avail"])


def test_a_resize_grows_the_disk_and_takes_its_space(api: Any, guest: str) -> None:
    before = avail(api)
    assert api.task("PUT", f"{guest}/resize", disk="scsi0", size="32G") == "OK"
    assert "size=32G" in api("GET", f"{guest}/config")["scsi0"]
    assert before - avail(api) == 29 * GIB


def test_a_relative_resize_adds(api: Any, guest: str) -> None:
    assert api.task("PUT", f"{guest}/resize", disk="scsi0", size="+2G") == "OK"
    assert "size=5G" in api("GET", f"{guest}/config")["scsi0"]


def test_shrinking_fails_in_the_words_of_proxmox_ve(api: Any, guest: str) -> None:
    said = api.task("PUT", f"{guest}/resize", disk="scsi0", size="2G")
    assert said == "shrinking disks is not supported"
    assert "size=3G" in api("GET", f"{guest}/config")["scsi0"]


def test_a_resize_to_the_same_size_changes_nothing(api: Any, guest: str) -> None:
    before = api("GET", f"{guest}/config")
    assert api.task("PUT", f"{guest}/resize", disk="scsi0", size="3G") == "OK"
    assert api("GET", f"{guest}/config") == before


def test_a_disk_that_is_not_there_cannot_be_resized(api: Any, guest: str) -> None:
    said = api.refusal("PUT", f"{guest}/resize", disk="scsi7", size="5G")
    assert said == "500 disk 'scsi7' does not exist"


def test_a_negative_size_is_no_size(api: Any, guest: str) -> None:
    assert "size: " in api.refusal("PUT", f"{guest}/resize", disk="scsi0", size="-1G")


def test_a_new_disk_is_allocated_with_its_options(api: Any, guest: str) -> None:
    before = avail(api)
    value = "nvmethin01:250,discard=on,iothread=1,serial=labdbpgdata"
    assert api.task("POST", f"{guest}/config", scsi1=value) == "OK"
    made = api("GET", f"{guest}/config")["scsi1"]
    assert made.startswith("nvmethin01:vm-2002-disk-")
    assert made.endswith(",discard=on,iothread=1,serial=labdbpgdata,size=250G")
    assert before - avail(api) == 250 * GIB


def test_a_running_guest_takes_a_new_disk_at_once(api: Any, guest: str) -> None:
    api.task("POST", f"{guest}/status/start")
    assert api.task("POST", f"{guest}/config", scsi1="nvmethin01:10") == "OK"
    assert "size=10G" in api("GET", f"{guest}/config")["scsi1"]


def test_options_of_a_disk_change_and_its_volume_stays(api: Any, guest: str) -> None:
    api.task("POST", f"{guest}/config", scsi1="nvmethin01:10")
    volume = api("GET", f"{guest}/config")["scsi1"].split(",")[0]
    api.task("POST", f"{guest}/config", scsi1=f"{volume},size=10G,backup=0")
    assert api("GET", f"{guest}/config")["scsi1"] == f"{volume},backup=0,size=10G"


def test_a_new_volume_on_a_taken_slot_leaves_the_old_one_unused(api: Any, guest: str) -> None:
    old = api("GET", f"{guest}/config")["scsi0"].split(",")[0]
    assert api.task("POST", f"{guest}/config", scsi0="nvmethin01:5") == "OK"
    config = api("GET", f"{guest}/config")
    assert config["unused0"] == old
    assert config["scsi0"].split(",")[0] != old


def test_a_detached_disk_stays_until_it_is_deleted_for_good(api: Any, guest: str) -> None:
    api.task("POST", f"{guest}/config", scsi1="nvmethin01:10")
    with_disk = avail(api)
    api("PUT", f"{guest}/config", delete="scsi1")
    assert "unused0" in api("GET", f"{guest}/config")
    assert avail(api) == with_disk
    api("PUT", f"{guest}/config", delete="unused0")
    assert avail(api) == with_disk + 10 * GIB


def test_a_full_storage_fails_the_clone_with_the_reason(api: Any) -> None:
    api.pve.control.fill_storage("data", free=GIB)
    given = {"newid": 2002, "full": 1, "storage": "data"}
    said = api.task("POST", "/nodes/node06/qemu/9000/clone", **given)
    assert said.startswith("clone failed: unable to write to storage 'data': No space left")
    assert api.pve.control.guest(2002) is None


def test_a_full_storage_fails_the_growth_with_the_reason(api: Any) -> None:
    guest = api.clone(storage="data")
    said = api.task("PUT", f"{guest}/resize", disk="scsi0", size="500G")
    assert said == "unable to write to storage 'data': No space left on device"


def test_a_disk_comes_from_an_image_with_the_images_size(api: Any) -> None:
    image = "local:import/debian-13-genericcloud-amd64.qcow2"
    given = {"vmid": 9001, "name": "t", "ide2": "nvmethin01:cloudinit", "scsi0":
             f"nvmethin01:0,import-from={image},discard=on"}  # fmt: skip
    assert api.task("POST", "/nodes/node06/qemu", **given) == "OK"
    config = api("GET", "/nodes/node06/qemu/9001/config")
    assert config["scsi0"].endswith(",discard=on,size=3G")
    assert "import-from" not in config["scsi0"]
    assert config["ide2"].startswith("nvmethin01:vm-9001-cloudinit,media=cdrom")
    assert api.task("POST", "/nodes/node06/qemu/9001/template") == "OK"
    assert "base-9001-disk-" in api("GET", "/nodes/node06/qemu/9001/config")["scsi0"]


def test_an_image_needs_a_storage_that_holds_images_to_import(api: Any) -> None:
    api.pve.control.storage_content("local", "iso,backup")
    image = "local:import/debian-13-genericcloud-amd64.qcow2"
    given = {"vmid": 9001, "scsi0": f"nvmethin01:0,import-from={image}"}
    assert "content-type 'import'" in api.refusal("POST", "/nodes/node06/qemu", **given)


def test_an_image_that_is_not_there_is_named(api: Any) -> None:
    given = {"vmid": 9001, "scsi0": "nvmethin01:0,import-from=local:import/none.qcow2"}
    said = api.refusal("POST", "/nodes/node06/qemu", **given)
    assert "volume 'local:import/none.qcow2' does not exist" in said


def test_a_downloaded_image_with_another_sum_is_refused(api: Any) -> None:
    url = "https://images.example.org/d.qcow2"
    api.pve.control.checksum(url, "b" * 128)
    given = {"content": "import", "url": url, "filename": "d.qcow2", "checksum": "a" * 128}
    path = "/nodes/node06/storage/local/download-url"
    said = api.task("POST", path, checksum__algorithm="sha512", **given)
    assert said.startswith("checksum mismatch: got 'bbb")
