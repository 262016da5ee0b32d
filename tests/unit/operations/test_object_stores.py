"""Whether the buckets can be opened is looked up in the vault, and not claimed without its key."""

import shutil
from pathlib import Path

import pytest
import yaml

from labdb.adapters import inventory, vault
from labdb.adapters.inventory import Declaration
from labdb.cli.app import run
from labdb.operations.object_stores import object_stores

LAB = Path(__file__).parents[3] / "inventories" / "lab"
STORE = "s3.example.org/backups"
BUCKET = {
    "kind": "s3", "endpoint": "s3.example.org", "bucket": "backups", "region": "eu-1",
    "ca_file": "files/ca.crt",
}  # fmt: skip


@pytest.fixture
def declaration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Declaration:
    """The lab's server with a bucket whose authority is given as a file."""
    monkeypatch.setenv("LABDB_STATE", str(tmp_path / "state"))
    for name in ("LABDB_VAULT_KEY", "LABDB_VAULT_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "lab"
    shutil.copytree(LAB, folder, ignore=shutil.ignore_patterns("vault.yml"))
    path = folder / "host_vars" / "proj-pg01" / "server.yml"
    declared = yaml.safe_load(path.read_text(encoding="utf-8"))
    declared["labdb_server"]["backup"]["repositories"] = [BUCKET]
    path.write_text(yaml.safe_dump(declared), encoding="utf-8")
    (folder / "files").mkdir()
    (folder / "files" / "ca.crt").touch()
    return inventory.load(folder, "proj-pg01")


def _give_key(declaration: Declaration) -> None:
    held = vault._open(declaration, declaration.server_vault, "labdb_secrets")
    keys = {STORE: {"key": "AKIAEXAMPLE", "key_secret": "wJalrXUtnFEMI"}}
    vault._save(declaration, declaration.server_vault, {"labdb_secrets": held | {"s3_keys": keys}})


def _found(declaration: Declaration) -> tuple[str, str]:
    (finding,) = object_stores(declaration)
    return finding.severity, finding.what


def test_a_server_without_a_bucket_asks_for_no_vault_key() -> None:
    assert object_stores(inventory.load(LAB, "proj-pg01")) == ()


def test_a_key_that_is_missing_is_told_when_secrets_are_made(
    declaration: Declaration, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _found(declaration) == ("critical", f"the vault holds no key of {STORE}")
    assert run(["secrets", "init", "proj-pg01", "-i", str(declaration.inventory)]) == 0
    said = capsys.readouterr().out
    assert f"missing: the vault holds no key of {STORE}; ansible-vault edit" in said
    assert str(declaration.server_vault) in said


def test_a_key_that_was_given_is_found(
    declaration: Declaration, capsys: pytest.CaptureFixture[str]
) -> None:
    vault.make_key(declaration)
    vault.complete(declaration)
    _give_key(declaration)
    assert _found(declaration) == ("ok", f"the vault holds a key of {STORE}")
    assert run(["secrets", "init", "proj-pg01", "-i", str(declaration.inventory)]) == 0
    assert capsys.readouterr().out == "nothing was missing\n"


def test_an_authority_that_is_not_there_is_told(declaration: Declaration) -> None:
    vault.make_key(declaration)
    vault.complete(declaration)
    _give_key(declaration)
    (declaration.inventory / "files" / "ca.crt").unlink()
    assert _found(declaration) == ("critical", "files/ca.crt does not exist")


def test_whoever_has_no_vault_key_is_told_that_nobody_looked(declaration: Declaration) -> None:
    key = vault.make_key(declaration)
    vault.complete(declaration)
    assert key is not None
    key.unlink()
    (finding,) = object_stores(declaration)
    assert finding.severity == "warning"
    assert "nobody looked" in finding.what
    assert "there is no vault key" in finding.why
