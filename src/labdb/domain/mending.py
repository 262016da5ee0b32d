"""Which roles of the playbook mend a drift, and what they must be told beyond the declaration."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labdb.domain.parameter_drift import Parameters
from labdb.facts import StoredSetting
from labdb.report import Difference

GUEST = "proxmox_guest"
CONFIGURATION = "postgresql_config"
ACCESS = "postgresql_access"
ROLES = {
    "parameter": CONFIGURATION,
    "file": CONFIGURATION,
    "client": CONFIGURATION,
    "role": ACCESS,
    "database": ACCESS,
    "every": ACCESS,
}
"""Role by the first word of a difference's subject; all others are the guest's."""


@dataclass(frozen=True, slots=True)
class Mending:
    """The *roles* to run, and *variables* for them: what was set by hand and is to go.

    The lists name what was shown to the operator, and nothing else is taken back.
    """

    roles: tuple[str, ...] = (GUEST,)
    variables: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_inside(self) -> bool:
        """Tell whether anything is to be done inside the guest."""
        return self.roles != (GUEST,)


def mending(
    differences: Iterable[Difference],
    parameters: Parameters | None,
    beyond: Sequence[StoredSetting],
) -> Mending:
    """Return what mends *differences*; the guest comes first, it knows how to be reached."""
    found = {ROLES.get(row.subject.partition(" ")[0], GUEST) for row in differences}
    roles = tuple(role for role in (GUEST, CONFIGURATION, ACCESS) if role in found | {GUEST})
    variables: dict[str, Any] = {}
    if parameters is not None:
        variables[f"{CONFIGURATION}_reset"] = list(parameters.leftovers)
        variables[f"{CONFIGURATION}_set_aside"] = [
            {"file": item.file, "parameter": item.name} for item in parameters.elsewhere
        ]
    variables[f"{ACCESS}_reset"] = [
        {"role": item.role or "", "database": item.database or "", "parameter": item.name}
        for item in beyond
    ]
    return Mending(roles, {name: value for name, value in variables.items() if value})
