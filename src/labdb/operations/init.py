"""Write a first inventory for another lab, complete enough to be planned."""

from collections.abc import Mapping
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from labdb.adapters.inventory import SERVER_FILE
from labdb.domain.mistakes import mistakes
from labdb.errors import RefusedError, UsageError
from labdb.spec import Environment, Server

HEADS = {
    "hosts.yml": "# Every declared server is a host of this group.\n",
    "environment.yml": (
        "# What all servers of this inventory share. The token's secret goes into token_file\n"
        "# or PROXMOX_TOKEN_SECRET, never in here.\n"
    ),
    "server.yml": (
        "# One declared server. Every key is described by: labdb schema\n"
        "# What is not written here has its default. Check above all: the client table, and\n"
        "# the address of the monitoring host.\n"
    ),
}


class _Dumper(yaml.SafeDumper):
    """Indents the items of a list below their key, as people and yamllint like it."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        del indentless
        super().increase_indent(flow, indentless=False)


def scaffold(directory: Path, server: str, given: Mapping[str, Any]) -> tuple[Path, ...]:
    """Write the inventory of one server into *directory* and return the files.

    Files that exist are kept, so a second server can be added to an inventory.

    Raises:
        RefusedError: the server is declared there already.
        UsageError: an option's value cannot be.
    """
    declared, environment = _declared(directory.name, server, given)
    try:
        Server.model_validate(declared)
        Environment.model_validate(environment)
    except ValidationError as error:
        model = Server if error.title == "Server" else Environment
        raise UsageError(
            "such a server cannot be declared",
            why="\n".join(f"{item.key}: {item.what}" for item in mistakes(error, model)),
            hint="see: labdb init --help",
        ) from error
    path = directory / "host_vars" / server / SERVER_FILE
    if path.exists():
        raise RefusedError(f"{path} exists already", hint="edit it, or name another server")
    written = [_write(path, {"labdb_server": declared})]
    shared = directory / "group_vars" / "all" / "environment.yml"
    if not shared.exists():
        written.append(_write(shared, {"labdb_environment": environment}))
    return (*written, _add_host(directory / "hosts.yml", server))


def _declared(
    environment: str, server: str, given: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        address = IPv4Interface(given["address"])
    except ValueError as error:
        raise UsageError(
            f"{given['address']!r} is not an address with prefix", hint="write it like 10.1.2.3/24"
        ) from error
    if address.network.num_addresses == 1:
        raise UsageError(
            f"{given['address']!r} has no prefix", hint=f"write it like {address.ip}/24"
        )
    gateway = given["gateway"] or str(address.network.network_address + 1)
    network: dict[str, Any] = {
        "bridge": given["bridge"],
        "address": str(address),
        "gateway": gateway,
        "nameservers": list(given["nameserver"]) or [gateway],
        "search_domain": given["domain"],
    }
    if given["vlan"] is not None:
        network["vlan"] = given["vlan"]
    subnet = str(address.network)
    storage = given["storage"]
    declared = {
        "name": server,
        "guest": {
            "vmid": given["vmid"],
            "node": given["node"],
            "template": {"vmid": 9000},
            "cpu": {"cores": 4},
            "memory": "8GB",
            "network": network,
            "cloud_init": {"authorized_key_files": ["~/.ssh/id_ed25519.pub"]},
        },
        "storage": {
            "system": {"slot": "scsi0", "storage": storage, "size": "32GB"},
            "data": _volume("scsi1", storage, "100GB", "labdbpgdata", "/mnt/data"),
            "backup": _volume("scsi2", storage, "200GB", "labdbbackup", "/mnt/backup"),
        },
        "postgresql": {"data_directory": f"/mnt/data/{server}"},
        "workload": {"kind": "mixed", "max_connections": 100, "expected_data": "20GB"},
        "access": {
            "operators": [subnet],
            "roles": [
                {"name": "project_owner", "kind": "owner"},
                {"name": "project_loader", "kind": "loader"},
                {"name": "project_analyst", "kind": "analyst"},
            ],
            "databases": [{"name": "project", "owner": "project_owner"}],
            "clients": [
                {
                    "name": "local-network",
                    "network": subnet,
                    "databases": ["project"],
                    "roles": ["project_owner", "project_loader", "project_analyst"],
                }
            ],
        },
        "monitoring": {"prometheus": "monitoring", "address": f"{gateway}/32"},
    }
    shared = {
        "name": environment,
        "proxmox": {
            "host": given["api_host"],
            "token_id": "labdb@pve!provision",
            "token_file": "~/.config/labdb/token",
        },
        "vault_key_file": "~/.config/labdb/vault-key",
    }
    return declared, shared


def _volume(slot: str, storage: str, size: str, serial: str, mount: str) -> dict[str, str]:
    return {"slot": slot, "storage": storage, "size": size, "serial": serial, "mount": mount}


def _add_host(path: Path, server: str) -> Path:
    group: dict[str, Any] = {"labdb_servers": {"hosts": {}}}
    if path.exists():
        group = yaml.safe_load(path.read_text(encoding="utf-8")) or group
    group.setdefault("labdb_servers", {}).setdefault("hosts", {})[server] = None
    return _write(path, group)


def _write(path: Path, document: Mapping[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = yaml.dump(
        dict(document), Dumper=_Dumper, sort_keys=False, default_flow_style=False, width=96
    )
    head = HEADS[path.name]
    path.write_text(f"---\n{head}{text}".replace(": null\n", ":\n"), encoding="utf-8")
    return path
