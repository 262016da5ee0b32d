"""The runbook names what is declared, and no command that is not there."""

from pathlib import Path

from labdb.adapters.inventory import load
from labdb.domain.runbook import runbook

INVENTORIES = Path(__file__).parents[3] / "inventories"


def _of(name: str) -> str:
    declared = load(INVENTORIES / name, "proj-pg01")
    return runbook(declared.server, declared.repository_hosts, f"inventories/{name}")


def test_a_server_with_a_repository_off_it_comes_back_with_one_command() -> None:
    text = _of("lab")
    assert "labdb provision proj-pg01 -i inventories/lab --recover-from repo2 --yes" in text
    assert "| proj-bak01 | 2005 | node05 | 198.18.20.12 |" in text
    assert "## proj-bak01 is lost" in text
    assert "inventories/lab/host_vars/proj-pg01/vault.yml" in text


def test_without_one_the_runbook_says_what_is_left() -> None:
    text = _of("production")
    assert "--recover-from" not in text
    assert "qmrestore" in text
    assert "is lost\n" in text
