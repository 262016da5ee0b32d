"""A declared server is tuned by the command exactly as a provision tunes it."""

from pathlib import Path

import pytest

from labdb.adapters import inventory
from labdb.domain.tuning import Inputs
from labdb.operations.tune import inputs_for

TOP = Path(__file__).parents[3]


@pytest.mark.parametrize("environment", ["lab", "production"])
def test_without_flags_the_declaration_is_what_counts(environment: str) -> None:
    declaration = inventory.load(TOP / "inventories" / environment, "proj-pg01")
    assert inputs_for(declaration, {}, []) == Inputs.of(declaration.server)


def test_a_flag_wins_over_the_declaration_and_changes_nothing_else() -> None:
    declaration = inventory.load(TOP / "inventories" / "lab", "proj-pg01")
    declared, asked = Inputs.of(declaration.server), inputs_for(declaration, {"cores": 2}, [])
    assert asked.machine.cores == 2
    assert asked.load == declared.load
    assert asked.machine.memory == declared.machine.memory
