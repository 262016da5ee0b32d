"""Secrets: generated once, kept in Ansible Vault files, never shown unless asked for.

``host_vars/<server>/vault.yml`` holds ``labdb_secrets``, ``group_vars/all/vault.yml`` holds
``labdb_authority``; Ansible reads the same files with the same key.
"""

import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from labdb.adapters import content
from labdb.adapters.inventory import Declaration, MachineDeclaration
from labdb.domain.everybody import all_roles
from labdb.errors import DeclarationError, UsageError
from labdb.paths import expand

PASSWORD_BYTES = 24
"""192 random bits: 32 characters, out of reach of any guess against a SCRAM verifier."""

HEAD = "# Made by labdb and encrypted by Ansible Vault.\n"


@dataclass(frozen=True, slots=True)
class Authority:
    """The environment's certificate authority, both in PEM."""

    certificate: str
    private_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class S3Key:
    """What opens a bucket; whoever keeps the bucket gives it."""

    key: str = field(repr=False)
    key_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Secrets:
    """Everything secret about one server; *s3_keys* by endpoint and bucket."""

    passwords: Mapping[str, str] = field(repr=False)
    repository_cipher: str = field(repr=False)
    authority: Authority
    s3_keys: Mapping[str, S3Key] = field(default_factory=dict, repr=False)

    def variables(self) -> dict[str, Any]:
        """Return what the vault files would give to Ansible."""
        return {
            "labdb_secrets": {
                "passwords": dict(self.passwords),
                "repository_cipher": self.repository_cipher,
                "s3_keys": {store: asdict(key) for store, key in self.s3_keys.items()},
            },
            "labdb_authority": {
                "certificate": self.authority.certificate,
                "private_key": self.authority.private_key,
            },
        }


def key_file(declaration: MachineDeclaration) -> Path | None:
    """Return the file that holds the vault key, whether it exists or not."""
    declared = declaration.environment.vault_key_file
    if declared:
        return expand(declared, relative_to=declaration.inventory)
    named = os.environ.get("LABDB_VAULT_KEY_FILE")
    return Path(named) if named else None


def key(declaration: MachineDeclaration) -> str:
    """Return the vault key, from its file or from ``LABDB_VAULT_KEY``.

    Raises:
        DeclarationError: there is none.
    """
    path = key_file(declaration)
    if path is not None and path.is_file():
        if text := path.read_text(encoding="utf-8").strip():
            return text
        raise DeclarationError(
            f"the vault key file {path} is empty",
            hint="put the key back into it; a new one would not open the vault files that exist",
        )
    if text := os.environ.get("LABDB_VAULT_KEY", "").strip():
        return text
    raise DeclarationError(
        f"there is no vault key for {declaration.environment.name}",
        why=f"{path} does not exist" if path else "neither vault_key_file nor LABDB_VAULT_KEY",
        hint="make one with: labdb secrets init, or set LABDB_VAULT_KEY_FILE or LABDB_VAULT_KEY",
    )


def make_key(declaration: Declaration) -> Path | None:
    """Make the vault key file when it is missing; return it when it was made.

    Raises:
        DeclarationError: no file is named where the key could go.
    """
    path = key_file(declaration)
    if path is None:
        if os.environ.get("LABDB_VAULT_KEY"):
            return None
        raise DeclarationError(
            "no file is named for the vault key",
            hint="set vault_key_file in environment.yml, or LABDB_VAULT_KEY_FILE",
        )
    if path.exists():
        return None
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write(path, secrets.token_urlsafe(48) + "\n")
    return path


def load(declaration: Declaration) -> Secrets | None:
    """Return the secrets as the vault files hold them; None while any is missing.

    Raises:
        DeclarationError: no key, a wrong key, or a file of another shape.
    """
    own = _open(declaration, declaration.server_vault, "labdb_secrets")
    shared = _open(declaration, declaration.environment_vault, "labdb_authority")
    missing = role_names(declaration) - set(own.get("passwords", {}))
    if missing or "repository_cipher" not in own or "private_key" not in shared:
        return None
    return Secrets(
        own["passwords"], own["repository_cipher"], Authority(**shared), _s3_keys(declaration, own)
    )


