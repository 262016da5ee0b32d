import json
import re

import pytest

EXPORTS = "/mnt/backup/exports"
SCRATCH = "/mnt/data/export"
ONE, OTHER = "desi_void_desivast", "desi_void_fastspecfit"


def psql(host, text, database=ONE):
    return host.check_output(
        f"runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d {database} <<'SQL'\n{text}\nSQL"
    )


def export(host):
    """Run the unit to its end and return the newest line of each database."""
    host.run("systemctl reset-failed labdb-export.service; systemctl start labdb-export.service")
    lines = host.check_output("cat /var/lib/labdb/exports.jsonl").splitlines()
    return {line["database"]: line for line in map(json.loads, lines)}


def kept(host, database=ONE):
    return host.check_output(f"ls {EXPORTS}/{database}").split()


def problems(line):
    wrong = [item for item in line["findings"] if item["severity"] != "ok"]
    return " | ".join(f"{item['what']} {item['why']}" for item in wrong)


@pytest.fixture(scope="module", autouse=True)
def galaxies(host):
    """Tables with rows, an index and an owner."""
    psql(
        host,
        "create schema if not exists sky; create table sky.galaxies as select n as targetid,"
        " n * 0.001::float8 as ra, 'g' || n as name from generate_series(1, 20000) as n;"
        " alter table sky.galaxies add primary key (targetid);"
        " alter table sky.galaxies owner to desi_dev; create materialized view sky.few as"
        " select * from sky.galaxies where targetid < 10",
    )


@pytest.fixture(scope="module")
def lines(host):
    return export(host)


def test_every_declared_database_is_exported_and_proven(host, lines):
    assert set(lines) == {ONE, OTHER}
    assert {line["verdict"] for line in lines.values()} == {"passed"}, lines
    assert "with 20002 rows are as they were" in lines[ONE]["findings"][0]["what"]
    assert host.check_output(f"ls -A {SCRATCH}") == ""
    properties = host.service("labdb-export.service").systemd_properties
    assert properties["Result"] == "success"


@pytest.mark.usefixtures("lines")
def test_an_export_is_what_pg_restore_takes(host):
    (name,) = kept(host)
    assert re.fullmatch(r"\d{8}T\d{6}Z", name)
    listed = host.check_output(f"runuser -u postgres -- pg_restore --list {EXPORTS}/{ONE}/{name}")
    assert "TABLE DATA sky galaxies desi_dev" in listed
    assert host.file(EXPORTS).mode == 0o700


@pytest.mark.usefixtures("lines")
def test_its_figures_are_where_node_exporter_reads_them(host):
    path = "/var/lib/prometheus/node-exporter/labdb-export.prom"
    assert f'labdb_export_passed{{database="{ONE}"}} 1' in host.file(path).content_string


def test_the_timer_is_armed(host):
    timer = host.service("labdb-export.timer")
    assert timer.is_running
    assert timer.is_enabled


@pytest.mark.usefixtures("lines")
def test_what_is_old_or_was_cut_short_goes_and_files_of_others_stay(host):
    old, short, others = "20200101T040000Z", "20261101T040000Z.partial", "before_the_move"
    host.check_output(f"cd {EXPORTS}/{ONE} && mkdir {old} {short} {others}")
    assert export(host)[ONE]["verdict"] == "passed"
    assert {old, short, others} & set(kept(host)) == {others}


@pytest.mark.usefixtures("lines")
def test_what_does_not_come_back_fails_and_the_exports_before_stay(host):
    before = kept(host)
    # A check that holds only for who looks for galaxies in the schema sky: pg_restore does not.
    psql(
        host,
        "set search_path = sky; create function ok(int) returns boolean language plpgsql as"
        " $$ begin return exists (select from galaxies); end $$;"
        " create table checked (id int check (sky.ok(id))); insert into checked values (1)",
    )
    try:
        line = export(host)[ONE]
    finally:
        psql(host, "drop table sky.checked; drop function sky.ok")
    assert line["verdict"] == "failed"
    assert "galaxies" in problems(line)
    assert kept(host) == before
    assert host.service("labdb-export.service").systemd_properties["Result"] == "exit-code"
    assert export(host)[ONE]["verdict"] == "passed"


@pytest.mark.usefixtures("lines")
def test_without_space_nothing_is_exported_and_it_is_said(host):
    before = kept(host)
    free = int(host.check_output("df --block-size=1 --output=avail /mnt/backup").split()[-1])
    host.check_output(f"fallocate --length {free - (1 << 20)} /mnt/backup/full")
    try:
        line = export(host)[ONE]
    finally:
        host.check_output("rm /mnt/backup/full")
    assert "too little space" in problems(line)
    assert kept(host) == before


def test_where_they_are_no_longer_declared_the_timer_goes_and_the_exports_stay(host, play_again):
    before = kept(host)
    done = play_again(logical_export_enabled=False)
    assert done.returncode == 0, done.stdout
    assert host.run("systemctl cat labdb-export.timer").rc != 0
    assert kept(host) == before
    assert re.search(r"changed=0\b", play_again(logical_export_enabled=False).stdout)
    assert play_again().returncode == 0
    assert host.service("labdb-export.timer").is_running
