"""PostgreSQL as it is installed: no parameter is written, the defaults of the major hold."""

from collections.abc import Mapping

from labdb.domain.tuning.inputs import Load, Machine


def stock(machine: Machine, load: Load, major: int) -> Mapping[str, str]:
    """Return nothing: whatever the machine and the load, the catalogue's defaults hold."""
    del machine, load, major
    return {}