def complete(declaration: Declaration, *, write: bool = True) -> tuple[Secrets, tuple[str, ...]]:
    """Return the secrets, generating what is missing, and the names of what was generated.

    The key of a bucket cannot be generated. With *write* false nothing is kept: such secrets
    serve a check.

    Raises:
        DeclarationError: no key, a wrong key, or a file of another shape.
    """
    own = _open(declaration, declaration.server_vault, "labdb_secrets")
    shared = _open(declaration, declaration.environment_vault, "labdb_authority")
    keys = _s3_keys(declaration, own)
    made: list[str] = []
    passwords = dict(own.get("passwords", {}))
    for name in sorted(role_names(declaration) - set(passwords)):
        passwords[name] = secrets.token_urlsafe(PASSWORD_BYTES)
        made.append(f"password of {name}")
    cipher = own.get("repository_cipher")
    if not cipher:
        cipher = secrets.token_urlsafe(48)
        made.append("backup repository cipher")
    if made and write:
        complete_ = {**own, "passwords": passwords, "repository_cipher": cipher}
        _save(declaration, declaration.server_vault, {"labdb_secrets": complete_})
    if "private_key" not in shared:
        from labdb.adapters.authority import new_authority  # noqa: PLC0415 - first run only

        certificate, private_key = new_authority(declaration.environment.name)
        shared = {"certificate": certificate, "private_key": private_key}
        made.append("certificate authority")
        if write:
            _save(declaration, declaration.environment_vault, {"labdb_authority": shared})
    return Secrets(passwords, cipher, Authority(**shared), keys), tuple(made)


def s3_keys(declaration: Declaration) -> Mapping[str, S3Key]:
    """Return the keys of buckets that the server's vault file holds, by endpoint and bucket.

    Raises:
        DeclarationError: no vault key, a wrong one, or something that is no key of a bucket.
    """
    return _s3_keys(declaration, _open(declaration, declaration.server_vault, "labdb_secrets"))


def _s3_keys(declaration: Declaration, own: Mapping[str, Any]) -> dict[str, S3Key]:
    held = own.get("s3_keys", {})
    if not isinstance(held, dict) or not all(map(_is_s3_key, held.values())):
        raise DeclarationError(
            f"{declaration.server_vault} holds s3_keys that are none",
            why="each is a mapping of key and key_secret, two texts, named after its bucket",
            hint="ansible-vault edit opens it; what looks like a number needs quotes",
        )
    return {store: S3Key(**parts) for store, parts in held.items()}


def _is_s3_key(parts: Any) -> bool:
    return (
        isinstance(parts, dict)
        and parts.keys() == {"key", "key_secret"}
        and all(isinstance(part, str) and part for part in parts.values())
    )


def role_names(declaration: Declaration) -> set[str]:
    """Return the names of the database roles that log in with a password."""
    return {role.name for role in all_roles(declaration.server)}


def password(declaration: Declaration, role: str) -> str:
    """Return the password of *role*.

    Raises:
        UsageError: the role is not declared, or has no password yet.
    """
    own = _open(declaration, declaration.server_vault, "labdb_secrets")
    found = own.get("passwords", {}).get(role)
    if found is None:
        names: Iterable[str] = sorted(role_names(declaration))
        raise UsageError(
            f"there is no password of {role!r} on {declaration.server.name}",
            why=f"declared roles: {', '.join(names)}",
            hint="passwords are made by: labdb provision, or labdb secrets init",
        )
    return str(found)


def _open(declaration: Declaration, path: Path, variable: str) -> dict[str, Any]:
    if not path.is_file():
        return {}
    text = path.read_bytes()
    if text.startswith(b"$ANSIBLE_VAULT;"):
        text = _decrypt(text, key(declaration), path)
    else:
        raise DeclarationError(
            f"{path} is not encrypted",
            why="secrets stand in an Ansible Vault file or nowhere",
            hint=f"ansible-vault encrypt {path}; and change what was readable",
        )
    document = yaml.safe_load(text)
    inner = document.get(variable) if isinstance(document, dict) else None
    if not isinstance(inner, dict):
        raise DeclarationError(
            f"{path} does not hold {variable}",
            why="it was changed by hand, or is another vault file",
            hint="take it back from git; the server works with the secrets that it held",
        )
    return inner


def _save(declaration: Declaration, path: Path, document: Mapping[str, Any]) -> None:
    text = HEAD + yaml.safe_dump(dict(document), sort_keys=True, default_flow_style=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, _encrypt(text, key(declaration)))


def _write(path: Path, text: str) -> None:
    """Write *text* readable for its owner only, whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    partial.replace(path)


def _vault(secret: str) -> Any:
    # Ansible reads its configuration on import; the operator's own must not count.
    os.environ.setdefault("ANSIBLE_CONFIG", content.ansible_environment()["ANSIBLE_CONFIG"])
    from ansible.parsing.vault import VaultLib, VaultSecret  # noqa: PLC0415 - slow to import

    return VaultLib([("default", VaultSecret(secret.encode()))])


def _encrypt(text: str, secret: str) -> str:
    sealed: bytes = _vault(secret).encrypt(text)
    return sealed.decode()


def _decrypt(sealed: bytes, secret: str, path: Path) -> bytes:
    vault = _vault(secret)
    from ansible.errors import AnsibleError  # noqa: PLC0415 - after the configuration is set

    try:
        opened: bytes = vault.decrypt(sealed)
    except AnsibleError as error:
        raise DeclarationError(
            f"{path} cannot be decrypted",
            why="the vault key is not the one it was encrypted with",
            hint="check vault_key_file, LABDB_VAULT_KEY_FILE and LABDB_VAULT_KEY",
        ) from error
    return opened
