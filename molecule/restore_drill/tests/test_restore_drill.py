import json
import time

import pytest

PGBACKREST = "runuser -u postgres -- pgbackrest --stanza=proj-pg01"
REPOSITORY = "/mnt/backup/pgbackrest"
SCRATCH = "/mnt/data/drill"
RECORDS = "/mnt/backup/fingerprints"
METRICS = "/var/lib/prometheus/node-exporter/labdb-drill.prom"


def psql(host, text, database="desi"):
    return host.check_output(
        f"runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d {database} <<'SQL'\n{text}\nSQL"
    )


def backup(host, kind="differential"):
    """A backup as its timer makes it, and the fingerprints that follow it."""
    before = records(host)
    host.check_output(f"systemctl start pgbackrest-{kind}.service")
    wait_for_record(host, before)


def wait_for_record(host, before):
    end = time.monotonic() + 90
    while records(host) == before and time.monotonic() < end:
        time.sleep(0.5)
    assert records(host) != before, host.check_output("journalctl -u labdb-fingerprints --no-pager")


def records(host):
    return host.check_output(f"ls {RECORDS}").split()


def drill(host, **request):
    """Run a drill to its end and return its line of the ledger."""
    if request:
        path = "/var/lib/labdb/drill-request.json"
        host.check_output(
            f"install -o postgres /dev/null {path} && echo '{json.dumps(request)}' > {path}"
        )
    host.run("systemctl reset-failed labdb-drill.service; systemctl start labdb-drill.service")
    return json.loads(host.check_output("tail -n 1 /var/lib/labdb/drills.jsonl"))


def problems(line):
    return [item for item in line["findings"] if item["severity"] in ("warning", "critical")]


def causes(line):
    return " | ".join(f"{item['what']} {item['why']}" for item in problems(line))


@pytest.fixture(scope="module", autouse=True)
def galaxies(host):
    """A database with an index, and a backup of it."""
    psql(host, "create database desi", "postgres")
    psql(
        host,
        "create extension q3c; create table galaxies as select n as targetid,"
        " n * 0.001::float8 as ra, 'g' || n as name from generate_series(1, 50000) as n;"
        " alter table galaxies add primary key (targetid);"
        " create table voids as select generate_series(1, 100) as id",
    )
    backup(host, "full")


@pytest.fixture
def fresh(host):
    """Afterwards a full set that nothing is wrong with."""
    yield
    backup(host, "full")


def test_a_backup_is_followed_by_fingerprints_of_every_table(host):
    newest = records(host)[-1]
    record = json.loads(host.file(f"{RECORDS}/{newest}").content_string)
    told = {item["table"]: item["rows"] for item in record["databases"]["desi"]["tables"]}
    assert told == {"galaxies": 50000, "voids": 100}
    assert "q3c" in record["databases"]["desi"]["extensions"]


def test_the_timer_is_armed(host):
    timer = host.service("labdb-drill.timer")
    assert timer.is_running
    assert timer.is_enabled


def test_a_good_backup_is_proven_and_nothing_is_left_of_it(host):
    for number in range(3):
        psql(host, f"insert into voids values ({1000 + number})")
    before = psql(host, "select system_identifier from pg_control_system()", "postgres")
    line = drill(host)
    assert line["verdict"] == "passed", causes(line)
    checks = [item["check"] for item in line["findings"] if item["severity"] == "ok"]
    assert checks == ["fingerprints", "recovery", "amcheck", "checksums"]
    assert line["rto"] > 0
    assert set(line["phases"]) >= {"restore", "replay to the record", "replay to the target"}
    assert host.check_output(f"ls -A {SCRATCH}") == ""
    assert host.service("labdb-drill.service").systemd_properties["Result"] == "success"
    assert psql(host, "select system_identifier from pg_control_system()", "postgres") == before
    assert psql(host, "select failed_count from pg_stat_archiver", "postgres") == "0"


def test_its_figures_are_where_node_exporter_reads_them(host):
    text = host.file(METRICS).content_string
    assert 'labdb_drill_passed{stanza="proj-pg01"} 1' in text
    assert "labdb_drill_rto_seconds" in text
    assert host.file(METRICS).mode == 0o644


@pytest.mark.long
def test_the_same_moment_comes_again_with_the_same_seed(host):
    one = drill(host, seed=7)
    other = drill(host, label=one["set"], seed=7)
    assert "(seed 7)" in str(one["findings"])
    assert one["set"] == other["set"]


