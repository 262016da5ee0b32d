"""``labdb drift`` on a real server: each thing that somebody changed is named, mended, and gone."""

import json
import re
import subprocess
from typing import Any

import pytest
from tests.e2e.conftest import Lab

from labdb.lab.control import Control

pytestmark = pytest.mark.e2e
FOLDER = "/etc/postgresql/16/main"


class Night:
    """Somebody at work on the guest at night, as root."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def do(self, script: str) -> str:
        state = self.lab.state / "lab"
        done = subprocess.run(
            [
                "ssh", "-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={state / 'known_hosts'}",
                "-o", "HostKeyAlgorithms=ssh-ed25519",
                "-i", str(state / "ssh" / "id_ed25519"), f"labdb@{self.lab.address}",
                "sudo sh -eu",
            ],
            input=script, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout

    def sql(self, *statements: str) -> str:
        """Each statement by itself: ALTER SYSTEM stands in no transaction."""
        lines = "\n".join(f"{statement};" for statement in statements)
        return self.do(
            f"runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 <<'SQL'\n{lines}\nSQL\n"
        )


@pytest.fixture
def night(provisioned: Lab) -> Night:
    provisioned.on_server("drift")
    return Night(provisioned)


def _drift(lab: Lab, *options: str, expect: int) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(
        lab.on_server("drift", "--json", *options, expect=expect).stdout
    )
    return answer


def _rows(answer: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["subject"], row["field"]): row for row in answer["data"]["differences"]}


def _control(lab: Lab) -> Control:
    return Control(lab.state / "lab" / "control.sock")


def test_a_server_that_was_just_provisioned_has_not_drifted(provisioned: Lab) -> None:
    assert "as declared" in provisioned.on_server("drift").stdout


def test_everything_that_was_changed_is_named_mended_and_gone(
    provisioned: Lab, night: Night
) -> None:
    before = night.sql("SELECT pg_postmaster_start_time()")
    night.sql(
        "ALTER SYSTEM SET work_mem = '64MB'",
        "ALTER SYSTEM SET enable_seqscan = off",
        "ALTER ROLE desi_analyst SET statement_timeout = '10s'",
        "ALTER ROLE desi_dev CONNECTION LIMIT 3",
        "ALTER ROLE desi_loader IN DATABASE desi_void_desivast SET jit = on",
        "ALTER DATABASE desi_void_fastspecfit SET random_page_cost = 4",
    )
    night.do(
        f"sed -i 's/^random_page_cost = .*/random_page_cost = 4/' {FOLDER}/conf.d/10-labdb.conf\n"
        f"echo 'jit = on  # try it' >> {FOLDER}/postgresql.conf\n"
        f"sed -i '1i host all all 198.18.0.0/15 trust' {FOLDER}/pg_hba.conf\n"
    )
    night.sql("SELECT pg_reload_conf()")
    _control(provisioned).set_config(2002, balloon=4096)

    found = _rows(_drift(provisioned, expect=1))
    shown = {
        key: tuple(row[place] for place in ("declared", "file", "running", "hypervisor"))
        for key, row in found.items()
    }
    timeout = ("role desi_analyst", "statement_timeout")
    assert shown == {
        ("guest", "balloon"): ("8192", None, found["guest", "balloon"]["running"], "4096"),
        ("parameter", "work_mem"): ("4MB", "64MB", "64MB", None),
        ("parameter", "enable_seqscan"): (None, "off", "off", None),
        ("parameter", "random_page_cost"): ("1.5", "4", "4", None),
        ("parameter", "jit"): ("off", "on", "on", None),
        ("client", "host all all 198.18.0.0/15 trust"): (None, "line 1", None, None),
        timeout: ("12h", None, "10s", None),
        ("role desi_dev", "CONNECTION LIMIT"): ("153", None, "3", None),
        ("role desi_loader in desi_void_desivast", "jit"): (None, None, "on", None),
        ("database desi_void_fastspecfit", "random_page_cost"): (None, None, "4", None),
    }
    assert found["parameter", "work_mem"]["reason"] == "ALTER SYSTEM"
    assert re.fullmatch(r"postgresql\.conf line \d+", found["parameter", "jit"]["reason"])
    assert found["parameter", "random_page_cost"]["reason"].startswith("conf.d/10-labdb.conf line")

    # A provision takes back what it wrote itself, and names the rest.
    fixed = _drift(provisioned, "--fix", "--yes", expect=0)
    assert fixed["summary"] == f"{len(found)} found, all mended"
    assert fixed["data"]["differences"] == []
    assert len(fixed["data"]["found"]) == len(found)
    assert "as declared" in provisioned.on_server("drift").stdout
    assert night.sql("SHOW work_mem", "SHOW enable_seqscan", "SHOW jit").split() == [
        "4MB",
        "on",
        "off",
    ]
    assert night.sql("SELECT pg_postmaster_start_time()") == before
    assert "# set aside by labdb: jit = on  # try it" in night.do(f"cat {FOLDER}/postgresql.conf")
    again = json.loads(provisioned.on_server("provision", "--yes", "--json").stdout)
    assert again["data"]["changed_tasks"] == 0


def test_a_restart_that_is_due_is_told_and_made(provisioned: Lab, night: Night) -> None:
    night.sql("ALTER SYSTEM SET max_connections = 150", "SELECT pg_reload_conf()")
    found = _rows(_drift(provisioned, expect=1))
    row = found["parameter", "max_connections"]
    assert (row["declared"], row["file"], row["running"]) == ("200", "150", "200")
    assert row["effect"] == "restart"
    before = night.sql("SELECT pg_postmaster_start_time()")
    _drift(provisioned, "--fix", "--yes", expect=0)
    # The running value was the declared one all the time.
    assert night.sql("SELECT pg_postmaster_start_time()") == before


def test_a_server_that_does_not_answer_is_unreachable_and_not_a_difference(
    provisioned: Lab, night: Night
) -> None:
    night.do("systemctl stop postgresql@16-main.service")
    try:
        done = provisioned.on_server("drift", expect=4)
        assert "PostgreSQL on proj-pg01 does not answer" in done.stderr
        assert "journalctl -u postgresql@16-main.service" in done.stderr
    finally:
        night.do("systemctl start postgresql@16-main.service")
