"""The main job: from an empty node to a verified server, and nothing to do the second time."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from tests.e2e.conftest import SERVER, Lab

pytestmark = pytest.mark.e2e


def _json(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _runs(lab: Lab) -> list[Path]:
    return sorted((lab.state / "lab" / SERVER).glob("*/report.json"))


def _secrets(lab: Lab) -> dict[str, Any]:
    """The vault's secrets, opened the way an operator would."""
    vault = lab.inventory / "host_vars" / SERVER / "vault.yml"
    shown = subprocess.run(
        ["ansible-vault", "view", "--vault-password-file", lab.state / "lab" / "vault-key", vault],
        check=True,
        capture_output=True,
        text=True,
        env=lab.environment,
    )
    secrets: dict[str, Any] = yaml.safe_load(shown.stdout)["labdb_secrets"]
    return secrets


def _connect(lab: Lab) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(
        host=lab.address,
        dbname="desi_void_desivast",
        user="desi_dev",
        password=_secrets(lab)["passwords"]["desi_dev"],
        sslmode="verify-full",
        sslrootcert=str(lab.state / "lab" / "ca.crt"),
        autocommit=True,
    )


@pytest.fixture
def declaration(provisioned: Lab) -> Iterator[Path]:
    """The declaration, put back after the test has changed it."""
    before = provisioned.declaration.read_text(encoding="utf-8")
    yield provisioned.declaration
    provisioned.declaration.write_text(before, encoding="utf-8")


def test_an_empty_node_becomes_a_verified_server(
    lab: Lab, first_provision: subprocess.CompletedProcess[str]
) -> None:
    assert "; verified" in first_provision.stdout
    report = json.loads(_runs(lab)[-1].read_text(encoding="utf-8"))
    assert [item for item in report["findings"] if item["severity"] == "critical"] == []
    assert {phase["name"] for phase in report["phases"]} >= {"plan", "playbook", "verify"}


def test_the_second_run_reports_zero_changes(provisioned: Lab) -> None:
    done = provisioned.on_server("provision", "--yes", "--json")
    answer = _json(done)
    assert answer["changes"] == []
    assert answer["data"]["changed_tasks"] == 0


def test_the_plan_of_a_provisioned_server_is_empty(provisioned: Lab) -> None:
    assert "nothing to do" in provisioned.on_server("plan").stdout.lower()


def test_psql_connects_with_verify_full_as_the_instructions_print(provisioned: Lab) -> None:
    with _connect(provisioned) as connection:
        row = connection.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        assert row.fetchone() == (True,)


def test_a_changed_parameter_is_planned_checked_and_applied(
    provisioned: Lab, declaration: Path
) -> None:
    text = declaration.read_text(encoding="utf-8")
    declaration.write_text(
        text.replace(
            "    data_directory: /mnt/data/pg01\n",
            "    data_directory: /mnt/data/pg01\n"
            "    parameters: {log_min_duration_statement: 750}\n",
        ),
        encoding="utf-8",
    )
    planned = _json(provisioned.on_server("plan", "--json", expect=1))
    (change,) = planned["changes"]
    assert change["field"] == "log_min_duration_statement"
    assert change["effect"] == "reload"
    checked = _json(provisioned.on_server("provision", "--check", "--json", expect=1))
    assert checked["data"]["changed_tasks"] >= 1
    with _connect(provisioned) as connection:
        before = connection.execute("SHOW log_min_duration_statement").fetchone()
        started = connection.execute("SELECT pg_postmaster_start_time()").fetchone()
    assert before != ("750ms",)
    provisioned.on_server("provision", "--yes")
    with _connect(provisioned) as connection:
        assert connection.execute("SHOW log_min_duration_statement").fetchone() == ("750ms",)
        assert connection.execute("SELECT pg_postmaster_start_time()").fetchone() == started


def test_a_server_with_data_is_never_initialised_again(provisioned: Lab) -> None:
    with _connect(provisioned) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS raw_catalogs.kept (targetid bigint)")
        connection.execute("INSERT INTO raw_catalogs.kept VALUES (39627640566453451)")
    provisioned.on_server("provision", "--yes")
    with _connect(provisioned) as connection:
        rows = connection.execute("SELECT targetid FROM raw_catalogs.kept").fetchall()
    assert (39627640566453451,) in rows


def test_two_provisions_at_once_are_refused(provisioned: Lab) -> None:
    first = subprocess.Popen(
        provisioned.command("provision", SERVER, "-i", str(provisioned.inventory), "--yes"),
        env=provisioned.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        lock = provisioned.state / "lab" / SERVER / "lock"
        limit = time.monotonic() + 30
        while str(first.pid) not in lock.read_text("utf-8") and time.monotonic() < limit:
            time.sleep(0.1)
        second = provisioned.on_server("provision", "--yes", expect=6)
        assert str(first.pid) in second.stderr
    finally:
        assert first.wait(timeout=600) == 0


def test_a_provision_killed_in_the_middle_is_taken_up_again(
    provisioned: Lab, declaration: Path
) -> None:
    text = declaration.read_text(encoding="utf-8")
    declaration.write_text(text.replace("retention_days: 30", "retention_days: 31"), "utf-8")
    with subprocess.Popen(
        provisioned.command("provision", SERVER, "-i", str(provisioned.inventory), "--yes"),
        env=provisioned.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as killed:
        assert killed.stderr is not None
        for line in killed.stderr:
            if re.search(r"\bpostgresql\b", line):
                break
        os.killpg(killed.pid, signal.SIGKILL)
    provisioned.on_server("provision", "--yes")
    again = _json(provisioned.on_server("provision", "--yes", "--json"))
    assert again["data"]["changed_tasks"] == 0


def test_no_secret_is_left_in_run_directories_logs_or_output(provisioned: Lab) -> None:
    done = provisioned.on_server("provision", "--yes", "--verbose")
    secrets = _secrets(provisioned)
    hidden = [*secrets["passwords"].values(), secrets["repository_cipher"]]
    assert len(hidden) > 2
    for secret in hidden:
        assert secret not in done.stdout + done.stderr
    for path in provisioned.state.rglob("*"):
        if path.is_file() and path.suffix in (".json", ".jsonl", ".log", ".txt"):
            text = path.read_text(encoding="utf-8", errors="replace")
            assert [secret for secret in hidden if secret in text] == [], path


def test_verify_passes_and_status_is_one_screen(provisioned: Lab) -> None:
    provisioned.on_server("verify")
    shown = provisioned.on_server("status", expect=None)
    assert len(shown.stdout.splitlines()) <= 50
    found = _json(provisioned.on_server("status", "--json", expect=shown.returncode))["findings"]
    problems = [item["what"] for item in found if item["severity"] in ("warning", "critical")]
    # The guest's root lies on this machine's own disk, however full that is.
    assert [what for what in problems if not what.startswith("/ is ")] == []
    assert shown.returncode == int(bool(problems))
