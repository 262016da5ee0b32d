"""Secrets are generated once, encrypted at rest, and opened with the right key only."""

import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from labdb.adapters import inventory, vault
from labdb.adapters.inventory import Declaration
from labdb.errors import DeclarationError, UsageError

LAB = Path(__file__).parents[3] / "inventories" / "lab"


@pytest.fixture
def declaration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Declaration:
    monkeypatch.setenv("LABDB_STATE", str(tmp_path / "state"))
    for name in ("LABDB_VAULT_KEY", "LABDB_VAULT_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "lab"
    shutil.copytree(LAB, folder, ignore=shutil.ignore_patterns("vault.yml"))
    return inventory.load(folder, "proj-pg01")


def test_without_a_key_nothing_is_made(declaration: Declaration) -> None:
    with pytest.raises(DeclarationError, match="labdb secrets init"):
        vault.complete(declaration)
    assert not declaration.server_vault.exists()


def test_secrets_are_made_once_and_stay(declaration: Declaration) -> None:
    vault.make_key(declaration)
    first, made = vault.complete(declaration)
    again, nothing = vault.complete(declaration)
    assert "password of desi_dev" in made
    assert "certificate authority" in made
    assert nothing == ()
    assert first == again == vault.load(declaration)
    assert set(first.passwords) == {role.name for role in declaration.server.access.roles}
    assert len(set(first.passwords.values())) == len(first.passwords)
    assert min(map(len, first.passwords.values())) >= 32


def test_a_new_role_gets_a_password_and_the_others_keep_theirs(declaration: Declaration) -> None:
    vault.make_key(declaration)
    first, _ = vault.complete(declaration)
    path = declaration.inventory / "host_vars" / "proj-pg01" / "server.yml"
    text = path.read_text(encoding="utf-8").replace(
        "    databases:\n", "      - name: newcomer\n        kind: analyst\n    databases:\n", 1
    )
    path.write_text(text, encoding="utf-8")
    wider = inventory.load(declaration.inventory, "proj-pg01")
    assert vault.load(wider) is None
    second, made = vault.complete(wider)
    assert made == ("password of newcomer",)
    assert first.passwords.items() < second.passwords.items()
    assert first.repository_cipher == second.repository_cipher


def test_a_check_writes_nothing(declaration: Declaration) -> None:
    vault.make_key(declaration)
    secrets, made = vault.complete(declaration, write=False)
    assert made
    assert secrets.variables()["labdb_secrets"]["passwords"]
    assert not declaration.server_vault.exists()
    assert not declaration.environment_vault.exists()


def test_the_files_are_encrypted_private_and_open_for_ansible(declaration: Declaration) -> None:
    key_file = vault.make_key(declaration)
    secrets, _ = vault.complete(declaration)
    assert key_file is not None
    for path in (key_file, declaration.server_vault, declaration.environment_vault):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    sealed = declaration.server_vault.read_text(encoding="utf-8")
    assert sealed.startswith("$ANSIBLE_VAULT;1.1;AES256\n")
    assert secrets.passwords["desi_dev"] not in sealed
    shown = subprocess.run(
        [
            Path(sys.executable).parent / "ansible-vault", "view",
            "--vault-password-file", key_file, declaration.server_vault,
        ],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert yaml.safe_load(shown)["labdb_secrets"]["passwords"] == dict(secrets.passwords)


def test_a_wrong_key_is_told_and_changes_nothing(
    declaration: Declaration, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_file = vault.make_key(declaration)
    vault.complete(declaration)
    before = declaration.server_vault.read_bytes()
    assert key_file is not None
    key_file.unlink()
    monkeypatch.setenv("LABDB_VAULT_KEY", "another")
    with pytest.raises(DeclarationError, match="cannot be decrypted"):
        vault.complete(declaration)
    assert declaration.server_vault.read_bytes() == before


def test_a_vault_file_in_the_clear_is_refused(declaration: Declaration) -> None:
    vault.make_key(declaration)
    declaration.server_vault.write_text("labdb_secrets: {}\n", encoding="utf-8")
    with pytest.raises(DeclarationError, match="is not encrypted"):
        vault.load(declaration)


def test_the_key_may_come_from_the_environment(
    declaration: Declaration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABDB_VAULT_KEY", "from-the-pipeline")
    assert vault.key(declaration) == "from-the-pipeline"


def test_one_password_is_shown_on_request_and_an_unknown_role_is_told(
    declaration: Declaration,
) -> None:
    vault.make_key(declaration)
    secrets, _ = vault.complete(declaration)
    assert vault.password(declaration, "desi_dev") == secrets.passwords["desi_dev"]
    with pytest.raises(UsageError, match="declared roles: clusteradmin_pg01"):
        vault.password(declaration, "nobody")


def _write(declaration: Declaration, **secrets: Any) -> None:
    """Write more into the server's vault file, as ansible-vault edit would."""
    held = vault._open(declaration, declaration.server_vault, "labdb_secrets")
    vault._save(declaration, declaration.server_vault, {"labdb_secrets": held | secrets})


STORE = "s3.example.org/backups"
KEY = {"key": "AKIAEXAMPLE", "key_secret": "wJalrXUtnFEMI"}


def test_the_key_of_a_bucket_is_kept_when_others_are_made_and_goes_to_ansible(
    declaration: Declaration,
) -> None:
    vault.make_key(declaration)
    vault.complete(declaration)
    _write(declaration, s3_keys={STORE: KEY}, passwords={})
    made, names = vault.complete(declaration)
    assert "password of desi_dev" in names
    assert made == vault.load(declaration)
    assert vault.s3_keys(declaration) == made.s3_keys == {STORE: vault.S3Key(**KEY)}
    assert made.variables()["labdb_secrets"]["s3_keys"] == {STORE: KEY}
    assert KEY["key_secret"] not in repr(made) + repr(made.s3_keys)


@pytest.mark.parametrize(
    "held", [[KEY], {STORE: KEY["key"]}, {STORE: {"key": "a"}}, {STORE: KEY | {"key": 1}},
             {STORE: KEY | {"key_secret": ""}}, {STORE: KEY | {"token": "a"}}],
)  # fmt: skip
def test_what_is_no_key_of_a_bucket_is_refused_and_not_shown(
    declaration: Declaration, held: Any
) -> None:
    vault.make_key(declaration)
    vault.complete(declaration)
    _write(declaration, s3_keys=held)
    with pytest.raises(DeclarationError, match="holds s3_keys that are none") as caught:
        vault.complete(declaration)
    assert KEY["key_secret"] not in f"{caught.value} {caught.value.why}"


def test_secrets_do_not_show_in_a_repr(declaration: Declaration) -> None:
    vault.make_key(declaration)
    secrets, _ = vault.complete(declaration)
    shown = repr(secrets)
    hidden = [*secrets.passwords.values(), secrets.repository_cipher, secrets.authority.private_key]
    assert [secret for secret in hidden if secret in shown] == []


def test_the_authority_may_sign_servers_and_nothing_below(declaration: Declaration) -> None:
    vault.make_key(declaration)
    authority = vault.complete(declaration)[0].authority
    certificate = x509.load_pem_x509_certificate(authority.certificate.encode())
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)
    key = serialization.load_pem_private_key(authority.private_key.encode(), password=None)
    assert key.public_key() == certificate.public_key()
