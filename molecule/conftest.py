"""What the scenarios' tests share: the role run once more, as an operator would run it."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Play = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def play_again() -> Play:
    """Run the scenario's play again, with options and variables; all it said is in ``stdout``."""

    def run(*options: str, **variables: object) -> "subprocess.CompletedProcess[str]":
        command = ["ansible-playbook", "-i", os.environ["MOLECULE_INVENTORY_FILE"]]
        command += ["-e", json.dumps(variables, default=str)]
        return subprocess.run(
            [
                *command,
                *options,
                str(Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"], "converge.yml")),
            ],
            check=False,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    return run
