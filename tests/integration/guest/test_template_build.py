"""A template from a cloud image: built once, left alone afterwards, and good to clone from."""

from collections.abc import Callable
from typing import Any

import pytest

from labdb.adapters.proxmox import Proxmox
from labdb.domain.template import MADE, DesiredTemplate
from labdb.errors import RefusedError, RunError
from labdb.lab.control import EmulatedPve

pytestmark = pytest.mark.proxmox

URL = "https://images.example.org/debian-13-agent.qcow2"
SUM = "ab" * 64


@pytest.fixture
def wanted() -> Callable[..., DesiredTemplate]:
    def make(**changes: Any) -> DesiredTemplate:
        values: dict[str, Any] = {
            "vmid": 9100,
            "name": "debian-13-labdb",
            "node": "node06",
            "storage": "nvmethin01",
            "bridge": "vmbr1",
            "image_url": URL,
            "image_checksum": f"sha512:{SUM}",
            "image_storage": "local",
        }
        return DesiredTemplate(**values | changes)

    return make


def test_a_template_is_built_and_then_left_alone(
    pve: EmulatedPve, proxmox: Proxmox, wanted: Any
) -> None:
    proxmox.template(wanted()).run()
    guest = pve.control.guest(9100)
    assert guest is not None
    assert guest["config"]["template"]
    assert guest["config"]["description"] == MADE
    pve.forget_requests()
    assert proxmox.template(wanted()).run().steps == ()
    assert all(request["method"] == "GET" for request in pve.requests())


def test_the_image_is_downloaded_with_its_checksum(
    pve: EmulatedPve, proxmox: Proxmox, wanted: Any
) -> None:
    proxmox.template(wanted()).run()
    sent = [r["params"] for r in pve.requests() if r["path"].endswith("/download-url")]
    assert [(p["checksum"], p["checksum-algorithm"]) for p in sent] == [(SUM, "sha512")]


def test_a_guest_can_be_made_from_it(
    pve: EmulatedPve, proxmox: Proxmox, wanted: Any, provision: Any, declare: Any
) -> None:
    proxmox.template(wanted()).run()
    provision(declare(guest__template={"vmid": 9100}))
    guest = pve.control.guest(2002)
    assert guest is not None
    assert guest["status"] == "running"


def test_a_wrong_checksum_ends_it(pve: EmulatedPve, proxmox: Proxmox, wanted: Any) -> None:
    pve.control.checksum(URL, "cd" * 64)
    with pytest.raises(RunError, match="checksum mismatch"):
        proxmox.template(wanted()).run()
    assert pve.control.guest(9100) is None


@pytest.mark.parametrize("given", ["", "ab" * 20, "sha512:" + "ab" * 32, "md5:" + "ab" * 16])
def test_an_image_without_a_good_checksum_is_refused(
    proxmox: Proxmox, wanted: Any, given: str
) -> None:
    with pytest.raises(RefusedError, match="no checksum"):
        proxmox.template(wanted(image_checksum=given)).look()


@pytest.mark.parametrize(
    ("given", "algorithm"), [(SUM, "sha512"), (SUM.upper(), "sha512"), ("ab" * 32, "sha256")]
)
def test_a_checksum_is_taken_as_the_tools_print_it(
    pve: EmulatedPve, proxmox: Proxmox, wanted: Any, given: str, algorithm: str
) -> None:
    proxmox.template(wanted(image_checksum=given)).run()
    (sent,) = [r["params"] for r in pve.requests() if r["path"].endswith("/download-url")]
    assert (sent["checksum"], sent["checksum-algorithm"]) == (given.lower(), algorithm)


def test_a_storage_that_takes_no_images_is_named(
    pve: EmulatedPve, proxmox: Proxmox, wanted: Any
) -> None:
    pve.control.storage_content("local", "iso,backup")
    with pytest.raises(RefusedError) as caught:
        proxmox.template(wanted()).run()
    assert "local takes no content of type import" in caught.value.what
    assert caught.value.hint == "pvesm set local --content iso,backup,import"


def test_a_vmid_of_another_guest_is_refused(proxmox: Proxmox, wanted: Any) -> None:
    with pytest.raises(RefusedError, match="belongs to docker01"):
        proxmox.template(wanted(vmid=2021)).run()


def test_a_build_that_was_interrupted_is_taken_up(
    pve: EmulatedPve, proxmox: Proxmox, wanted: Any
) -> None:
    pve.control.fail("POST", "/nodes/node06/qemu/9100/template", status=500, message="no")
    with pytest.raises(RunError):
        proxmox.template(wanted()).run()
    pve.forget_requests()
    proxmox.template(wanted()).run()
    changed = [r["path"].rpartition("/")[2] for r in pve.requests() if r["method"] != "GET"]
    assert changed == ["template", "config"]
