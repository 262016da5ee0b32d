"""The variables of the roles that every machine has, whatever it is for."""

from collections.abc import Mapping, Sequence
from typing import Any

from labdb.domain.access import EVERY_EXPORTER, firewall_rules
from labdb.domain.desired import guest_variables
from labdb.spec import Environment, Machine, Monitoring, Volume

MOUNT_OPTIONS = {"xfs": "noatime", "ext4": "noatime"}


def prefixed(role: str, **values: Any) -> dict[str, Any]:
    """Return *values* as variables of *role*: each role has names of its own."""
    return {f"{role}_{name}": value for name, value in values.items()}


def guest(machine: Machine, environment: Environment) -> dict[str, Any]:
    """Return what makes the guest: role ``proxmox_guest``."""
    api = environment.proxmox.model_dump(mode="json")
    api["probe_addresses"] = environment.probe_addresses
    return guest_variables(machine) | prefixed("proxmox_guest", api=api)


def storage_and_firewall(machine: Machine) -> dict[str, Any]:
    """Return what is mounted and what is let in: ``database_storage``, ``host_firewall``."""
    volumes = [
        {
            "name": name,
            "serial": volume.serial,
            "mount": volume.mount,
            "filesystem": volume.filesystem,
            "options": MOUNT_OPTIONS[volume.filesystem],
            "owner": "root",
            "group": "root",
            "mode": "0755",
        }
        for name, volume in machine.disks
        if isinstance(volume, Volume)
    ]
    return prefixed("database_storage", volumes=volumes) | prefixed(
        "host_firewall", rules=firewall_rules(machine)
    )


def exporters(
    machine: Machine,
    monitoring: Monitoring,
    ports: Mapping[str, int],
    *,
    retired: Sequence[str] = EVERY_EXPORTER,
) -> dict[str, Any]:
    """Return where exporters listen and what Prometheus scrapes.

    Args:
        machine: on which they run.
        monitoring: who reads them.
        ports: the port of each exporter that it has.
        retired: every exporter that it may have had.
    """
    values: dict[str, Any] = {}
    for name, port in ports.items():
        values |= prefixed(f"{name}_exporter", listen_address=machine.address, port=port)
    return values | prefixed(
        "prometheus_targets",
        server=machine.name,
        hostname=machine.fqdn,
        group=monitoring.group,
        targets=[
            {"job": f"{name}-exporter", "address": f"{machine.address}:{port}"}
            for name, port in ports.items()
        ],
        retired=[f"{name}-exporter" for name in retired if name not in ports],
        directory=monitoring.file_sd_directory,
    )
