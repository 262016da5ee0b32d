"""A certificate serves, or the reason why it does not is one sentence."""

import ipaddress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from labdb.adapters.authority import new_authority
from labdb.adapters.certificate import Issue, issue_fault, pair_fault, public_key

NOW = datetime.now(tz=UTC)
KEY = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP384R1())
CA = new_authority("lab")
WANTED = Issue(CA[0], ("DNS:pg.example.org", "IP:198.18.20.8"), timedelta(days=30))
USAGE = (
    x509.KeyUsage(True, False, False, False, False, False, False, False, False),
    x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
)


def _private(key: Any) -> str:
    text: bytes = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return text.decode()


def _public(key: Any = KEY) -> str:
    return public_key(_private(key))


def _certificate(
    *,
    key: Any = KEY,
    authority: tuple[str, str] = CA,
    name: str = "pg.example.org",
    address: str = "198.18.20.8",
    begins: timedelta = timedelta(hours=-1),
    lasts: timedelta = timedelta(days=397),
    usage: tuple[Any, ...] = USAGE,
) -> str:
    signer = serialization.load_pem_private_key(authority[1].encode(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.load_pem_x509_certificate(authority[0].encode()).subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + begins)
        .not_valid_after(NOW + lasts)
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address(address))]
            ),
            critical=False,
        )
    )
    for extension in usage:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def test_an_issued_certificate_serves() -> None:
    assert issue_fault(_certificate(), _public(), WANTED, NOW) == ""


@pytest.mark.parametrize(
    ("certificate", "fault"),
    [
        ("", "there is no certificate"),
        ("nonsense", "cannot be read"),
        (_certificate(lasts=timedelta(days=29)), "it ends on"),
        (_certificate(lasts=timedelta(minutes=-1)), "not valid now"),
        (_certificate(begins=timedelta(hours=1)), "not valid now"),
        (_certificate(name="other.example.org"), "other names"),
        (_certificate(address="198.18.20.9"), "other names"),
        (_certificate(authority=new_authority("lab")), "another authority"),
        (_certificate(authority=new_authority("elsewhere")), "another authority"),
        (_certificate(key=OTHER), "not the certificate of the key"),
        (_certificate(usage=()), "another use"),
        (_certificate(usage=USAGE[:1]), "another use"),
    ],
)
def test_a_certificate_that_has_to_be_issued_again_says_why(certificate: str, fault: str) -> None:
    assert fault in issue_fault(certificate, _public(), WANTED, NOW)


def test_a_further_name_makes_another_certificate() -> None:
    more = Issue(CA[0], (*WANTED.names, "DNS:archive.example.org"), WANTED.remain)
    assert "other names" in issue_fault(_certificate(), _public(), more, NOW)


def test_the_order_of_names_and_the_spelling_of_an_address_say_nothing() -> None:
    names = ("DNS:pg.example.org", "IP:2001:db8:0::1")
    certificate = _certificate(address="2001:db8::1")
    assert issue_fault(certificate, _public(), Issue(CA[0], names, WANTED.remain), NOW) == ""


@pytest.mark.parametrize("key", [OTHER, rsa.generate_private_key(65537, 2048)])
def test_a_key_of_another_kind_is_for_people_to_look_at(key: Any) -> None:
    fault = issue_fault(_certificate(key=key), _public(key), WANTED, NOW)
    assert "another kind" in fault


def test_a_lost_key_needs_a_new_certificate() -> None:
    assert issue_fault(_certificate(), "", WANTED, NOW) != ""


def test_a_given_pair_serves_whoever_signed_it() -> None:
    certificate = _certificate(authority=new_authority("public"), name="any.example.org")
    assert pair_fault(certificate, _public(), NOW) == ""
    assert "not the certificate of the key" in pair_fault(certificate, _public(OTHER), NOW)


def test_a_key_that_cannot_be_read_has_no_public_half() -> None:
    locked = KEY.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"passphrase"),
    )
    assert public_key(locked.decode()) == ""
    assert public_key("nonsense") == ""
