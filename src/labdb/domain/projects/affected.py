"""Which roles of the playbook have something to do when a declaration changes."""

from collections.abc import Mapping
from typing import Any

ROLES = (
    "proxmox_guest",
    "operating_system",
    "database_storage",
    "postgresql",
    "postgresql_tls",
    "postgresql_config",
    "pgbackrest_sftp",
    "pgbackrest",
    "sky_functions",
    "postgresql_access",
    "pgbouncer",
    "node_exporter",
    "project_labels",
    "postgres_exporter",
    "pgbackrest_exporter",
    "pgbouncer_exporter",
    "restore_drill",
    "logical_export",
    "host_firewall",
    "prometheus_targets",
)
"""The roles of playbook ``provision``, in their order; each has a tag of its own name."""


def affected(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the roles whose variables differ, in the order in which they run.

    Args:
        before: the role variables of the old declaration.
        after: those of the new one.
    """
    names = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    found = {_role(name) for name in names}
    return tuple(role for role in ROLES if role in found)


def _role(variable: str) -> str:
    """Return the role of *variable*: the longest name that it begins with."""
    return max((role for role in ROLES if variable.startswith(f"{role}_")), key=len, default="")