@pytest.mark.usefixtures("fresh")
def test_a_row_that_the_backup_does_not_give_back_is_found(host):
    newest = f"{RECORDS}/{records(host)[-1]}"
    record = json.loads(host.file(newest).content_string)
    table = next(
        item for item in record["databases"]["desi"]["tables"] if item["table"] == "galaxies"
    )
    table["rows"] += 10
    table["hash"] = "1"
    host.check_output(f"cat > {newest} <<'JSON'\n{json.dumps(record)}\nJSON")
    line = drill(host)
    assert line["verdict"] == "failed"
    assert "desi: public.galaxies does not hold the rows that it held" in causes(line)
    assert "50010 rows were recorded, 50000 restored" in causes(line)


@pytest.mark.usefixtures("fresh")
def test_a_table_that_was_dropped_before_the_backup_is_told(host):
    psql(host, "create table precious as select 1 as id")
    backup(host)
    psql(host, "drop table precious")
    backup(host)
    line = drill(host)
    assert line["verdict"] == "unproven"
    assert "desi: public.precious was dropped between" in causes(line)
    assert "labdb restore SERVER --name" in str(problems(line))


@pytest.mark.usefixtures("fresh")
def test_a_wal_segment_that_is_not_in_the_repository_is_named(host):
    archive = f"{REPOSITORY}/archive/proj-pg01"
    for _ in range(3):
        psql(host, "select pg_current_xact_id(); select pg_switch_wal()")
        time.sleep(1)
    psql(host, "insert into voids values (1)")
    found = host.check_output(f"find {archive} -name '*.zst' | sort | tail -n 2 | head -n 1")
    name = found.rsplit("/", 1)[-1][:24]
    host.check_output(f"rm {found}")
    line = drill(host, seed=1)
    assert line["verdict"] == "failed"
    assert f"WAL segment {name} is not in repository 1" in causes(line)


@pytest.mark.usefixtures("fresh")
def test_a_byte_that_flipped_in_the_repository_is_found(host):
    flip = (
        "import pathlib,sys; p=max((q for q in pathlib.Path(sys.argv[1]).rglob('*') if q.is_file()"
        " and 'bundle' in str(q)), key=lambda q: q.stat().st_size); b=bytearray(p.read_bytes());"
        " b[len(b)//2]^=255; p.write_bytes(b)"
    )
    newest = host.check_output(f"ls -d {REPOSITORY}/backup/proj-pg01/*F | tail -n 1")
    host.check_output("python3 -c %s %s", flip, newest)
    line = drill(host)
    assert line["verdict"] == "failed"
    assert f"set {newest.rsplit('/', 1)[-1]} cannot be restored from repository 1" in causes(line)


@pytest.mark.usefixtures("fresh")
def test_a_heap_page_that_was_damaged_before_the_backup_is_named(host):
    path = psql(host, "checkpoint; select pg_relation_filepath('voids')")
    host.check_output(
        "systemctl stop postgresql@16-main && printf x |"
        f" dd of=/mnt/data/pg01/{path} bs=1 seek=5000 conv=notrunc status=none &&"
        " systemctl start postgresql@16-main"
    )
    host.run("systemctl start pgbackrest-full.service")
    line = drill(host)
    assert line["verdict"] == "failed"
    assert "holds pages whose checksum was wrong when they were copied" in causes(line)
    assert path in causes(line)
    psql(host, "set zero_damaged_pages = on; truncate voids")
    host.run("systemctl reset-failed")


@pytest.mark.usefixtures("fresh")
def test_a_corrupt_index_is_named(host):
    psql(
        host, "create table c as select generate_series(1, 1000) as id; create index c_id on c (id)"
    )
    # Rows that the index does not know: written while it was not ready.
    psql(
        host,
        "update pg_index set indisready = false where indexrelid = 'c_id'::regclass;"
        " insert into c select generate_series(2000, 2100);"
        " update pg_index set indisready = true where indexrelid = 'c_id'::regclass",
    )
    backup(host)
    line = drill(host)
    assert line["verdict"] == "failed"
    assert "desi.public.c_id" in causes(line)
    psql(host, "drop table c")


