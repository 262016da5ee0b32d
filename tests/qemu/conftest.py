"""The declared server as a virtual machine, from its first boot to its second.

Nobody gets it unasked: it takes a quarter of an hour. What happens is logged while it
happens (``--log-cli-level=INFO``).
"""

import logging
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import testinfra
import yaml
from tests.qemu import declared, disk, runs
from tests.qemu.machine import PROGRAM, Machine
from tests.qemu.runs import Ran

from labdb.adapters import inventory, shell, vault
from labdb.adapters.inventory import Declaration
from labdb.lab import keys, mirror
from labdb.lab.settings import LabSettings
from labdb.operations.connection import write_authority

HERE = Path(__file__).parent
VARIABLE = "LABDB_E2E_QEMU"
SERVER = "proj-pg01"
LEAST_MEMORY = 4 << 30
LEFT_TO_THE_HOST = 1 << 30
BOOT_SECONDS = 600.0
HOST_KEY = "/etc/ssh/ssh_host_ed25519_key.pub"
BOOT_ID = "/proc/sys/kernel/random/boot_id"
log = logging.getLogger(__name__)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, and say why, what nobody asked for."""
    asked = os.environ.get(VARIABLE) == "1"
    for item in items:
        if HERE in item.path.parents and not asked:
            item.add_marker(pytest.mark.skip(f"a quarter of an hour: {VARIABLE}=1 asks for it"))


@pytest.fixture(scope="session")
def declaration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Declaration]:
    """The lab's server as declared, in a copy of its inventory, with secrets of its own."""
    if shutil.which(PROGRAM) is None:
        pytest.fail(f"{PROGRAM} is not installed: {VARIABLE}=1 make venv installs it")
    state = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABDB_STATE", str(state))
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            patch.delenv(name, raising=False)
        keys.ensure(LabSettings.load())
        ours = shutil.ignore_patterns("vault.yml")
        shutil.copytree(HERE.parents[1] / "inventories/lab", state / "inventory", ignore=ours)
        _with_one_machine(state / "inventory" / "host_vars" / SERVER / "server.yml")
        found = inventory.load(state / "inventory", SERVER)
        secret, _ = vault.complete(found, write=True)
        write_authority(found.environment.name, secret.authority.certificate)
        yield found


def _with_one_machine(declared: Path) -> None:
    """Take the repository off the host out of a declaration: one machine is emulated, no more."""
    text = declared.read_text(encoding="utf-8")
    text = re.sub(r"    repositories:\n(?:      .*\n)+", "", text)
    declared.write_text(text, encoding="utf-8")


@pytest.fixture(scope="session")
def machine(
    declaration: Declaration, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    """The machine, switched on; SSH and Ansible know where it is and who it is."""
    folder = tmp_path_factory.mktemp("machine")
    guest = declared.ask_hypervisor(declaration, folder)
    mirror.ensure()
    gateway = declaration.server.postgresql.repository.url.removesuffix(f"/{mirror.URL_PATH}")
    made = Machine(
        declaration.server,
        guest,
        disk.ensure(gateway),
        mirror.document_root(),
        _memory(declaration.server.guest.memory),
        folder,
    )
    with made.running():
        key = made.wait(
            "host key by the agent", lambda: made.read_file(HOST_KEY) or None, seconds=BOOT_SECONDS
        )
        _introduce(declaration, made, key)
        yield made


def _memory(wanted: int) -> int:
    """Return the declared memory, or what the host can spare of it."""
    facts = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    spare = int(facts["MemAvailable"].split()[0]) * 1024 - LEFT_TO_THE_HOST
    if spare < LEAST_MEMORY:
        pytest.skip(f"{LEAST_MEMORY >> 20} MB of memory are needed, {spare >> 20} MB are free")
    if spare < wanted:
        log.warning("the machine gets %d MB of the declared %d MB", spare >> 20, wanted >> 20)
    return min(wanted, spare)


def _introduce(declaration: Declaration, machine: Machine, key: str) -> None:
    """Write down what differs from a server at its declared address."""
    kind, body = key.split()[:2]
    known_hosts = shell.known_hosts_file(declaration.environment.name)
    known_hosts.write_text(f"[127.0.0.1]:{machine.ssh_port} {kind} {body}\n")
    place = {
        "ansible_host": "127.0.0.1",
        "ansible_port": machine.ssh_port,
        # An emulated processor takes its time to start an interpreter.
        "ansible_timeout": 120,
    }
    variables = declaration.inventory / "host_vars" / SERVER / "machine.yml"
    variables.write_text(yaml.safe_dump(place))


@pytest.fixture(scope="session")
def host(
    declaration: Declaration, machine: Machine, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """The machine as testinfra sees it, as root; every unit has been started."""
    guest = shell.guest_of(declaration)
    folder = tmp_path_factory.mktemp("ssh")
    lines = [
        "Host *",
        "  BatchMode yes",
        "  StrictHostKeyChecking yes",
        "  HostKeyAlgorithms ssh-ed25519",
        f"  UserKnownHostsFile {guest.known_hosts}",
        f"  IdentityFile {guest.identity}",
        "  IdentitiesOnly yes",
        "  LogLevel ERROR",
        "  ControlMaster auto",
        f"  ControlPath {folder}/%C",
        "  ControlPersist 60",
        "  ServerAliveInterval 5",
    ]
    config = folder / "config"
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = testinfra.get_host(
        f"ssh://{guest.user}@127.0.0.1:{machine.ssh_port}", ssh_config=str(config), sudo=True
    )
    _settle(machine, found)
    return found


def _settle(machine: Machine, host: Any) -> None:
    def state() -> str | None:
        found: str = host.run("systemctl is-system-running").stdout.strip()
        return found if found in ("running", "degraded") else None

    machine.wait("every unit was started", state, seconds=BOOT_SECONDS)


@pytest.fixture(scope="session")
def provisioned(declaration: Declaration, host: Any) -> Ran:
    """The first run."""
    return runs.play(declaration)


@pytest.fixture(scope="session")
def wanted_huge_pages(provisioned: Ran, host: Any) -> int:
    """As many as PostgreSQL could use; the declared server is too small to be given any."""
    asked = "runuser -u postgres -- psql -XAtqc 'show shared_memory_size_in_huge_pages'"
    return int(host.check_output(asked))


@pytest.fixture(scope="session")
def huge_pages(declaration: Declaration, wanted_huge_pages: int) -> Ran:
    """The second run; huge pages are all that is new."""
    return runs.play(declaration, operating_system_hugepages=wanted_huge_pages)


@pytest.fixture(scope="session")
def rebooted(huge_pages: Ran, machine: Machine, host: Any) -> Any:
    """The machine after a reboot; PostgreSQL had been given something to keep."""
    sql = "create table kept as select 42 as answer"
    host.check_output("runuser -u postgres -- psql -XAtqc %s", sql)
    before = machine.read_file(BOOT_ID)
    host.check_output("systemd-run --quiet --on-active=1s systemctl reboot")
    machine.wait(
        "another boot",
        lambda: machine.read_file(BOOT_ID) != before or None,
        seconds=BOOT_SECONDS,
    )
    _settle(machine, host)
    return host
