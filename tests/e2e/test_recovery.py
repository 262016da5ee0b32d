"""Everything goes back to a moment, and comes back after the server was lost."""

import json
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.conftest import SERVER, Lab
from tests.e2e.guests import SERVER_GUEST, inside, sql
from tests.pages import blocks

pytestmark = pytest.mark.e2e

DATABASE = "desi_void_fastspecfit"
HASH = "SELECT count(*), sum(hashtext(z::text)::bigint) FROM raw_catalogs.redshifts AS z"
IDENTITY = "SELECT system_identifier FROM pg_control_system()"
BEFORE = "/mnt/data/pg01.before"


def _in_place(lab: Lab, *options: str, expect: int | None = 0) -> dict[str, Any]:
    done = lab.on_server("restore-in-place", *options, "--json", expect=expect)
    answer: dict[str, Any] = json.loads(done.stdout) if done.stdout else {}
    return answer


@pytest.fixture(scope="module")
def redshifts(provisioned: Lab) -> Lab:
    """The server, with data and a backup of them in both repositories."""
    sql(
        "CREATE TABLE raw_catalogs.redshifts AS SELECT n AS targetid, sin(n) AS z"
        " FROM generate_series(1, 200000) AS n",
        DATABASE,
    )
    for repository in ("1", "2"):
        provisioned.labdb(
            "backup", "run", SERVER, "-i", str(provisioned.inventory), "--repository", repository
        )
    return provisioned


def _moment() -> str:
    time.sleep(1.1)
    now = datetime.now(tz=UTC)
    time.sleep(1.1)
    return f"{now:%Y-%m-%d %H:%M:%S.%f}+00:00"


@pytest.mark.long
def test_in_place_everything_goes_back_and_what_was_there_is_kept(redshifts: Lab) -> None:
    whole, identity = sql(HASH, DATABASE), sql(IDENTITY)
    moment = _moment()
    sql("DROP TABLE raw_catalogs.redshifts", DATABASE)
    sql("CREATE TABLE raw_catalogs.later AS SELECT 1 AS one", DATABASE)
    planned = _in_place(redshifts, "--to", moment, "--plan")
    assert planned["data"]["plan"]["kept"] == BEFORE
    assert sql("SELECT count(*) FROM raw_catalogs.later", DATABASE) == "1"
    refused = redshifts.on_server(
        "restore-in-place", "--to", moment, "--confirm", "proj-pg02", expect=6
    )
    assert "nothing was done" in refused.stderr
    done = _in_place(redshifts, "--to", moment, "--confirm", SERVER)
    assert int(done["data"]["reached"]["timeline"], 16) == 2
    assert sql(HASH, DATABASE) == whole
    assert sql("SELECT to_regclass('raw_catalogs.later') IS NULL", DATABASE) == "t"
    assert sql(IDENTITY) == identity
    # It archives, nothing of the recovery is left among the settings, and all is as declared.
    redshifts.labdb("backup", "check", SERVER, "-i", str(redshifts.inventory))
    assert redshifts.on_server("provision", "--yes", expect=None).returncode == 0
    again = redshifts.on_server("restore-in-place", "--latest", "--confirm", SERVER, expect=6)
    assert "is kept from an earlier restore in place" in again.stderr


@pytest.mark.long
def test_it_is_taken_back_on_a_timeline_that_restores_follow(redshifts: Lab) -> None:
    _in_place(redshifts, "--undo", "--confirm", SERVER)
    assert sql("SELECT count(*) FROM raw_catalogs.later", DATABASE) == "1"
    timeline = "SELECT timeline_id FROM pg_control_checkpoint()"
    sql("CHECKPOINT")
    assert int(sql(timeline)) == 3
    sql("CREATE TABLE raw_catalogs.latest AS SELECT 1 AS one", DATABASE)
    restored = redshifts.on_server("restore", "--latest", "--json")
    assert json.loads(restored.stdout)["data"]["tables"] == []
    redshifts.on_server("restore", "--discard")


