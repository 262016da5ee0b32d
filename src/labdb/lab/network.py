"""The lab's networks: one Docker network for each VLAN, and a route that lets nothing leak.

While a VLAN's network is absent, a packet to one of its addresses would leave this machine
by the default route. An ``unreachable`` route for the whole range forbids that; the more
specific route of a network wins over it while the network exists.
"""

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import docker
from docker.errors import APIError
from docker.models.networks import Network as DockerNetwork
from docker.types import IPAMConfig, IPAMPool

from labdb.errors import RefusedError, RunError
from labdb.lab.engine import engine
from labdb.lab.settings import NETWORK_VARIABLE, USUAL_PREFIX, LabSettings

LABEL = "org.labdb.lab.range"
METRIC = 19818
"""Marks our own unreachable route among those that an administrator may have set."""
BROAD = 8
"""Routes of so few bits stand for a default route: a VPN splits it in two or more."""


@dataclass(frozen=True, slots=True)
class Network:
    """The Docker network of one VLAN."""

    name: str
    subnet: IPv4Network
    gateway: IPv4Address


def ensure(vlan: int) -> Network:
    """Return the network of *vlan*, made where it is missing, behind the unreachable route.

    Raises:
        RefusedError: somebody else routes the lab's range on this machine, or we lack root.
        RunError: Docker refused the network.
        UnreachableError: there is no Docker daemon.
    """
    settings = LabSettings.load()
    guard(settings)
    made = Network(_name(settings, vlan), settings.subnet(vlan), settings.gateway(vlan))
    client = engine()
    if any(one.name == made.name for one in _own(client, settings)):
        return made
    pool = IPAMPool(subnet=str(made.subnet), gateway=str(made.gateway))
    try:
        client.networks.create(
            made.name,
            driver="bridge",
            ipam=IPAMConfig(pool_configs=[pool]),
            labels={LABEL: str(settings.range)},
            check_duplicate=True,
        )
    except APIError as error:
        raise RunError(
            f"Docker does not make the network {made.name} ({made.subnet})",
            why=str(error.explanation),
            hint=f"docker network ls shows who has it; or set {NETWORK_VARIABLE}",
        ) from error
    return made


def guard(settings: LabSettings) -> None:
    """Make sure that the lab's range is nobody else's, and that nothing to it leaves the host.

    Raises:
        RefusedError: a route of somebody else touches the range, or we lack root.
    """
    routes = _routes()
    bridges = {f"br-{str(one.id)[:12]}" for one in _own(engine(), settings)}
    if foreign := conflict(routes, settings.range, bridges):
        raise RefusedError(
            f"the lab's range {settings.range} is already routed on this machine",
            why=f"ip route shows {foreign}",
            hint=f"set {NETWORK_VARIABLE} to the first two octets of an unused range",
        )
    if not any(_is_ours(route, settings.range) for route in routes):
        if os.geteuid() != 0:
            raise RefusedError(
                f"the route that guards {settings.range} cannot be set",
                why="changing routes needs root",
                hint="run the same command with sudo",
            )
        _ip("route", "add", "unreachable", str(settings.range), "metric", str(METRIC))


def existing() -> tuple[Network, ...]:
    """Return the lab's networks as Docker has them."""
    settings = LabSettings.load()
    found = (one.attrs["IPAM"]["Config"][0]["Subnet"] for one in _own(engine(), settings))
    subnets = sorted(IPv4Network(subnet) for subnet in found)
    return tuple(Network(_name(settings, net[0].packed[2]), net, net[1]) for net in subnets)


def remove_all() -> None:
    """Remove the lab's networks, which must have no guests any more, and then the route.

    Raises:
        RunError: a network is still in use.
    """
    settings = LabSettings.load()
    for network in _own(engine(), settings):
        try:
            network.remove()
        except APIError as error:
            raise RunError(
                f"the network {network.name} cannot be removed",
                why=str(error.explanation),
                hint="docker network inspect shows which container still uses it",
            ) from error
    if any(_is_ours(route, settings.range) for route in _routes()):
        _ip("route", "del", "unreachable", str(settings.range), "metric", str(METRIC))


def conflict(
    routes: Iterable[Mapping[str, Any]], lab: IPv4Network, bridges: set[str]
) -> str | None:
    """Return the route that takes part of *lab* and is not ours, as one line; else None.

    *routes* are those of ``ip -json route``; *bridges* are the interfaces of the lab's own
    networks. A route broader than a /8 stands for a default route and takes nothing.

    >>> conflict([{"dst": "198.18.0.0/15", "dev": "tun0"}], IPv4Network("198.18.0.0/16"), set())
    '198.18.0.0/15 dev tun0'
    """
    for route in routes:
        if route["dst"] == "default" or route.get("dev") in bridges or _is_ours(route, lab):
            continue
        network = IPv4Network(route["dst"])
        if network.prefixlen >= BROAD and network.overlaps(lab):
            via = f" via {route['gateway']}" if "gateway" in route else ""
            device = f" dev {route['dev']}" if "dev" in route else f" ({route.get('type')})"
            return f"{route['dst']}{via}{device}"
    return None


def _name(settings: LabSettings, vlan: int) -> str:
    """Return the network's name; a lab in another range than usual stands beside the usual one."""
    suffix = "" if settings.prefix == USUAL_PREFIX else f"-{settings.prefix}"
    return f"labdb-vlan{vlan}{suffix}"


def _own(client: docker.DockerClient, settings: LabSettings) -> list[DockerNetwork]:
    return client.networks.list(filters={"label": f"{LABEL}={settings.range}"})


def _is_ours(route: Mapping[str, Any], lab: IPv4Network) -> bool:
    return (
        route.get("type") == "unreachable"
        and route["dst"] == str(lab)
        and route.get("metric") == METRIC
    )


def _routes() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        _ip("-4", "-json", "-details", "route", "show", "table", "all")
    )
    return found


def _ip(*arguments: str) -> str:
    done = subprocess.run(["ip", *arguments], check=False, capture_output=True, text=True)
    if done.returncode:
        raise RunError(
            f"ip {' '.join(arguments)} failed",
            why=done.stderr.strip(),
            hint="the package iproute2 and the capability NET_ADMIN are needed",
        )
    return done.stdout
