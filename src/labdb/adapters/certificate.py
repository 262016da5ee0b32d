"""Whether a server's certificate serves, told with cryptography; all texts are PEM."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@dataclass(frozen=True, slots=True)
class Issue:
    """What an own authority issues: its certificate, the server's names, the days that remain.

    *names* are ``DNS:`` and ``IP:`` names, of which the first is the common name too.
    """

    authority: str
    names: tuple[str, ...]
    remain: timedelta


def public_key(private: str) -> str:
    """Return the public half of a *private* key; empty when it cannot be read."""
    try:
        key = serialization.load_pem_private_key(private.encode(), password=None)
    except (TypeError, ValueError):
        return ""
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def pair_fault(certificate: str, key: str, now: datetime) -> str:
    """Return why *certificate* does not serve with the public *key*; empty when it does.

    >>> pair_fault("", "", datetime.now())
    'there is no certificate'
    """
    if not certificate.strip():
        return "there is no certificate"
    try:
        found = x509.load_pem_x509_certificate(certificate.encode())
        of_key = serialization.load_pem_public_key(key.encode())
    except ValueError:
        return "certificate or key cannot be read"
    if found.public_key() != of_key:
        return "it is not the certificate of the key"
    if not found.not_valid_before_utc <= now <= found.not_valid_after_utc:
        return "it is not valid now"
    return ""


def issue_fault(certificate: str, key: str, wanted: Issue, now: datetime) -> str:
    """Return why a *certificate* has to be issued for the public *key*; empty when it serves."""
    return pair_fault(certificate, key, now) or next(
        _faults(x509.load_pem_x509_certificate(certificate.encode()), wanted, now), ""
    )


def _faults(found: x509.Certificate, wanted: Issue, now: datetime) -> Iterator[str]:
    key = found.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != ec.SECP256R1.name:
        yield "its key is of another kind"
    try:
        found.verify_directly_issued_by(x509.load_pem_x509_certificate(wanted.authority.encode()))
    except (InvalidSignature, TypeError, ValueError):
        yield "another authority signed it"
    common = x509.NameAttribute(NameOID.COMMON_NAME, wanted.names[0].partition(":")[2])
    if found.subject != x509.Name([common]) or _names(found) != set(map(_name, wanted.names)):
        yield "it carries other names"
    if not _is_a_servers(found):
        yield "it is made for another use"
    if found.not_valid_after_utc < now + wanted.remain:
        yield f"it ends on {found.not_valid_after_utc:%Y-%m-%d}"


def _name(text: str) -> str:
    kind, _, value = text.partition(":")
    return f"IP:{ipaddress.ip_address(value)}" if kind == "IP" else text


def _names(certificate: x509.Certificate) -> set[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    dns = {f"DNS:{name}" for name in found.get_values_for_type(x509.DNSName)}
    return dns | {f"IP:{address}" for address in found.get_values_for_type(x509.IPAddress)}


def _is_a_servers(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        use = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return usage.digital_signature and list(use) == [ExtendedKeyUsageOID.SERVER_AUTH]