@pytest.fixture
def wrong_passphrase(host):
    """Drill with another passphrase than that of the backups."""

    def drilled(repositories, **request):
        wrong = rf"s/^(repo{repositories}-cipher-pass)=.*/\1=wrong/"
        host.check_output(f"sed -E -i.kept '{wrong}' /etc/pgbackrest.conf")
        try:
            return drill(host, **request)
        finally:
            host.check_output("mv /etc/pgbackrest.conf.kept /etc/pgbackrest.conf")

    return drilled


@pytest.mark.usefixtures("fresh")
def test_a_wrong_passphrase_is_said_to_be_one(host, wrong_passphrase):
    line = wrong_passphrase("[12]")
    assert line["verdict"] == "failed"
    assert "repository 1 cannot be read" in causes(line)
    assert "passphrase" in str(problems(line))
    assert host.check_output(f"ls -A {SCRATCH}") == ""


@pytest.mark.long
@pytest.mark.usefixtures("fresh")
def test_wal_that_a_repository_does_not_get_is_told_with_the_reason(host, wrong_passphrase):
    backup(host, "full-repo2")
    line = wrong_passphrase("1", repository=2)
    assert line["verdict"] == "failed"
    assert "was not archived within 60 s repository 1 cannot be read" in causes(line)


def test_an_invariant_that_does_not_hold_is_told_with_its_answer(host, play_again):
    wanted = [
        {"name": "no galaxy is lost", "database": "desi",
         "sql": "(select count(*) >= 50000 from galaxies)"},
        {"name": "voids are few", "database": "desi", "sql": "(select count(*) < 1 from galaxies)"},
    ]  # fmt: skip
    done = play_again(restore_drill_invariants=wanted)
    assert done.returncode == 0, done.stdout
    line = drill(host)
    assert line["verdict"] == "failed"
    assert [item["severity"] for item in line["findings"] if item["check"] == "invariants"] == [
        "ok",
        "critical",
    ]
    assert "voids are few does not hold in desi" in causes(line)
    assert play_again().returncode == 0


def test_without_space_nothing_is_begun(host):
    free = int(host.check_output("df --block-size=1 --output=avail /mnt/data").split()[-1])
    host.check_output(f"fallocate --length {free - (1 << 30)} /mnt/data/full")
    try:
        line = drill(host)
    finally:
        host.check_output("rm /mnt/data/full")
    assert line["verdict"] == "refused"
    assert "too little space" in causes(line)
    assert host.check_output(f"ls -A {SCRATCH}") == ""


def test_a_drill_that_was_killed_leaves_nothing_and_can_be_made_again(host):
    host.check_output("systemctl start --no-block labdb-drill.service")
    end = time.monotonic() + 60
    while not host.file(f"{SCRATCH}/data/PG_VERSION").exists and time.monotonic() < end:
        time.sleep(0.1)
    host.run("systemctl kill --signal=SIGKILL labdb-drill.service")
    while host.check_output("systemctl show -p ActiveState --value labdb-drill") in (
        "activating",
        "deactivating",
    ):
        time.sleep(0.2)
    assert host.check_output(f"ls -A {SCRATCH}") == ""
    assert drill(host)["verdict"] == "passed"


def test_fingerprints_wait_for_a_moment_in_which_nobody_writes(host):
    before = records(host)
    load = "with row as (insert into voids values (5) returning 1) select pg_sleep(8) from row"
    host.check_output("systemd-run --unit=load --uid=postgres psql -d desi -c %s", load)
    time.sleep(1)
    host.check_output("systemctl start labdb-fingerprints.service")
    (newest,) = set(records(host)) - set(before)
    record = json.loads(host.file(f"{RECORDS}/{newest}").content_string)
    voids = next(item for item in record["databases"]["desi"]["tables"] if item["table"] == "voids")
    assert str(voids["rows"]) == psql(host, "select count(*) from voids")


def test_after_a_promotion_both_timelines_are_drilled(host):
    older = drill(host)["set"]
    signal = "install --owner=postgres /dev/null /mnt/data/pg01/standby.signal"
    unit = "postgresql@16-main"
    host.check_output(f"systemctl stop {unit} && {signal} && systemctl start {unit}")
    assert psql(host, "select pg_promote()") == "t"
    psql(host, "insert into voids values (2000)")
    across = drill(host, label=older)
    assert across["verdict"] == "passed", causes(across)
    backup(host)
    newest = json.loads(host.file(f"{RECORDS}/{records(host)[-1]}").content_string)
    assert newest["timeline"] == "00000002"
    line = drill(host)
    assert line["verdict"] == "passed", causes(line)
    assert line["record"] == newest["name"]