@pytest.mark.long
def test_and_what_had_taken_its_place_is_there_until_it_is_forgotten(redshifts: Lab) -> None:
    _in_place(redshifts, "--undo", "--confirm", SERVER)
    assert sql("SELECT to_regclass('raw_catalogs.later') IS NULL", DATABASE) == "t"
    assert _in_place(redshifts, "--forget", "--confirm", SERVER)["data"]["changed_tasks"] > 0
    inside(SERVER_GUEST, "test", "!", "-e", BEFORE)
    nothing = redshifts.on_server("restore-in-place", "--undo", "--confirm", SERVER, expect=5)
    assert "nothing is kept" in nothing.stderr
    redshifts.labdb("backup", "run", SERVER, "-i", str(redshifts.inventory), "--kind", "full")


@pytest.mark.long
def test_a_recovery_that_fails_puts_back_what_was_there(redshifts: Lab) -> None:
    sql("CREATE TABLE IF NOT EXISTS raw_catalogs.kept AS SELECT 1 AS one", DATABASE)
    failed = redshifts.on_server(
        "restore-in-place", "--name", "never-made", "--confirm", SERVER, expect=5
    )
    assert "recovery ended before configured recovery target was reached" in failed.stderr
    assert "the one before is back in its place" in failed.stderr
    assert sql("SELECT count(*) FROM raw_catalogs.kept", DATABASE) == "1"
    inside(SERVER_GUEST, "sh", "-c", f"! ls -d {BEFORE} /mnt/data/pg01.failed")
    _in_place(redshifts, "--forget", "--confirm", SERVER)


def test_a_server_that_holds_data_is_not_recovered_over(redshifts: Lab) -> None:
    done = redshifts.on_server("provision", "--yes", "--recover-from", "repo2")
    assert "nothing was recovered" in done.stdout
    unknown = redshifts.on_server("provision", "--yes", "--recover-from", "repo3", expect=2)
    assert "proj-pg01 has no repository 3" in unknown.stderr


def test_without_the_passphrase_nothing_is_begun(redshifts: Lab) -> None:
    vault = redshifts.inventory / "host_vars" / SERVER / "vault.yml"
    away = vault.with_suffix(".away")
    vault.rename(away)
    try:
        refused = redshifts.on_server("provision", "--yes", "--recover-from", "repo2", expect=6)
        assert "passphrase of the backups of proj-pg01 is not in the vault" in refused.stderr
        assert not vault.exists()
    finally:
        away.rename(vault)


def _follow(lab: Lab, section: str, folder: Path) -> str:
    """Run the commands of one section of the server's runbook, as somebody who has it printed."""
    text = lab.labdb("runbook", SERVER, "-i", str(lab.inventory)).stdout
    page = folder / "runbook.md"
    page.write_text(text.partition(f"## {section}\n")[2].partition("\n## ")[0], encoding="utf-8")
    found = [block for block in blocks(page) if block.language == "sh"]
    assert found
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "".join(block.text for block in found)],
        check=False, capture_output=True, text=True, env=lab.environment, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_lost_server_is_made_again_with_its_data_by_the_runbook(
    redshifts: Lab, tmp_path: Path
) -> None:
    sql("INSERT INTO raw_catalogs.redshifts VALUES (0, 0.5)", DATABASE)
    whole, identity = sql(HASH, DATABASE), sql(IDENTITY)
    redshifts.labdb("backup", "check", SERVER, "-i", str(redshifts.inventory))
    for step in ("retire", "destroy"):
        redshifts.on_server("deprovision", "--step", step, "--confirm", SERVER)
    gone = subprocess.run(["docker", "inspect", SERVER_GUEST], capture_output=True, check=False)
    assert gone.returncode != 0
    # Whoever forgets that there is something to recover is told, before anything is mixed up.
    forgot = redshifts.on_server("provision", "--yes", expect=5)
    assert "holds the backups of another cluster" in forgot.stderr
    assert "--recover-from repo2" in forgot.stderr
    said = _follow(redshifts, "proj-pg01 is lost", tmp_path)
    assert "in repository 2, WAL up to" in said
    assert sql(HASH, DATABASE) == whole
    assert sql(IDENTITY) == identity
    listed = redshifts.labdb("backup", "list", SERVER, "-i", str(redshifts.inventory), "--json")
    sets = json.loads(listed.stdout)["data"]["sets"]
    assert {item["repository"] for item in sets if item["kind"] == "full"} == {1, 2}
    again = json.loads(redshifts.on_server("provision", "--yes", "--json").stdout)
    assert again["data"]["changed_tasks"] == 0
