"""Property strings, known_hosts and routes: small texts that must be read exactly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labdb.adapters.proxmox.probe import answers, is_on_link
from labdb.domain.known_hosts import forget, is_known, pin
from labdb.domain.property_string import (
    format_bytes,
    gibibytes,
    keys_value,
    nic_value,
    parse_bytes,
    parse_disks,
    parse_keys,
    parse_nic,
)
from labdb.errors import RefusedError

ROUTES = """Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
*\t000012C6\t00000000\t0200\t0\t0\t0\t0000FEFF\t0\t0\t0
br-1\t001412C6\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""


@given(st.integers(min_value=1, max_value=1 << 50))
def test_a_size_survives_proxmoxs_spelling(size: int) -> None:
    assert parse_bytes(format_bytes(size)) == size


@pytest.mark.parametrize(("size", "text"), [(250 << 30, "250"), (1 << 29, "0.5")])
def test_a_new_volume_is_ordered_in_gib(size: int, text: str) -> None:
    assert gibibytes(size) == text


def test_cdrom_and_cloud_init_drives_are_no_disks() -> None:
    config = {
        "ide2": "nvmethin01:vm-9000-cloudinit,media=cdrom,size=4M",
        "scsihw": "virtio-scsi-single",
        "scsi0": "nvmethin01:vm-1-disk-0,size=32G",
        "efidisk0": "nvmethin01:vm-1-disk-1,size=528K",
    }
    assert [disk.slot for disk in parse_disks(config)] == ["scsi0"]


def test_a_network_card_keeps_what_labdb_does_not_know() -> None:
    nic = parse_nic("virtio=BC:24:11:00:00:01,bridge=vmbr0,mtu=1400,queues=4")
    assert nic is not None
    value = nic_value(nic, bridge="vmbr1", vlan=20, firewall=True)
    assert value == "virtio=BC:24:11:00:00:01,bridge=vmbr1,firewall=1,mtu=1400,queues=4,tag=20"


def test_keys_survive_their_encoding() -> None:
    keys = ("ssh-ed25519 AAAA+/= a@b", "ssh-ed25519 BBBB c d")
    assert parse_keys(keys_value(keys)) == keys


def test_a_first_key_is_pinned_and_others_stay() -> None:
    result = pin("10.0.0.1 ssh-ed25519 AAAA\n", "10.0.0.2", "ssh-ed25519 BBBB root@x", is_new=False)
    assert result.text == "10.0.0.1 ssh-ed25519 AAAA\n10.0.0.2 ssh-ed25519 BBBB\n"
    assert result.changed


def test_the_same_key_changes_nothing() -> None:
    text = "10.0.0.2 ssh-ed25519 BBBB\n"
    assert not pin(text, "10.0.0.2", "ssh-ed25519 BBBB root@x", is_new=False).changed


def test_another_key_of_a_known_guest_is_refused() -> None:
    with pytest.raises(RefusedError, match="has changed"):
        pin("10.0.0.2 ssh-ed25519 AAAA\n", "10.0.0.2", "ssh-ed25519 BBBB", is_new=False)


def test_a_new_guest_replaces_the_key_of_the_one_before() -> None:
    result = pin("10.0.0.2 ssh-ed25519 AAAA\n", "10.0.0.2", "ssh-ed25519 BBBB", is_new=True)
    assert result.text == "10.0.0.2 ssh-ed25519 BBBB\n"


def test_a_forgotten_guest_is_not_known() -> None:
    result = forget("10.0.0.2 ssh-ed25519 AAAA\n10.0.0.1 ssh-ed25519 B\n", "10.0.0.2")
    assert not is_known(result.text, "10.0.0.2")
    assert is_known(result.text, "10.0.0.1")


@pytest.mark.parametrize(
    ("host", "local"),
    [("192.0.2.7", True), ("198.18.20.8", True), ("198.18.30.8", False), ("10.25.20.8", False)],
)
def test_only_an_address_with_a_route_of_its_own_is_on_the_link(host: str, *, local: bool) -> None:
    assert is_on_link(host, ROUTES) is local


def test_a_stranger_is_not_asked_while_the_api_is_on_loopback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: object) -> bool:
        raise AssertionError("a packet would have left")

    monkeypatch.setattr("labdb.adapters.proxmox.probe.connects", never)
    monkeypatch.setattr("labdb.adapters.proxmox.probe.is_on_link", lambda _: False)
    assert not answers("10.25.20.8", api_host="127.0.0.1:8006")
