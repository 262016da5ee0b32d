"""Whose routes the lab's range may not meet."""

from ipaddress import IPv4Network
from typing import Any

import pytest

from labdb.lab import network

LAB = IPv4Network("198.18.0.0/16")
OWN = {"br-0123456789ab"}
Route = dict[str, Any]


@pytest.mark.parametrize(
    "route",
    [
        {"dst": "198.18.0.0/15", "dev": "tun0"},
        {"dst": "198.18.20.0/24", "gateway": "192.0.2.1", "dev": "eth0"},
        {"dst": "198.18.20.8", "dev": "wg0"},
        {"type": "unreachable", "dst": "198.18.0.0/16", "metric": 1},
    ],
)
def test_a_route_of_somebody_else_is_named(route: Route) -> None:
    said = network.conflict([{"dst": "default", "dev": "eth0"}, route], LAB, OWN)
    assert said is not None
    assert said.startswith(route["dst"])


@pytest.mark.parametrize(
    "route",
    [
        {"dst": "default", "gateway": "192.0.2.1", "dev": "eth0"},
        {"dst": "0.0.0.0/1", "dev": "tun0"},
        {"dst": "198.19.0.0/16", "dev": "eth0"},
        {"dst": "198.18.20.0/24", "dev": "br-0123456789ab"},
        {"type": "unreachable", "dst": "198.18.0.0/16", "metric": network.METRIC},
    ],
)
def test_default_routes_and_our_own_are_no_conflict(route: Route) -> None:
    assert network.conflict([route], LAB, OWN) is None
