"""A lab of the tests' own: another state directory, another range, other ports.

It stands beside the lab that ``make lab`` made and never touches it.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
RANGE = "198.19"
API_PORT = 18006
SERVER = "proj-pg01"
REPOSITORY_HOST = "proj-bak01"


@dataclass(frozen=True, slots=True)
class Lab:
    """The tests' lab: its inventory, and ``labdb`` run as an operator runs it."""

    inventory: Path
    environment: dict[str, str]

    @property
    def state(self) -> Path:
        return Path(self.environment["LABDB_STATE"])

    @property
    def address(self) -> str:
        return f"{RANGE}.20.8"

    @property
    def declaration(self) -> Path:
        return self.inventory / "host_vars" / SERVER / "server.yml"

    def command(self, *arguments: str) -> list[str]:
        return [str(Path(sys.executable).parent / "labdb"), *arguments]

    def labdb(self, *arguments: str, expect: int | None = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.command(*arguments),
            check=False,
            capture_output=True,
            text=True,
            env=self.environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
        )
        if expect is not None:
            assert done.returncode == expect, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done

    def on_repository_host(
        self, verb: str, *arguments: str, expect: int | None = 0
    ) -> subprocess.CompletedProcess[str]:
        wanted = (REPOSITORY_HOST, "-i", str(self.inventory))
        return self.labdb(verb, *wanted, *arguments, expect=expect)

    def on_server(
        self, verb: str, *arguments: str, expect: int | None = 0
    ) -> subprocess.CompletedProcess[str]:
        return self.labdb(verb, SERVER, "-i", str(self.inventory), *arguments, expect=expect)


def _inventory(folder: Path) -> Path:
    shutil.copytree(TOP / "inventories" / "lab", folder, ignore=shutil.ignore_patterns("vault.yml"))
    for path in folder.rglob("*.yml"):
        text = path.read_text(encoding="utf-8")
        text = text.replace("198.18.", f"{RANGE}.").replace("port: 8006", f"port: {API_PORT}")
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("lab")
    environment = os.environ | {
        "LABDB_STATE": str(folder / "state"),
        "LABDB_LAB_NETWORK": RANGE,
        "LABDB_LAB_API_PORT": str(API_PORT),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    lab = Lab(inventory=_inventory(folder / "inventory"), environment=environment)
    lab.labdb("lab", "up")
    try:
        yield lab
    finally:
        lab.labdb("lab", "down")


@pytest.fixture(scope="session")
def first_provision(lab: Lab) -> subprocess.CompletedProcess[str]:
    """What the first provision of the server said; what keeps its backups comes before it."""
    lab.on_repository_host("provision", "--yes")
    return lab.on_server("provision", "--yes")


@pytest.fixture(scope="session")
def provisioned(lab: Lab, first_provision: subprocess.CompletedProcess[str]) -> Lab:
    assert first_provision.returncode == 0
    return lab


ORDER = (
    "test_provision",
    "test_drift_command",
    "test_drift",
    "test_recovery",
    "test_projects",
    "test_repository_host",
    "test_docs_commands",
)
"""The documentation's commands run last: the pages take the server and the lab away."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A server is made, then broken and repaired, then used as the pages tell."""
    items.sort(key=lambda item: ORDER.index(item.path.stem))
