"""Ansible face of :mod:`labdb.paths`: where an inventory's files and labdb's own lie."""

from pathlib import Path
from typing import Any

# What the filters need they import when they are called: see labdb.plugins.filter.labdb.


def labdb_path(text: Any, inventory_dir: Any) -> str:
    """Return the path that a declaration means by *text*; empty stays empty."""
    from labdb.paths import expand

    return str(expand(str(text), relative_to=Path(str(inventory_dir)))) if text else ""


def labdb_state(name: Any, environment: Any) -> str:
    """Return the path of labdb's own file *name* for the environment called *environment*."""
    from labdb.paths import state_dir

    return str(state_dir() / str(environment) / str(name))


class FilterModule:
    """Filters ``labdb_path`` and ``labdb_state``."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {"labdb_path": labdb_path, "labdb_state": labdb_state}
