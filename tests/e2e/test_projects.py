"""A project is made, used, dropped and brought back by the commands that an operator types."""

import json
import subprocess
from collections.abc import Iterator

import pytest
from tests.e2e.conftest import RANGE, SERVER, Lab

pytestmark = pytest.mark.e2e

PROJECT = "quasars"


def project(lab: Lab, verb: str, *arguments: str, expect: int = 0) -> str:
    wanted = ("project", verb, SERVER, PROJECT, "-i", str(lab.inventory), *arguments)
    return lab.labdb(*wanted, expect=expect).stdout


def sizes(lab: Lab) -> dict[str, int | None]:
    """Declared projects with the bytes of their databases; None where there is none."""
    done = lab.labdb("project", "list", SERVER, "-i", str(lab.inventory), "--json", expect=None)
    projects = json.loads(done.stdout)["data"]["projects"]
    return {item["name"]: item["size"] for item in projects}


def psql(lab: Lab, role: str, query: str, *, database: str = PROJECT) -> str:
    """Ask as *role*, over the network, as its password lets it in."""
    password = lab.labdb("secrets", "show", SERVER, role, "-i", str(lab.inventory)).stdout.strip()
    where = (
        f"host={lab.address} dbname={database} user={role} sslmode=verify-full "
        f"sslrootcert={lab.state / 'lab' / 'ca.crt'}"
    )
    done = subprocess.run(
        ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", query, where],
        env=lab.environment | {"PGPASSWORD": password},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() if done.returncode == 0 else done.stderr


@pytest.fixture(scope="module")
def quasars(provisioned: Lab) -> Iterator[Lab]:
    before = provisioned.declaration.read_text(encoding="utf-8")
    network = ("--network", f"{RANGE}.20.0/24")
    project(provisioned, "create", "--profile", "qso-anomalies", *network, "--yes")
    yield provisioned
    if PROJECT in sizes(provisioned):
        project(provisioned, "drop", "--confirm", PROJECT)
    assert provisioned.declaration.read_text(encoding="utf-8") == before


def test_its_people_get_in_and_work_by_what_they_are(quasars: Lab) -> None:
    made = "CREATE TABLE anomaly_scores.score AS SELECT n AS id FROM generate_series(1, 99) AS n"
    assert psql(quasars, "quasars_loader", made) == ""
    assert psql(quasars, "quasars_analyst", "SELECT sum(id) FROM anomaly_scores.score") == "4950"
    assert "denied" in psql(quasars, "quasars_analyst", "DELETE FROM anomaly_scores.score")
    assert psql(quasars, "quasars_analyst", "SELECT labdb.in_cone(1, 1, 1, 1, 0)") == "t"


def test_nobody_of_another_database_gets_in_nor_out(quasars: Lab) -> None:
    assert "rejects connection" in psql(quasars, "desi_dev", "SELECT 1")
    elsewhere = psql(quasars, "quasars_dev", "SELECT 1", database="desi_void_desivast")
    assert "rejects connection" in elsewhere


def test_a_provision_after_it_has_nothing_to_do(quasars: Lab) -> None:
    assert "nothing changed" in quasars.on_server("provision", "--yes").stdout
    assert (sizes(quasars)[PROJECT] or 0) > 1 << 20


@pytest.mark.long
def test_what_is_dropped_comes_back_with_its_rows_and_its_passwords(quasars: Lab) -> None:
    told = project(quasars, "drop", "--confirm", PROJECT)
    assert "final export" in told
    assert PROJECT not in sizes(quasars)
    project(quasars, "restore")
    assert psql(quasars, "quasars_analyst", "SELECT sum(id) FROM anomaly_scores.score") == "4950"
