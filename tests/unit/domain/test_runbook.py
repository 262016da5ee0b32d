"""The runbook names what is declared, and no command that is not there."""

from pathlib import Path

from labdb.adapters.inventory import load
from labdb.domain.runbook import runbook
from labdb.spec import Server

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


def test_a_bucket_is_named_with_what_opens_it_and_what_to_do_without_it() -> None:
    declared = load(INVENTORIES / "lab", "proj-pg01")
    server = declared.server.model_dump(mode="json")
    server["backup"]["repositories"].append(
        {"kind": "s3", "endpoint": "s3.example.org", "bucket": "backups", "region": "eu-1"}
    )
    text = runbook(Server.model_validate(server), declared.repository_hosts, "inventories/lab")
    assert "| 3 | s3.example.org/backups/pgbackrest |" in text
    assert "Where repository 2 is lost too: repo3." in text
    assert "and the keys of the buckets" in text
    assert "## s3.example.org/backups is lost" in text
