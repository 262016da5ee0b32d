"""The lab's throw-away secrets: the operator's SSH key and the vault key."""

import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from labdb.lab.settings import LabSettings

COMMENT = "labdb-lab"


def ensure(settings: LabSettings) -> None:
    """Make the keys that are missing; those that exist stay."""
    if not settings.ssh_key.exists():
        key = Ed25519PrivateKey.generate()
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        _keep(settings.ssh_key.with_suffix(".pub"), f"{public.decode()} {COMMENT}\n", mode=0o644)
        _keep(settings.ssh_key, secret.decode(), mode=0o600)
    if not settings.vault_key.exists():
        _keep(settings.vault_key, f"{secrets.token_urlsafe(32)}\n", mode=0o600)


def _keep(path: Path, text: str, *, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=mode)
    path.write_text(text)
