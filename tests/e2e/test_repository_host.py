"""The host that keeps the backups: in use, down for a while, gone for good."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from tests.e2e.conftest import REPOSITORY_HOST, SERVER, Lab
from tests.e2e.guests import AS_POSTGRES, HOST_GUEST, SERVER_GUEST, inside, sql, within

pytestmark = pytest.mark.e2e

WRITE = (
    "CREATE TABLE IF NOT EXISTS noise (words text);"
    " INSERT INTO noise SELECT md5(random()::text) FROM generate_series(1, 120000);"
    " SELECT pg_walfile_name(pg_switch_wal())"
)


def _arrived(segments: Sequence[str], repository: int) -> bool:
    """Tell whether a repository has all *segments*; while it cannot be listed it has none.

    A host that wakes up has the connections of its whole sleep to answer, and turns some away.
    """
    listed = subprocess.run(
        ["docker", "exec", SERVER_GUEST, *AS_POSTGRES, "pgbackrest", f"--stanza={SERVER}",
         f"--repo={repository}", "repo-ls", f"archive/{SERVER}", "--recurse"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return not listed.returncode and all(name in listed.stdout for name in segments)


def _status(lab: Lab) -> dict[str, str]:
    answer: dict[str, Any] = json.loads(lab.on_server("status", "--json", expect=None).stdout)
    return {item["what"]: item["why"] for item in answer["findings"]}


@pytest.fixture
def away(provisioned: Lab) -> Iterator[Lab]:
    """The lab, with a repository host that has stopped to answer."""
    subprocess.run(["docker", "pause", HOST_GUEST], check=True, stdout=subprocess.DEVNULL)
    try:
        yield provisioned
    finally:
        subprocess.run(["docker", "unpause", HOST_GUEST], check=False, stderr=subprocess.DEVNULL)


def test_nothing_is_left_to_do_on_it(provisioned: Lab) -> None:
    again = json.loads(provisioned.on_repository_host("provision", "--yes", "--json").stdout)
    assert again["data"]["changed_tasks"] == 0
    assert provisioned.on_repository_host("provision", "--check").returncode == 0
    provisioned.on_repository_host("verify")


@pytest.mark.usefixtures("provisioned")
def test_what_is_stored_there_is_unreadable_there() -> None:
    place = f"/mnt/backup/{SERVER}/pgbackrest/backup/{SERVER}/backup.info"
    assert inside(HOST_GUEST, "head", "-c", "8", place) == "Salted__"
    assert inside(HOST_GUEST, "sh", "-c", "command -v pgbackrest psql || echo neither") == "neither"


@pytest.mark.usefixtures("provisioned")
def test_the_servers_key_opens_its_own_folder_and_nothing_else() -> None:
    key = "/var/lib/postgresql/.ssh/labdb_repository"
    there = f"{SERVER}@198.19.20.12"
    known = "-oUserKnownHostsFile=/var/lib/postgresql/.ssh/labdb_known_hosts"
    listed = f"echo ls -1 / | runuser -u postgres -- sftp -q -b- {known} -i {key} {there}"
    assert inside(SERVER_GUEST, "sh", "-c", listed).splitlines()[1:] == ["/pgbackrest"]
    shell = subprocess.run(
        ["docker", "exec", SERVER_GUEST, *AS_POSTGRES, "ssh", known, "-i", key, there, "id"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert shell.returncode != 0
    assert "uid=" not in shell.stdout


def test_a_backup_goes_there_and_is_listed(provisioned: Lab) -> None:
    done = provisioned.labdb(
        "backup", "run", SERVER, "-i", str(provisioned.inventory), "--repository", "2", "--json"
    )
    label = json.loads(done.stdout)["data"]["set"]["label"]
    listed = provisioned.labdb("backup", "list", SERVER, "-i", str(provisioned.inventory), "--json")
    sets = json.loads(listed.stdout)["data"]["sets"]
    assert {item["repository"] for item in sets if item["label"] == label} == {2}


def test_its_status_tells_what_the_server_has_stored_without_reading_it(provisioned: Lab) -> None:
    listed = provisioned.labdb("backup", "list", SERVER, "-i", str(provisioned.inventory), "--json")
    sets = [item for item in json.loads(listed.stdout)["data"]["sets"] if item["repository"] == 2]
    newest = [item["label"] for item in sets if item["kind"] == "full"][-1]
    told = json.loads(provisioned.on_repository_host("status", "--json", expect=None).stdout)
    screen = told["data"]["screen"]
    assert screen[f"{SERVER} full"].startswith(f"{newest}, ")
    assert len(screen[f"{SERVER} WAL"].split(",")[0]) == len("000000010000000000000001")
    seen = {item["check"]: item["severity"] for item in told["findings"]}
    asked = ("account", "backup", "archive", "units", "clock")
    assert {check: seen[check] for check in asked} == dict.fromkeys(asked, "ok")


def test_what_lies_there_is_proven_by_a_drill(provisioned: Lab) -> None:
    recording = ("systemctl", "is-active", "labdb-fingerprints.service")
    at_rest = f"! {' '.join(recording)} | grep -q activating"
    assert within(60, lambda: inside(SERVER_GUEST, "sh", "-c", f"{at_rest}; echo $?") == "0")
    done = provisioned.on_server("drill", "--repository", "2", "--json")
    drilled = json.loads(done.stdout)["data"]["drill"]
    assert (drilled["verdict"], drilled["repository"]) == ("passed", 2)


@pytest.mark.long
def test_a_host_that_does_not_answer_loses_no_wal_and_holds_nothing_up(away: Lab) -> None:
    segments = [sql(WRITE).splitlines()[-1] for _ in range(4)]
    # The other repository has it all the same, and PostgreSQL writes on.
    assert within(90, lambda: _arrived(segments, 1))
    assert int(sql("SELECT count(*) FROM noise")) >= 480000
    assert "repository 2 cannot be read" in _status(away)
    # Nobody has to wait for it to change the server.
    done = away.on_server("provision", "--yes", expect=1)
    assert "nothing changed" in done.stdout
    subprocess.run(["docker", "unpause", HOST_GUEST], check=True, stdout=subprocess.DEVNULL)
    assert within(120, lambda: _arrived(segments, 2))
    away.labdb("backup", "check", SERVER, "-i", str(away.inventory))
    sql("DROP TABLE noise; SELECT pg_stat_reset_shared('archiver')")


def test_a_workstation_that_never_saw_it_provisions_the_server(provisioned: Lab) -> None:
    known = provisioned.state / "lab" / "known_hosts"
    text = known.read_text(encoding="utf-8")
    known.write_text("".join(line for line in text.splitlines(True) if ".20.12 " not in line))
    inside(SERVER_GUEST, "sh", "-c", "echo > /var/lib/postgresql/.ssh/labdb_known_hosts")
    done = json.loads(provisioned.on_server("provision", "--yes", "--json").stdout)
    assert any("knows whom it speaks to" in task for task in done["data"]["changed"])


@pytest.mark.long
def test_a_host_that_was_lost_is_made_anew_and_gets_a_full_backup(provisioned: Lab) -> None:
    for step in ("retire", "destroy"):
        provisioned.on_repository_host("deprovision", "--step", step, "--confirm", REPOSITORY_HOST)
    refused = provisioned.on_server("provision", "--yes", expect=6)
    assert f"{REPOSITORY_HOST} does not exist yet" in refused.stderr
    assert f"labdb provision {REPOSITORY_HOST}" in refused.stderr
    provisioned.on_repository_host("provision", "--yes")
    provisioned.on_server("provision", "--yes")
    listed = provisioned.labdb("backup", "list", SERVER, "-i", str(provisioned.inventory), "--json")
    sets = [item for item in json.loads(listed.stdout)["data"]["sets"] if item["repository"] == 2]
    assert [item["kind"] for item in sets] == ["full"]