def test_a_set_in_an_object_store_is_drilled_from_there(host):
    backup(host, "full-repo2")
    line = drill(host, repository=2)
    assert line["verdict"] == "passed", causes(line)
    assert line["repository"] == 2


CLOCK = "/run/clock"
FAKED = {
    "LD_PRELOAD": "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "FAKETIME_TIMESTAMP_FILE": CLOCK,
    "FAKETIME_NO_CACHE": "1",
    "NO_FAKE_STAT": "1",
    "DONT_FAKE_MONOTONIC": "1",
}


@pytest.fixture
def put_clock(host):
    """Put the clock of PostgreSQL, and of what backs it up, ahead of the machine's own."""
    # Debian's start of a cluster takes nothing from its unit's environment.
    cluster = "/etc/postgresql/16/main/environment"
    drop_in = "/etc/systemd/system/pgbackrest-differential.service.d/faketime.conf"
    restart = "systemctl daemon-reload && systemctl restart postgresql@16-main"
    of_cluster = "\n".join(f"{name} = '{value}'" for name, value in FAKED.items())
    of_unit = "\n".join(f"Environment={name}={value}" for name, value in FAKED.items())
    host.check_output("apt-get install --yes --no-install-recommends libfaketime")
    host.check_output(f"cp -p {cluster} {cluster}.kept && mkdir -p $(dirname {drop_in})")
    host.check_output(f"cat >> {cluster} <<'END'\n{of_cluster}\nEND")
    host.check_output(f"cat > {drop_in} <<'END'\n[Service]\n{of_unit}\nEND")
    host.check_output(f"echo +0 > {CLOCK} && {restart}")
    yield lambda offset: host.check_output(f"echo {offset} > {CLOCK}")
    host.check_output(f"mv {cluster}.kept {cluster} && rm {drop_in} {CLOCK} && {restart}")


@pytest.fixture
def no_future(host):
    """Afterwards the set, the records and the instance of a clock that was wrong are gone."""
    yield
    sets = host.check_output(f"{PGBACKREST} repo-ls backup/proj-pg01 --filter='F(_.*)?$'")
    label = max(sets.split())
    history = f"backup/proj-pg01/backup.history/{label[:4]}/{label}.manifest.gz"
    host.check_output(f"{PGBACKREST} --set={label} expire && {PGBACKREST} repo-rm {history}")
    host.check_output(
        f"rm {RECORDS}/*; systemctl stop 'labdb-restore*'; rm -rf /mnt/data/restore"
        " /etc/systemd/system/labdb-restore*; systemctl daemon-reload; systemctl reset-failed"
    )
    backup(host, "full")


@pytest.mark.long
@pytest.mark.usefixtures("no_future")
def test_a_clock_that_ran_ahead_and_was_put_right_is_named(host, put_clock, play_again):
    put_clock("+2h")
    psql(host, "create table ticks as select 1 as id")
    backup(host)
    put_clock("+0")
    before = records(host)
    # None is made before the clock has passed the one of the future, and the records tell it.
    assert host.run("systemctl start pgbackrest-differential.service").rc != 0
    assert "clock skew" in host.check_output("journalctl -u pgbackrest-differential --lines=20")
    wait_for_record(host, before)
    psql(host, "insert into ticks values (2); select pg_create_restore_point('two ticks')")
    moment = psql(host, "select clock_timestamp()")
    psql(host, "drop table ticks")

    line = drill(host)
    assert line["verdict"] == "unproven", causes(line)
    assert "the server's clock went back, by 1:5" in causes(line)

    by_time = play_again(
        play="restore.yml", pgbackrest_restore_type="time", pgbackrest_restore_target=moment
    )
    assert by_time.returncode != 0
    assert "came twice on this server" in " ".join(by_time.stdout.split())
    by_name = play_again(
        play="restore.yml", pgbackrest_restore_type="name", pgbackrest_restore_target="two ticks"
    )
    assert by_name.returncode == 0, by_name.stdout
    found = host.check_output("runuser -u postgres -- psql -XAtq -p 5433 -d desi -c 'table ticks'")
    assert found.split() == ["1", "2"]
