"""Cloud-init in the emulated cluster: the seed, the instance-id, what a guest has seen."""

import urllib.parse
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.proxmox
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0 operator"
GIVEN = {
    "ciuser": "labdb",
    "sshkeys": urllib.parse.quote(KEY, safe=""),
    "ciupgrade": 0,
    "ipconfig0": "ip=198.18.20.8/24,gw=198.18.20.1",
    "nameserver": "198.18.10.2 198.18.20.2",
    "searchdomain": "radioastronomy.io",
}
HOST_KEY = "/etc/ssh/ssh_host_ed25519_key.pub"


@pytest.fixture
def guest(api: Any) -> str:
    path: str = api.clone()
    api("PUT", f"{path}/config", **GIVEN)
    return path


def dump(api: Any, guest: str, kind: str) -> Any:
    return yaml.safe_load(api("GET", f"{guest}/cloudinit/dump", type=kind))


def instance(api: Any, guest: str) -> str:
    return str(dump(api, guest, "meta")["instance-id"])


def test_user_data_has_the_user_and_the_key_and_no_upgrade(api: Any, guest: str) -> None:
    text = api("GET", f"{guest}/cloudinit/dump", type="user")
    assert text.startswith("#cloud-config\n")
    data = yaml.safe_load(text)
    assert data["user"] == "labdb"
    assert data["ssh_authorized_keys"] == [KEY]
    assert (data["hostname"], data["fqdn"]) == ("proj-pg01", "proj-pg01.radioastronomy.io")
    assert "package_upgrade" not in data
    assert "password" not in data


def test_packages_are_upgraded_unless_that_is_refused(api: Any, guest: str) -> None:
    api("PUT", f"{guest}/config", delete="ciupgrade")
    assert dump(api, guest, "user")["package_upgrade"] is True


def test_network_data_has_the_address_and_the_cards_mac(api: Any, guest: str) -> None:
    card, names = dump(api, guest, "network")["config"]
    mac = api("GET", f"{guest}/config")["net0"].split(",")[0].removeprefix("virtio=")
    assert card["mac_address"] == mac.lower()
    assert card["subnets"] == [{"type": "static", "address": "198.18.20.8",
                                "netmask": "255.255.255.0", "gateway": "198.18.20.1"}]  # fmt: skip
    assert names["address"] == ["198.18.10.2", "198.18.20.2"]
    assert names["search"] == ["radioastronomy.io"]


@pytest.mark.parametrize(
    "change",
    [{"ciuser": "other"}, {"ipconfig0": "ip=198.18.20.9/24,gw=198.18.20.1"},
     {"nameserver": "198.18.10.3"}, {"name": "proj-pg09"},
     {"sshkeys": urllib.parse.quote(f"{KEY}2", safe="")},
     {"net0": "virtio=BC:24:11:00:00:01,bridge=vmbr1"}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_a_changed_field_is_another_instance(api: Any, guest: str, change: dict[str, str]) -> None:
    before = instance(api, guest)
    api("PUT", f"{guest}/config", **change)
    assert instance(api, guest) != before


@pytest.mark.parametrize("change", [{"cores": 4}, {"tags": "a"}, {"description": "b"}])
def test_hardware_and_notes_leave_the_instance_alone(
    api: Any, guest: str, change: dict[str, Any]
) -> None:
    before = instance(api, guest)
    api("PUT", f"{guest}/config", **change)
    assert instance(api, guest) == before


def values(api: Any, guest: str) -> dict[str, Any]:
    return {entry["key"]: entry for entry in api("GET", f"{guest}/cloudinit")}


def test_values_wait_until_the_drive_is_written_again(api: Any, guest: str) -> None:
    assert values(api, guest)["ciuser"] == {"key": "ciuser", "pending": "labdb"}
    api("PUT", f"{guest}/cloudinit")
    assert values(api, guest)["ciuser"] == {"key": "ciuser", "value": "labdb"}
    api("PUT", f"{guest}/config", ciuser="other")
    expected = {"key": "ciuser", "value": "labdb", "pending": "other"}
    assert values(api, guest)["ciuser"] == expected


def test_a_start_writes_the_drive(api: Any, guest: str) -> None:
    api.task("POST", f"{guest}/status/start")
    assert all("pending" not in entry for entry in values(api, guest).values())


def host_key(api: Any, guest: str) -> str:
    return str(api("GET", f"{guest}/agent/file-read", file=HOST_KEY)["content"])


def test_a_reboot_keeps_the_host_key_and_another_instance_has_another(api: Any, guest: str) -> None:
    api.task("POST", f"{guest}/status/start")
    first = host_key(api, guest)
    assert first.startswith("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5")
    api.task("POST", f"{guest}/status/reboot")
    assert host_key(api, guest) == first
    api("PUT", f"{guest}/config", ciuser="other")
    api.task("POST", f"{guest}/status/reboot")
    assert host_key(api, guest) != first


def interfaces(api: Any, guest: str) -> dict[str, list[str]]:
    answer = api("GET", f"{guest}/agent/network-get-interfaces")["result"]
    return {i["hardware-address"]: [a["ip-address"] for a in i["ip-addresses"]] for i in answer}


def test_the_agent_reports_the_address_on_the_cards_mac(api: Any, guest: str) -> None:
    api.task("POST", f"{guest}/status/start")
    mac = api("GET", f"{guest}/config")["net0"].split(",")[0].removeprefix("virtio=").lower()
    assert interfaces(api, guest)[mac] == ["198.18.20.8"]


def test_the_agent_reports_what_the_guest_booted_with(api: Any, guest: str) -> None:
    api.task("POST", f"{guest}/status/start")
    api("PUT", f"{guest}/config", ipconfig0="ip=198.18.20.9/24,gw=198.18.20.1")
    assert ["198.18.20.8"] in interfaces(api, guest).values()
    api.task("POST", f"{guest}/status/reboot")
    assert ["198.18.20.9"] in interfaces(api, guest).values()


def test_a_guest_that_is_off_has_no_agent(api: Any, guest: str) -> None:
    said = api.refusal("POST", f"{guest}/agent/ping")
    assert said == "500 QEMU guest agent is not running"


def test_an_agent_that_is_not_configured_is_said_so(api: Any, guest: str) -> None:
    api("PUT", f"{guest}/config", agent="0")
    api.task("POST", f"{guest}/status/start")
    assert api.refusal("POST", f"{guest}/agent/ping") == "500 No QEMU guest agent configured"


def test_an_agent_may_be_off_hang_or_come_late(api: Any, guest: str) -> None:
    api.pve.control.agent_delay(0.5)
    api.task("POST", f"{guest}/status/start")
    assert "not running" in api.refusal("POST", f"{guest}/agent/ping")
    api.pve.control.agent_delay(0)
    api.task("POST", f"{guest}/status/reboot")
    api("POST", f"{guest}/agent/ping")
    api.pve.control.agent(2002, "hangs")
    assert "got timeout" in api.refusal("POST", f"{guest}/agent/ping")
    api.pve.control.agent(2002, "off")
    assert "not running" in api.refusal("POST", f"{guest}/agent/ping")
    api.pve.control.agent(2002, "on")
    api("POST", f"{guest}/agent/ping")


def test_an_agent_may_report_another_address_or_none(api: Any, guest: str) -> None:
    api.task("POST", f"{guest}/status/start")
    api.pve.control.address(2002, "198.18.20.99/24")
    assert ["198.18.20.99"] in interfaces(api, guest).values()
    api.pve.control.address(2002, "")
    assert [] in interfaces(api, guest).values()
