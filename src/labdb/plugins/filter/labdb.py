"""Ansible face of :mod:`labdb.domain.variables`: the declaration becomes role variables."""

from typing import Any


def labdb_role_variables(
    machine: Any, environment: Any, kind: str = "labdb_server"
) -> dict[str, Any]:
    """Return the variables of every role for the declared *machine* in *environment*.

    Raises:
        AnsibleFilterError: the declaration is wrong; names key, reason and remedy.
    """
    # Ansible loads every filter file anew in the worker of every task: what it imports at its
    # top is paid some 160 times in a run.
    from labdb.plugins.expansion import expand

    return expand(machine, environment, kind)


class FilterModule:
    """Filter ``labdb_role_variables``."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by name."""
        return {"labdb_role_variables": labdb_role_variables}
