"""The production server with projects of its own."""

from typing import Any

import yaml
from tests.pages import TOP

from labdb.spec import Environment, Server

INVENTORY = TOP / "inventories/production"


def read(path: str) -> Any:
    return yaml.safe_load((INVENTORY / path).read_text(encoding="utf-8"))


def project(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "networks": ["10.25.20.0/24"],
        "people": [
            {"name": f"{name}_dev", "kind": "owner"},
            {"name": f"{name}_loader", "kind": "loader"},
            {"name": f"{name}_analyst", "kind": "analyst"},
        ],
    } | changes


def mapping(*projects: dict[str, Any], **changes: Any) -> dict[str, Any]:
    server: dict[str, Any] = read("host_vars/proj-pg01/server.yml")["labdb_server"]
    return server | {"projects": list(projects)} | changes


def server(*projects: dict[str, Any], **changes: Any) -> Server:
    return Server.model_validate(mapping(*projects, **changes))


def environment() -> Environment:
    return Environment.model_validate(read("group_vars/all/environment.yml")["labdb_environment"])
