"""The lab's networks on this machine: reachable while they exist, unreachable otherwise."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from labdb.errors import RefusedError
from labdb.lab import network
from labdb.lab.settings import LabSettings

pytestmark = pytest.mark.docker
PREFIX = "100.127"  # shared address space (RFC 6598): nobody's, and no other lab's


def ip(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["ip", *arguments], check=False, capture_output=True, text=True)


@pytest.fixture(autouse=True)
def lab_range(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("LABDB_LAB_NETWORK", PREFIX)
    monkeypatch.setenv("LABDB_STATE", str(tmp_path))
    yield
    network.remove_all()


def test_a_vlan_is_on_a_bridge_of_this_machine() -> None:
    made = network.ensure(20)
    assert str(made.subnet) == f"{PREFIX}.20.0/24"
    assert " dev br-" in ip("route", "get", f"{PREFIX}.20.8").stdout
    assert network.existing() == (made,)


def test_asking_twice_changes_nothing() -> None:
    first = network.ensure(20)
    routes = ip("route", "show").stdout
    assert network.ensure(20) == first
    assert ip("route", "show").stdout == routes


def test_a_vlan_that_does_not_exist_is_unreachable_not_routed_away() -> None:
    network.ensure(20)
    found = ip("route", "get", f"{PREFIX}.30.8")
    assert found.returncode != 0
    with pytest.raises(OSError, match="No route to host"):
        socket.create_connection((f"{PREFIX}.30.8", 22), timeout=2)


def test_the_guard_comes_before_the_network() -> None:
    network.guard(LabSettings.load())
    assert ip("route", "get", f"{PREFIX}.20.8").returncode != 0


def test_a_range_that_somebody_routes_is_refused() -> None:
    foreign = ("unreachable", f"{PREFIX}.7.0/24", "metric", "77")
    assert ip("route", "add", *foreign).returncode == 0
    try:
        with pytest.raises(RefusedError, match="already routed") as caught:
            network.ensure(20)
        assert f"{PREFIX}.7.0/24" in caught.value.why
        assert "LABDB_LAB_NETWORK" in caught.value.hint
        assert network.existing() == ()
    finally:
        ip("route", "del", *foreign)


def test_removing_takes_networks_and_route_away() -> None:
    network.ensure(20)
    network.ensure(10)
    network.remove_all()
    assert network.existing() == ()
    assert PREFIX not in ip("route", "show").stdout
