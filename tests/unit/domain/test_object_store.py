"""A repository in a bucket: what is declared, what the roles get, what is found beforehand."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from labdb.adapters.inventory import load
from labdb.domain.health import timers
from labdb.domain.mistakes import mistakes
from labdb.domain.object_store_findings import object_store_findings
from labdb.domain.variables import role_variables
from labdb.report import Finding
from labdb.spec import Server

LAB = load(Path(__file__).parents[3] / "inventories" / "lab", "proj-pg01")
BUCKET = {"kind": "s3", "endpoint": "s3.example.org", "bucket": "backups", "region": "eu-1"}
STORE = "s3.example.org/backups"
VAULT = Path("vault.yml")


def _server(*buckets: dict[str, Any]) -> Server:
    """The lab's server, with these repositories after the one on the repository host."""
    declared = LAB.server.model_dump(mode="json")
    declared["backup"]["repositories"] += buckets
    return Server.model_validate(declared)


def _mistake(*buckets: dict[str, Any]) -> tuple[str, str, str]:
    with pytest.raises(ValidationError) as caught:
        _server(*buckets)
    (found,) = mistakes(caught.value, Server)
    return found.key, found.what, found.hint


def test_it_is_numbered_in_the_same_row_as_the_others() -> None:
    server = _server(BUCKET | {"retention_days": 90})
    assert list(server.repositories) == [2, 3]
    assert server.retention_days == {1: 30, 2: 30, 3: 90}
    assert server.repository_hosts == {"proj-bak01": 2}
    assert list(server.object_stores) == [3]
    assert "pgbackrest-full-repo3.timer" in timers(server)


def test_each_kind_is_told_to_the_role_that_makes_the_way_there() -> None:
    variables = role_variables(_server(BUCKET), LAB.environment)
    assert variables["pgbackrest_sftp_hosts"] == ["proj-bak01"]
    host, bucket = variables["pgbackrest_repositories"]
    assert host["sftp"]["host"] == "proj-bak01"
    assert "s3" not in host
    assert bucket == {
        "number": 3,
        "path": "/pgbackrest",
        "retention_days": 30,
        "schedule_full": "Wed *-*-* 02:00:00",
        "schedule_differential": "Mon,Tue,Thu..Sun *-*-* 03:00:00",
        "s3": {
            "store": STORE, "endpoint": "s3.example.org", "port": 443, "bucket": "backups",
            "region": "eu-1", "uri_style": "host", "ca_file": "",
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "key", "what", "hint"),
    [
        ({"endpoint": "https://S3.Example.org:9000/x"}, "endpoint", "is no host name",
         "did you mean s3.example.org?"),
        ({"endpoint": "s3.example.org:9000"}, "endpoint", "is no host name",
         "did you mean s3.example.org?"),
        ({"endpoint": "s3..example.org"}, "endpoint", "is no host name", ""),
        ({"bucket": "Backups"}, "bucket", "is no name of a bucket", ""),
        ({"bucket": "ab"}, "bucket", "is no name of a bucket", ""),
        ({"bucket": "back.ups"}, "bucket", "is no name of a bucket", ""),
        ({"bucket": "-backups"}, "bucket", "is no name of a bucket", ""),
        ({"uri_style": "hots"}, "uri_style", "must be 'host' or 'path'", "did you mean host?"),
        ({"port": 0}, "port", "greater than or equal to 1", ""),
        ({"path": "pgbackrest"}, "path", "is not an absolute path", ""),
        ({"key": "AKIA"}, "key", "is not a key that labdb knows", "known here: "),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_its_key(
    changed: dict[str, Any], key: str, what: str, hint: str
) -> None:
    found = _mistake(BUCKET | changed)
    assert found[0] == f"backup.repositories.1.{key}"
    assert what in found[1]
    assert found[2].startswith(hint)


def test_two_repositories_in_one_place_are_refused() -> None:
    same = BUCKET | {"uri_style": "path", "retention_days": 1}
    assert f"{STORE}/pgbackrest stands there twice" in _mistake(BUCKET, same)[1]


@pytest.mark.parametrize(
    "other", [{"path": "/second"}, {"bucket": "others"}, {"endpoint": "s3.example.com"},
              {"port": 9000}],
)  # fmt: skip
def test_another_folder_bucket_or_store_is_another_place(other: dict[str, Any]) -> None:
    assert list(_server(BUCKET, BUCKET | other).object_stores) == [3, 4]


def _finding(bucket: dict[str, Any], *, keys: set[str], files: set[str]) -> Finding:
    (found,) = object_store_findings(_server(bucket), keys, files, VAULT)
    return found


def test_without_its_key_it_is_refused_with_what_to_write_where() -> None:
    found = _finding(BUCKET, keys={"s3.example.org:9000/backups"}, files=set())
    assert (found.severity, found.what) == ("critical", f"the vault holds no key of {STORE}")
    assert "repository 3" in found.why
    assert "ansible-vault edit vault.yml" in found.hint
    assert f"s3_keys: {{{STORE}: {{key: ..., key_secret: ...}}}}" in found.hint


def test_a_private_authority_has_to_be_there() -> None:
    bucket = BUCKET | {"ca_file": "files/ca.crt"}
    found = _finding(bucket, keys={STORE}, files=set())
    assert (found.severity, found.what) == ("critical", "files/ca.crt does not exist")
    assert "backup.repositories.1.ca_file" in found.hint
    assert _finding(bucket, keys={STORE}, files={"files/ca.crt"}).severity == "ok"


def test_with_its_key_nothing_is_wrong_beforehand() -> None:
    assert _finding(BUCKET, keys={STORE}, files=set()).severity == "ok"
