import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

TLS = "/etc/postgresql/16/main/tls"
AUTHORITY = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "authority")
SHOWN = (
    "openssl s_client -starttls postgres -connect 127.0.0.1:5432 -verify_return_error"
    f" -verify_hostname %s -CAfile {TLS}/ca.crt -brief < /dev/null"
)


def serial(host):
    return host.check_output(f"openssl x509 -noout -serial -in {TLS}/server.crt")


def test_a_client_that_checks_everything_accepts_the_server(host):
    shown = host.run(SHOWN, "proj-pg01.radioastronomy.io")
    assert shown.rc == 0, shown.stderr
    assert "Verification: OK" in shown.stdout + shown.stderr


def test_the_server_is_no_other(host):
    assert host.run(SHOWN, "proj-pg02.radioastronomy.io").rc != 0


def test_the_private_key_is_the_servers_alone(host):
    key = host.file(f"{TLS}/server.key")
    assert (key.user, key.group, key.mode) == ("postgres", "postgres", 0o600)


def test_the_authoritys_key_never_came_to_the_guest(host):
    secret = (AUTHORITY / "ca.key").read_text().splitlines()[1]
    assert host.run("grep --recursive --fixed-strings %s /etc /root /home /tmp", secret).rc == 1


def test_a_certificate_near_its_end_is_renewed_and_served(host, play_again):
    old, key = serial(host), host.file(f"{TLS}/server.key").sha256sum
    again = play_again(postgresql_tls_renew_days=500, postgresql_tls_valid_days=900)
    assert again.returncode == 0, again.stdout
    assert serial(host) != old
    assert host.file(f"{TLS}/server.key").sha256sum == key
    served = host.check_output(
        "openssl s_client -starttls postgres -connect 127.0.0.1:5432 < /dev/null 2> /dev/null"
        " | openssl x509 -noout -serial"
    )
    assert served == serial(host)


def test_a_further_name_makes_a_new_certificate(host, play_again):
    again = play_again(postgresql_tls_common_name="archive.radioastronomy.io")
    assert again.returncode == 0, again.stdout
    assert host.run(SHOWN, "archive.radioastronomy.io").rc == 0


def test_a_given_certificate_of_another_key_is_refused(host, play_again):
    before = serial(host)
    refused = play_again(
        postgresql_tls_source="given",
        postgresql_tls_given_certificate=AUTHORITY / "ca.crt",
        postgresql_tls_given_key=other_key(),
    )
    assert refused.returncode != 0
    assert "not the certificate of" in refused.stdout
    assert serial(host) == before


def other_key():
    path = AUTHORITY / "other.key"
    path.write_bytes(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path
