"""postgresql.conf computed from machine and load: every value with its reason, within a budget."""

from collections.abc import Mapping
from dataclasses import dataclass

from labdb.domain.tuning.budget import MemoryBudget, memory_budget
from labdb.domain.tuning.inputs import Inputs
from labdb.domain.tuning.limits import limit_settings
from labdb.domain.tuning.memory import memory_settings
from labdb.domain.tuning.observation import observation_settings
from labdb.domain.tuning.planner import planner_settings
from labdb.domain.tuning.roles import role_settings
from labdb.domain.tuning.setting import Setting, with_by_hand
from labdb.domain.tuning.vacuum import vacuum_settings
from labdb.domain.tuning.wal import wal_settings
from labdb.spec import RoleKind

__all__ = ["Inputs", "Setting", "Tuning", "tune"]


@dataclass(frozen=True, slots=True)
class Tuning:
    """What :func:`tune` found: settings, settings of each kind of role, memory budget."""

    settings: tuple[Setting, ...]
    role_settings: Mapping[RoleKind, tuple[Setting, ...]]
    budget: MemoryBudget

    @property
    def roles(self) -> Mapping[RoleKind, Mapping[str, str]]:
        """The settings of each kind of role without their reasons: names and values."""
        return {
            kind: {setting.name: setting.value for setting in settings}
            for kind, settings in self.role_settings.items()
        }


def tune(inputs: Inputs) -> Tuning:
    """Compute the parameters for *inputs*; values set by hand stand in place of computed ones.

    Raises:
        DeclarationError: the connections and analysts do not fit the memory, and the risk
            was not accepted.
    """
    budget = memory_budget(inputs)
    computed = (
        *limit_settings(inputs),
        *memory_settings(inputs, budget),
        *planner_settings(inputs, budget),
        *wal_settings(inputs, budget),
        *vacuum_settings(inputs, budget),
        *observation_settings(),
    )
    return Tuning(with_by_hand(computed, inputs.by_hand), role_settings(inputs, budget), budget)
