"""No secret can be read by somebody who should not."""

from typing import Any

import pytest

from labdb.adapters import vault
from labdb.adapters.inventory import Declaration

READABLE_BY_ALL = (
    "find /etc /usr/local /opt -xdev -type f -perm -o=r -size -128k -exec grep -hI '' {} +"
)
LOGS = "journalctl --no-pager -q -n 20000; tail -q -c 1000000 /var/log/*.log /var/log/*/*.log"


@pytest.fixture(scope="module")
def secrets(declaration: Declaration) -> list[str]:
    """Return every secret of this server."""
    found = vault.load(declaration)
    assert found is not None, "the vault holds no secrets yet"
    # A bucket's key without its secret opens nothing, and may be a word that stands anywhere.
    buckets = [key.key_secret for key in found.s3_keys.values()]
    return [*found.passwords.values(), found.repository_cipher, *buckets]


def _holds_none(text: str, secrets: list[str]) -> bool:
    assert text.strip(), "nothing was read"
    return not any(secret in text for secret in secrets)


def test_no_secret_is_in_the_process_list(host: Any, secrets: list[str]) -> None:
    assert _holds_none(host.check_output("ps axww -o args"), secrets)


def test_no_secret_is_in_a_file_that_everybody_may_read(host: Any, secrets: list[str]) -> None:
    assert _holds_none(host.run(READABLE_BY_ALL).stdout, secrets)


def test_no_secret_is_in_a_log(host: Any, declaration: Declaration, secrets: list[str]) -> None:
    own = f"{declaration.server.postgresql.data_directory}/log"
    logged = host.run(f"{LOGS} %s/*", own).stdout
    assert logged
    assert _holds_none(logged, secrets)


def test_private_files_are_private(host: Any, declaration: Declaration) -> None:
    wanted = declaration.server.postgresql
    key = f"/etc/postgresql/{wanted.major}/{wanted.cluster}/tls/server.key"
    shown = host.check_output("stat -c '%%a %%G' %s /etc/pgbackrest.conf", key)
    (key_mode, _), (mode, group) = (line.split() for line in shown.splitlines())
    assert int(key_mode, 8) & 0o007 == 0
    assert int(mode, 8) & 0o007 == 0
    assert group == "postgres"
