"""Every command of the documentation is run, page by page, as a reader would run it."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.e2e.conftest import RANGE, REPOSITORY_HOST, SERVER, TOP, Lab
from tests.pages import Block, blocks, written_pages

pytestmark = pytest.mark.e2e

# These two take the server, then the lab away; they come after all others, in this order.
LAST = ("deprovision.md", "first-server.md")
MINUTES = (
    "change-a-parameter.md",
    "first-server.md",
    "grow-a-disk.md",
    "keep-backups-off-the-host.md",
    "pool-connections.md",
)
"""Their commands change servers for minutes: make test-long runs them."""
BLOCK_SECONDS = 1200


def _runnable() -> list[object]:
    found = [
        page for page in written_pages() if any(block.language == "sh" for block in blocks(page))
    ]
    found.sort(key=lambda page: LAST.index(page.name) if page.name in LAST else -1)
    return [
        pytest.param(page, id=page.stem, marks=[pytest.mark.long] if page.name in MINUTES else [])
        for page in found
    ]


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody with a checkout, a home directory and the tests' lab."""

    checkout: Path
    environment: dict[str, str]

    def run(self, block: Block) -> None:
        text = block.text.replace("198.18.", f"{RANGE}.")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            check=False,
            capture_output=True,
            text=True,
            cwd=self.checkout,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            timeout=BLOCK_SECONDS,
        )
        told = f"{block}\n{text}\n--- stdout\n{done.stdout}\n--- stderr\n{done.stderr}"
        assert done.returncode == block.expected_exit, told


@pytest.fixture
def reader(lab: Lab, tmp_path: Path) -> Reader:
    """A checkout whose lab inventory is that of the tests; what a page changes stays."""
    checkout, home = tmp_path / "labdb", tmp_path / "home"
    checkout.mkdir()
    for part in TOP.iterdir():
        if part.name not in ("inventories", ".git"):
            (checkout / part.name).symlink_to(part)
    (checkout / "inventories").mkdir()
    (checkout / "inventories" / "lab").symlink_to(lab.inventory)
    shutil.copytree(TOP / "inventories" / "production", checkout / "inventories" / "production")
    state = home / ".local" / "state"
    state.mkdir(parents=True)
    (state / "labdb").symlink_to(lab.state)
    return Reader(checkout, lab.environment | {"HOME": str(home)})


@pytest.mark.parametrize("page", _runnable())
def test_the_commands_of_a_page_work_in_order(
    reader: Reader, page: Path, request: pytest.FixtureRequest
) -> None:
    if page.name != LAST[-1]:
        request.getfixturevalue("provisioned")
    for block in blocks(page):
        if block.language == "sh":
            reader.run(block)


def test_make_lab_is_what_the_pages_say() -> None:
    """``make lab`` itself installs packages; here its recipe is read, not run."""
    recipe = subprocess.run(
        ["make", "--dry-run", "lab"],
        check=True,
        capture_output=True,
        text=True,
        cwd=TOP,
        env=dict(os.environ),
    ).stdout
    assert re.search(r"labdb lab up", recipe)
    for machine in (REPOSITORY_HOST, SERVER):
        assert re.search(rf"labdb provision {machine} .*-i inventories/lab", recipe)
