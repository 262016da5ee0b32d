# SPDX-License-Identifier: AGPL-3.0-or-later
"""The emulator's own authority, its server certificate and its token, made once."""

import datetime as dt
import ipaddress
import os
import secrets
import uuid
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

TOKEN_ID = "labdb@pve!lab"  # noqa: S105  # a token's name, not its secret
LIFETIME = dt.timedelta(days=365)
RENEW_BEFORE = dt.timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Where clients find what they need; ``certificate`` and ``key`` are the server's."""

    authority: Path
    token: Path
    certificate: Path
    key: Path

    def secret(self) -> str:
        """Return the token's secret."""
        return self.token.read_text().strip()


def ensure(state: Path) -> Credentials:
    """Return the credentials under *state*/api, made or renewed where needed."""
    folder = state / "api"
    folder.mkdir(parents=True, exist_ok=True)
    made = Credentials(
        folder / "ca.pem", folder / "token", folder / "server.pem", folder / "server-key.pem"
    )
    if not made.token.exists():
        _write(made.token, f"{uuid.UUID(bytes=secrets.token_bytes(16))}\n".encode())
    if not _fresh(made):
        _issue(made)
    return made


def _fresh(made: Credentials) -> bool:
    if not (made.authority.exists() and made.certificate.exists() and made.key.exists()):
        return False
    end = x509.load_pem_x509_certificate(made.certificate.read_bytes()).not_valid_after_utc
    return end - dt.datetime.now(dt.UTC) > RENEW_BEFORE


def _issue(made: Credentials) -> None:
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "labdb embedded lab")])
    server = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    root = (
        _blank(authority, authority, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    names = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    leaf = (
        _blank(server, authority, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(issuer, critical=False)
        .add_extension(names, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(
        encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(made.key, private)
    made.certificate.write_bytes(leaf.public_bytes(encoding))
    made.authority.write_bytes(root.public_bytes(encoding))


def _blank(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(content)
