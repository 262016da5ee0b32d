"""Drift as an operator meets it: against the emulated cluster, and in a real PostgreSQL 16."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from tests.integration.conftest import Api
from tests.integration.test_plan import Operator
from tests.postgres16 import Postgres16

from labdb.adapters.content import query
from labdb.domain.drift import RunningParameter
from labdb.domain.parameter_drift import Parameters, file_findings, parameter_differences
from labdb.domain.variables import PlannedParameter
from labdb.facts import ClientRule, DatabaseState, FileSetting, RoleState, StoredSetting
from labdb.lab.control import EmulatedPve
from labdb.report import Difference, Effect

NO_MIRROR = "http://127.0.0.1:9"


@pytest.fixture
def today(tmp_path: Path, pve_today: EmulatedPve) -> Operator:
    return Operator(tmp_path, "production", pve_today, NO_MIRROR)


@pytest.fixture
def lab(tmp_path: Path, pve: EmulatedPve) -> Operator:
    return Operator(tmp_path, "lab", pve, NO_MIRROR)


def _writes(pve: EmulatedPve) -> list[dict[str, Any]]:
    return [item for item in pve.requests() if item["method"] != "GET"]


@pytest.mark.proxmox
def test_the_vm_of_today_has_drifted_and_every_row_says_from_what(
    today: Operator, pve_today: EmulatedPve
) -> None:
    done = today.labdb("drift", "--json")
    assert done.returncode == 1, done.stderr
    answer = json.loads(done.stdout)
    rows = {row["field"]: row for row in answer["data"]["differences"]}
    places = ("declared", "running", "hypervisor", "effect")
    assert [rows["memory"][place] for place in places] == ["8192", "49152", "49152", "next boot"]
    assert [rows["sockets"][place] for place in places] == ["1", "2", "2", "next boot"]
    assert [rows["cores"][place] for place in places] == ["8", "4", "4", "next boot"]
    assert rows["balloon"]["hypervisor"] == "8192 of 49152"
    assert {change["field"] for change in answer["changes"]} == set(rows)
    assert "PostgreSQL was not looked at" in {item["what"] for item in answer["findings"]}
    assert _writes(pve_today) == []


@pytest.mark.proxmox
def test_the_text_has_a_column_for_each_place_that_tells(today: Operator) -> None:
    lines = today.labdb("drift").stdout.splitlines()
    (head,) = [line for line in lines if line.startswith("what ")]
    assert head.split() == [
        *("what", "field", "declared", "running", "hypervisor", "takes", "effect", "why")
    ]
    (line,) = [line for line in lines if line.split()[:2] == ["guest", "memory"]]
    assert line.split()[2:5] == ["8192", "49152", "49152"]


@pytest.mark.proxmox
def test_a_guest_that_does_not_exist_is_a_difference(lab: Operator) -> None:
    done = lab.labdb("drift", "--json")
    assert done.returncode == 1
    (row,) = json.loads(done.stdout)["data"]["differences"]
    assert (row["field"], row["hypervisor"], row["effect"]) == ("vm", None, "create")


@pytest.mark.proxmox
def test_a_guest_of_another_name_is_never_compared_nor_mended(
    lab: Operator, pve: EmulatedPve
) -> None:
    lab.declare("guest.vmid", 2021)
    done = lab.labdb("drift", "--json")
    assert done.returncode == 1
    answer = json.loads(done.stdout)
    assert answer["data"]["differences"] == []
    assert "VMID 2021 belongs to VM docker01" in answer["summary"]
    assert lab.labdb("drift", "--fix", "--yes").returncode == 6
    assert _writes(pve) == []


@pytest.mark.proxmox
def test_an_api_that_is_down_is_unreachable(lab: Operator) -> None:
    path = lab.inventory / "group_vars" / "all" / "environment.yml"
    api = yaml.safe_load(path.read_text(encoding="utf-8"))["labdb_environment"]["proxmox"]
    lab.environment("proxmox", value=api | {"port": 9})
    assert lab.labdb("drift").returncode == 4


@pytest.mark.proxmox
def test_a_stopped_guest_cannot_be_asked(lab: Operator, api: Api) -> None:
    api.clone()
    lab.environment("probe_addresses", value=True)
    done = lab.labdb("drift")
    assert done.returncode == 4
    assert "proj-pg01 cannot be asked: VM 2002 is stopped" in done.stderr


@pytest.mark.proxmox
def test_nobody_agrees_to_a_fix_without_a_terminal(today: Operator, pve_today: EmulatedPve) -> None:
    done = today.labdb("drift", "--fix")
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert _writes(pve_today) == []


@pytest.mark.proxmox
def test_a_fix_mends_what_proxmox_can_do_at_once_and_reports_what_is_left(
    today: Operator, pve_today: EmulatedPve
) -> None:
    pve_today.control.set_config(2002, onboot=0)
    done = today.labdb("drift", "--fix", "--yes", "--json")
    assert done.returncode == 1, done.stderr
    answer = json.loads(done.stdout)
    found = {row["field"] for row in answer["data"]["found"]}
    left = {row["field"]: row for row in answer["data"]["differences"]}
    assert {"onboot", "protection", "memory"} <= found
    assert {"onboot", "protection"}.isdisjoint(left)
    assert left["memory"]["reason"] == "waits for the next boot"
    assert [left["memory"][place] for place in ("declared", "running", "hypervisor")] == [
        *("8192", "49152", "8192")
    ]


WANTED = (
    PlannedParameter("work_mem", "4MB", "", "user"),
    PlannedParameter("max_connections", "50", "", "postmaster"),
    PlannedParameter("log_line_prefix", "%m 'quoted' ", "", "sighup"),
    PlannedParameter("random_page_cost", "1.1", "", "user"),
    PlannedParameter("TimeZone", "UTC", "", "user"),
    PlannedParameter("log_timezone", "UTC", "", "sighup"),
)
Look = Callable[[], dict[str, Any]]


class Cluster:
    """A real cluster laid out as role postgresql_config does it, and a superuser in it."""

    def __init__(self, data: Path, connection: psycopg.Connection[Any]) -> None:
        self.data = data
        self.connection = connection

    @property
    def drop_in(self) -> Path:
        return self.data / "conf.d" / "10-labdb.conf"

    def sql(self, *statements: str) -> None:
        for statement in statements:
            self.connection.execute(statement)

    def write(self, name: str, text: str) -> None:
        path = self.data / name
        path.write_text(text, encoding="utf-8")
        shutil.chown(path, self.data.stat().st_uid, self.data.stat().st_gid)

    def ask(self, name: str) -> Any:
        row = self.connection.execute(query(name)).fetchone()
        assert row is not None
        return row[0]

    @property
    def seen(self) -> Parameters:
        return Parameters(
            WANTED,
            (),
            str(self.drop_in),
            tuple(RunningParameter(**row) for row in self.ask("settings")),
            tuple(FileSetting(**row) for row in self.ask("files")),
        )

    def differences(self) -> dict[str, Difference]:
        return {row.field: row for row in parameter_differences(self.seen)}


DROP_IN = "".join(
    f"{item.name} = '{item.value.replace(chr(39), chr(39) * 2)}'\n" for item in WANTED
)


@pytest.fixture(scope="module")
def module_cluster(postgres16: Postgres16) -> Iterator[Cluster]:
    data = postgres16.initialise("drift")
    (data / "conf.d").mkdir()
    shutil.chown(data / "conf.d", data.stat().st_uid, data.stat().st_gid)
    conf = data / "postgresql.conf"
    conf.write_text(conf.read_text(encoding="utf-8") + "include_dir = 'conf.d'\n", "utf-8")
    (data / "conf.d" / "10-labdb.conf").write_text(DROP_IN, encoding="utf-8")
    postgres16.start(data)
    with psycopg.connect(postgres16.conninfo, autocommit=True) as connection:
        yield Cluster(data, connection)
    postgres16.stop(data)


@pytest.fixture
def cluster(module_cluster: Cluster) -> Iterator[Cluster]:
    """The cluster as declared, put back after the test."""
    yield module_cluster
    module_cluster.sql("ALTER SYSTEM RESET ALL")
    for path in module_cluster.drop_in.parent.iterdir():
        path.unlink()
    module_cluster.write("conf.d/10-labdb.conf", DROP_IN)
    module_cluster.sql("SELECT pg_reload_conf()", "SELECT pg_sleep(0.2)")


@pytest.mark.postgres
def test_a_real_server_as_declared_has_no_difference(cluster: Cluster) -> None:
    assert {row.name for row in cluster.seen.running} >= {item.name for item in WANTED}
    assert cluster.differences() == {}


@pytest.mark.postgres
def test_alter_system_is_found_in_a_real_server_loaded_or_not(cluster: Cluster) -> None:
    cluster.sql("ALTER SYSTEM SET work_mem = '64MB'", "ALTER SYSTEM SET enable_seqscan = off")
    before = cluster.differences()
    assert (before["work_mem"].file, before["work_mem"].running) == ("64MB", "4MB")
    cluster.sql("SELECT pg_reload_conf()", "SELECT pg_sleep(0.2)")
    after = cluster.differences()
    assert (after["work_mem"].file, after["work_mem"].running) == ("64MB", "64MB")
    assert (after["enable_seqscan"].declared, after["enable_seqscan"].running) == (None, "off")
    assert cluster.seen.leftovers == ("enable_seqscan", "work_mem")
    assert set(after) == {"work_mem", "enable_seqscan"}


@pytest.mark.postgres
def test_a_restart_that_is_due_is_found_in_a_real_server(cluster: Cluster) -> None:
    cluster.sql("ALTER SYSTEM SET max_connections = 70", "SELECT pg_reload_conf()")
    cluster.sql("SELECT pg_sleep(0.2)")
    row = cluster.differences()["max_connections"]
    assert (row.file, row.running, row.effect) == ("70", "50", Effect.RESTART)
    assert file_findings(cluster.seen.files) == ()


@pytest.mark.postgres
def test_files_edited_by_hand_are_found_with_their_lines(cluster: Cluster) -> None:
    cluster.write("conf.d/10-labdb.conf", DROP_IN.replace("1.1", "4"))
    cluster.write("conf.d/20-mine.conf", "# mine\nwork_mem = 1GB\nenable_hashjoin = off\n")
    rows = cluster.differences()
    assert rows["random_page_cost"].reason == "conf.d/10-labdb.conf line 4"
    assert rows["work_mem"].reason == "conf.d/20-mine.conf line 2"
    assert rows["enable_hashjoin"].reason == "conf.d/20-mine.conf line 3; not declared"
    assert {item.name for item in cluster.seen.elsewhere} == {"work_mem", "enable_hashjoin"}


@pytest.mark.postgres
def test_a_file_that_the_server_cannot_read_is_told(cluster: Cluster) -> None:
    cluster.write("conf.d/20-mine.conf", "work_mem = = 1\n")
    (finding,) = file_findings(cluster.seen.files)
    assert "20-mine.conf line 1: cannot be read: syntax error" in finding.what


@pytest.mark.postgres
def test_roles_databases_and_clients_are_read_whole(cluster: Cluster) -> None:
    cluster.sql(
        "CREATE ROLE analyst LOGIN CREATEDB CONNECTION LIMIT 7",
        "ALTER ROLE analyst SET search_path = 'a=b', public",
        "ALTER ROLE analyst IN DATABASE template1 SET jit = on",
        "ALTER DATABASE postgres SET work_mem = '8MB'",
        "ALTER ROLE ALL SET lock_timeout = '1s'",
    )
    try:
        told = cluster.ask("roles")
        rules = [ClientRule(**row) for row in cluster.ask("clients")]
    finally:
        cluster.sql(
            "ALTER ROLE ALL RESET lock_timeout",
            "ALTER DATABASE postgres RESET work_mem",
            "DROP ROLE analyst",
        )
    roles = {row["name"]: RoleState(**row) for row in told["roles"]}
    assert roles["analyst"].connection_limit == 7
    assert roles["analyst"].attributes["CREATEDB"]
    assert not roles["analyst"].attributes["SUPERUSER"]
    assert roles["postgres"].attributes["SUPERUSER"]
    assert {StoredSetting(**row) for row in told["settings"]} == {
        StoredSetting("analyst", None, "search_path", '"a=b", public'),
        StoredSetting("analyst", "template1", "jit", "on"),
        StoredSetting(None, "postgres", "work_mem", "8MB"),
        StoredSetting(None, None, "lock_timeout", "1s"),
    }
    assert DatabaseState("postgres", "postgres", -1) in {
        DatabaseState(**row) for row in told["databases"]
    }
    local = ClientRule(rules[0].line, "local", "all", "all", "", "trust")
    assert rules[0] == local
    assert replace(rules[1], line=0) == ClientRule(
        0, "host", "all", "all", "127.0.0.1/255.255.255.255", "trust"
    )
