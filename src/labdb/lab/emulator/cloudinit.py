# SPDX-License-Identifier: AGPL-3.0-or-later
"""Cloud-init: the seed that a guest's configuration stands for, and its regeneration.

Source: the Proxmox VE documentation ("Cloud-Init Support") and the output of
``qm cloudinit dump``; the instance-id is the SHA-1 of user-data and network-config
(qemu-server, PVE/QemuServer/Cloudinit.pm), so a change of either is a new instance.
"""

import hashlib
import ipaddress
import re
import urllib.parse
from collections.abc import Sequence
from typing import Any

import yaml

from labdb.lab.emulator.base import QEMU, Pve, Routes, drives_of, split_props
from labdb.lab.seed import Seed

CLOUDINIT_KEY = re.compile(
    r"cicustom|cipassword|citype|ciupgrade|ciuser|nameserver|searchdomain|sshkeys|ipconfig\d+"
)
IN_THE_IMAGE = re.compile(rf"{CLOUDINIT_KEY.pattern}|name|net\d+")


class CloudInit(Pve):
    """PUT and GET cloudinit, and the dump of the three files."""

    def _routes_labcloudinit(self) -> Routes:
        return [
            ("GET", f"{QEMU}/cloudinit", self._cloudinit_values),
            ("PUT", f"{QEMU}/cloudinit", self._cloudinit_regenerate),
            ("GET", f"{QEMU}/cloudinit/dump", self._cloudinit_dump),
        ]

    async def _cloudinit_values(self, v: dict[str, Any], _user: str) -> list[dict[str, Any]]:
        vm = self.find(v["node"], v["vmid"])
        return [_difference(key, vm.image, vm.config) for key in _keys(vm)]

    async def _cloudinit_regenerate(self, v: dict[str, Any], _user: str) -> None:
        self.need_quorum()
        vm = self.find(v["node"], v["vmid"])
        self._check_lock(vm)
        self.take_image(vm)

    async def _cloudinit_dump(self, v: dict[str, Any], _user: str) -> str:
        vm = self.find(v["node"], v["vmid"])
        seed = self.seed_of(vm)
        return {"user": seed.user, "network": seed.network, "meta": seed.meta}[v["type"]]

    def take_image(self, vm: Any) -> None:
        """Write the cloud-init drive: from now on the guest's next boot sees these values."""
        vm.image = {key: vm.config[key] for key in _keys(vm) if key in vm.config}

    def seed_of(self, vm: Any) -> Seed:
        """Return the seed that the configuration of *vm* stands for."""
        return render(
            vm.config,
            nameservers=self.cluster.nameservers,
            searchdomain=self.cluster.searchdomain,
        )

    @staticmethod
    def has_seed(vm: Any) -> bool:
        """Tell whether the guest has a cloud-init drive at all."""
        return any(volume.partition(".")[0].endswith("-cloudinit")
                   for _slot, volume, _props in drives_of(vm.config))  # fmt: skip


def render(config: dict[str, Any], *, nameservers: Sequence[str], searchdomain: str) -> Seed:
    """Return the NoCloud seed of *config*.

    The node's own *nameservers* and *searchdomain* stand in for what is not set.
    """
    servers = str(config.get("nameserver") or " ".join(nameservers)).split()
    domain = str(config.get("searchdomain") or searchdomain)
    user = _user_data(config, domain)
    network = _network(config, servers, domain)
    digest = hashlib.sha1((user + network).encode(), usedforsecurity=False).hexdigest()
    return Seed(user=user, network=network, meta=f"instance-id: {digest}\n")


def _user_data(config: dict[str, Any], domain: str) -> str:
    name = str(config.get("name", "VM"))
    hostname = name.partition(".")[0]
    data: dict[str, Any] = {
        "hostname": hostname,
        "manage_etc_hosts": True,
        "fqdn": name if "." in name else f"{name}.{domain.partition(' ')[0]}",
    }
    if user := config.get("ciuser"):
        data["user"] = str(user)
        if user == "root":
            data["disable_root"] = False
    if password := config.get("cipassword"):
        data["password"] = str(password)
    keys = urllib.parse.unquote(str(config.get("sshkeys", ""))).splitlines()
    if keys := [key.strip() for key in keys if key.strip()]:
        data["ssh_authorized_keys"] = keys
    data["chpasswd"] = {"expire": False}
    data["users"] = ["default"]
    if config.get("ciupgrade", 1):
        data["package_upgrade"] = True
    return "#cloud-config\n" + yaml.safe_dump(data, sort_keys=False, width=10_000)


def _network(config: dict[str, Any], servers: list[str], domain: str) -> str:
    cards = sorted((k for k in config if re.fullmatch(r"net\d+", k)), key=lambda k: int(k[3:]))
    entries: list[dict[str, Any]] = []
    for card in cards:
        number = card[3:]
        entry: dict[str, Any] = {
            "type": "physical",
            "name": f"eth{number}",
            "mac_address": mac_of(str(config[card])).lower(),
        }
        address = split_props(str(config.get(f"ipconfig{number}", "")))[1]
        if subnets := _subnets(address):
            entry["subnets"] = subnets
        entries.append(entry)
    entries.append({"type": "nameserver", "address": servers, "search": domain.split()})
    return str(yaml.safe_dump({"version": 1, "config": entries}, sort_keys=False))


def _subnets(address: dict[str, str]) -> list[dict[str, str]]:
    subnets = []
    if (ip := address.get("ip")) == "dhcp":
        subnets.append({"type": "dhcp4"})
    elif ip:
        interface = ipaddress.ip_interface(ip)
        subnet = {"type": "static", "address": str(interface.ip), "netmask": str(interface.netmask)}
        if gateway := address.get("gw"):
            subnet["gateway"] = gateway
        subnets.append(subnet)
    if (ip6 := address.get("ip6")) in ("dhcp", "auto"):
        subnets.append({"type": "dhcp6" if ip6 == "dhcp" else "ipv6_slaac"})
    elif ip6:
        subnet = {"type": "static6", "address": ip6}
        if gateway := address.get("gw6"):
            subnet["gateway"] = gateway
        subnets.append(subnet)
    return subnets


def mac_of(card: str) -> str:
    """Return the MAC address in the value of a network card, or nothing."""
    found = re.search(r"=((?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2})", card)
    return found.group(1) if found else ""


def _keys(vm: Any) -> list[str]:
    return sorted(key for key in {*vm.config, *vm.image} if IN_THE_IMAGE.fullmatch(key))


def _difference(key: str, image: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    def shown(value: Any) -> str:
        return "**********" if key == "cipassword" else str(value)

    item: dict[str, Any] = {"key": key}
    if key in image:
        item["value"] = shown(image[key])
    if key not in config:
        item["delete"] = 1
    elif str(image.get(key)) != str(config[key]):
        item["pending"] = shown(config[key])
    return item
