import json
import os
import random
import re
import time

import pytest

from labdb.adapters.content import query
from labdb.domain.recovery.fingerprint import differences, fingerprints

ORIGINAL, RESTORED = 5432, 5433
DATA = "/mnt/data/pg01"
FOLDER = "/mnt/data/restore"
TICKS = 30
PGBACKREST = "runuser -u postgres -- pgbackrest --stanza=proj-pg01"


def psql(host, text, port, database="postgres"):
    return host.check_output(
        f"runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -p {port} -d {database} <<'SQL'\n"
        f"{text}\nSQL"
    )


def prints(host, port, database="postgres"):
    return fingerprints(json.loads(psql(host, query("fingerprint"), port, database)))


def identity(host):
    """System identifier and timeline of the original, as its control file has them."""
    told = host.check_output(f"/usr/lib/postgresql/16/bin/pg_controldata -D {DATA}")
    names = ("Database system identifier", "Latest checkpoint's TimeLineID")
    return [re.search(f"^{name}: *(.*)$", told, re.MULTILINE)[1] for name in names]


def archived(host):
    """Whether a segment that is closed now reaches the repository."""
    segment = psql(
        host, "select pg_current_xact_id(); select pg_walfile_name(pg_switch_wal())", ORIGINAL
    ).splitlines()[-1]
    end = time.monotonic() + 30
    ask = f"select last_archived_wal >= '{segment}' from pg_stat_archiver"
    while (kept := psql(host, ask, ORIGINAL)) != "t" and time.monotonic() < end:
        time.sleep(0.5)
    return kept == "t"


@pytest.fixture
def restore(host, play_again):
    """Restore to another target than the one before."""

    def to(kind, target="", **more):
        nothing(host)
        wanted = {"pgbackrest_restore_type": kind, "pgbackrest_restore_target": target}
        done = play_again(**wanted, **{f"pgbackrest_restore_{key}": more[key] for key in more})
        assert done.returncode == 0, done.stdout
        return done.stdout

    return to


def nothing(host):
    """Take away what was restored, without the role's help."""
    host.check_output(
        f"systemctl stop 'labdb-restore*'; rm -rf {FOLDER} /etc/systemd/system/labdb-restore*;"
        " systemctl daemon-reload"
    )


def discard(play_again):
    done = play_again(pgbackrest_restore_state="absent")
    assert done.returncode == 0, done.stdout


def refused(done):
    """What a play said that was refused."""
    assert done.returncode != 0
    return " ".join(done.stdout.split())


def test_the_instance_runs_beside_the_original_on_a_timeline_of_its_own(host):
    ask = (
        "select system_identifier || ' ' || left(pg_walfile_name(pg_current_wal_lsn()), 8)"
        " from pg_control_system() where not pg_is_in_recovery()"
    )
    original, restored = psql(host, ask, ORIGINAL).split(), psql(host, ask, RESTORED).split()
    assert original[0] == restored[0]
    assert (original[1], restored[1]) == ("00000001", "00000002")


def test_what_was_reached_is_told(host):
    told = json.loads(host.file(f"{FOLDER}/reached.json").content_string)
    assert told["reached"]["timeline"] == "00000002"
    assert told["reached"]["system_identifier"] == identity(host)[0]
    # Everything that the original had committed when it began.
    compare = f"select pg_lsn '{told['reached']['lsn']}' >= pg_lsn '{told['closed']['lsn']}'"
    assert psql(host, compare, ORIGINAL) == "t"


def test_it_can_be_reached_from_the_server_alone(host):
    listening = host.check_output("ss --no-header --listening --numeric --tcp 'sport = :5433'")
    assert [line.split()[3] for line in listening.splitlines()] == ["127.0.0.1:5433"]
    plain = host.run("psql -h 127.0.0.1 -p 5433 -U desi_dev -w 'sslmode=disable' -c 'select 1'")
    assert "no encryption" in plain.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("archive_mode", "off"),
        ("shared_preload_libraries", ""),
        ("max_wal_senders", "0"),
        ("max_logical_replication_workers", "0"),
        ("autovacuum", "off"),
        ("shared_buffers", "128MB"),
    ],
)
def test_nothing_goes_out_and_little_is_taken(host, name, value):
    assert psql(host, f"show {name}", RESTORED) == value


def test_its_unit_can_neither_write_nor_read_the_original(host):
    main = host.check_output("systemctl show --property=MainPID --value labdb-restore.service")
    inside, as_it = f"/proc/{main}/root", "runuser -u postgres --"
    assert host.run(f"{as_it} test -e {inside}{FOLDER}/data/PG_VERSION").rc == 0
    assert host.run(f"{as_it} test -e {inside}{DATA}/PG_VERSION").rc != 0
    for path in ("/mnt/data/pgbackrest-spool", "/mnt/backup/pgbackrest"):
        assert host.run(f"{as_it} touch {path}/touched").rc == 0
    for path in ("/mnt/data/pgbackrest-spool", "/mnt/backup/pgbackrest"):
        refused = host.run(f"{as_it} touch {inside}{path}/touched")
        assert "Read-only file system" in refused.stderr


def test_it_does_not_come_back_at_boot(host):
    assert host.run("systemctl is-enabled labdb-restore.service").stdout.strip() == "static"


def test_the_same_request_again_changes_nothing_and_another_one_is_refused(host, play_again):
    before = psql(host, "select pg_postmaster_start_time()", RESTORED)
    again = play_again()
    assert again.returncode == 0
    assert re.search(r"changed=0\b", again.stdout)
    other = refused(play_again(pgbackrest_restore_type="immediate"))
    assert "restored for another request" in other
    assert psql(host, "select pg_postmaster_start_time()", RESTORED) == before


def test_a_discard_leaves_nothing_and_touches_nothing_else(host, play_again):
    was = identity(host)
    discard(play_again)
    assert not host.file(FOLDER).exists
    assert host.run("systemctl cat labdb-restore.service").rc != 0
    assert not host.file("/run/postgresql/.s.PGSQL.5433").exists
    assert identity(host) == was
    assert re.search(r"changed=0\b", play_again(pgbackrest_restore_state="absent").stdout)


def test_a_dry_run_restores_nothing(host, play_again):
    tried = play_again("--check")
    assert tried.returncode == 0, tried.stdout
    assert re.search(r"changed=[1-9]", tried.stdout)
    assert not host.file(FOLDER).exists


@pytest.fixture(scope="module")
def accident(host):
    """A table with rows, every way to name the moment after them, and then the accident."""
    psql(
        host,
        "create table galaxies as select n as targetid, n * 0.1::float8 as ra, 'g' || n as name"
        " from generate_series(1, 20000) as n; delete from galaxies where targetid % 7 = 0",
        ORIGINAL,
    )
    before = prints(host, ORIGINAL)
    psql(host, "select pg_create_restore_point('before the accident')", ORIGINAL)
    names = {
        "time": psql(host, "select clock_timestamp()", ORIGINAL),
        "lsn": psql(host, "select pg_current_wal_insert_lsn()", ORIGINAL),
        "name": "before the accident",
    }
    names["xid"] = psql(
        host, "begin; select pg_current_xact_id(); drop table galaxies; commit", ORIGINAL
    )
    psql(host, "create table voids as select generate_series(1, 100) as id", ORIGINAL)
    return before, names


@pytest.mark.parametrize(
    "kind",
    [
        "time",
        pytest.param("xid", marks=pytest.mark.long),
        pytest.param("name", marks=pytest.mark.long),
        pytest.param("lsn", marks=pytest.mark.long),
    ],
)
def test_a_dropped_table_comes_back_as_it_was_and_the_original_stays_as_it_is(
    host, restore, accident, kind
):
    before, names = accident
    now, was = prints(host, ORIGINAL), identity(host)
    restore(kind, names[kind], exclusive=kind == "xid")
    assert prints(host, RESTORED) == before
    assert prints(host, ORIGINAL) == now
    assert identity(host) == was
    told = {item.table: item.kind for item in differences(prints(host, RESTORED), now)}
    assert told == {"galaxies": "gone", "voids": "new"}


def test_rows_are_copied_back_with_what_postgresql_brings(host, accident):
    before, _ = accident
    copy = (
        "set -o pipefail; runuser -u postgres -- pg_dump -p 5433 -t galaxies postgres"
        " | runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -p 5432 postgres"
    )
    host.check_output(f"bash -c '{copy}'")
    assert differences(before, prints(host, ORIGINAL))[0].table == "voids"
    assert len(differences(before, prints(host, ORIGINAL))) == 1


def test_the_newest_commit_is_in_a_restore_of_the_latest(host, restore):
    psql(host, "insert into voids values (101)", ORIGINAL)
    restore("latest")
    assert psql(host, "select max(id) from voids", RESTORED) == "101"


def test_a_restore_that_was_cut_short_is_begun_anew(host, play_again):
    host.check_output(
        f"systemctl stop labdb-restore.service && rm {FOLDER}/reached.json"
        f" && rm {FOLDER}/data/PG_VERSION && touch {FOLDER}/data/junk"
    )
    assert play_again().returncode == 0
    assert not host.file(f"{FOLDER}/data/junk").exists
    assert psql(host, "select count(*) from voids", RESTORED) == "101"


def test_an_instance_that_was_stopped_is_started_again_as_it_was(host, play_again):
    reached = host.file(f"{FOLDER}/reached.json").content_string
    psql(host, "create table kept as select 1", RESTORED)
    host.check_output("systemctl stop labdb-restore.service")
    assert play_again().returncode == 0
    assert psql(host, "select count(*) from kept", RESTORED) == "1"
    assert host.file(f"{FOLDER}/reached.json").content_string == reached


@pytest.mark.long
def test_the_end_of_the_backup_is_a_target(host, restore):
    restore("immediate")
    assert psql(host, "select to_regclass('voids') is null", RESTORED) == "t"


def test_one_database_comes_out_of_a_full_set(host, restore):
    for name in ("one", "two"):
        psql(host, f"create database {name}", ORIGINAL)
        psql(host, "create table t as select generate_series(1, 1000) as n", ORIGINAL, name)
    host.check_output(f"{PGBACKREST} --type=diff backup")
    restore("latest", database="one")
    assert psql(host, "select count(*) from t", RESTORED, "one") == "1000"
    assert host.run("runuser -u postgres -- psql -p 5433 two -c 'select 1'").rc != 0


@pytest.fixture(scope="module")
def ticks(host):
    """Moments of a server under load, each named in every way, after as many rows as its number."""
    psql(host, "create database busy", ORIGINAL)
    psql(host, "create table ticks (id int)", ORIGINAL, "busy")
    host.check_output("runuser -u postgres -- pgbench --initialize --quiet busy")
    host.check_output(
        "systemd-run --unit=load --uid=postgres pgbench --client=4 --rate=100 --time=36000 busy"
    )
    moments = []
    for number in range(1, TICKS + 1):
        told = psql(
            host,
            f"insert into ticks values ({number}) returning pg_current_xact_id();"
            f" select pg_create_restore_point('tick {number}');"
            " select pg_current_wal_insert_lsn(); select clock_timestamp()",
            ORIGINAL,
            "busy",
        )
        xid, _, lsn, moment = told.splitlines()
        names = {"xid": xid, "name": f"tick {number}", "lsn": lsn, "time": moment}
        moments.append((number, names))
    yield moments
    host.check_output("systemctl stop load.service")


def test_random_moments_under_load_come_back_exactly(host, restore, ticks):
    seed = int(os.environ.get("LABDB_SEED", random.randrange(1 << 32)))
    drawn, was = random.Random(seed), identity(host)
    for turn in range(int(os.environ.get("LABDB_PITR_TARGETS", "1"))):
        number, names = drawn.choice(ticks)
        kind = drawn.choice(sorted(names))
        restore(kind, names[kind])
        about = f"seed {seed}, turn {turn}: {kind} {names[kind]}"
        found = psql(host, "select count(*), max(id) from ticks", RESTORED, "busy")
        assert found == f"{number}|{number}", about
        # A transaction of the load adds the same to an account, a teller, a branch and the history.
        sums = psql(
            host,
            "select count(distinct sum) from (select sum(abalance) from pgbench_accounts"
            " union all select sum(tbalance) from pgbench_tellers"
            " union all select sum(bbalance) from pgbench_branches"
            " union all select coalesce(sum(delta), 0) from pgbench_history) as sums",
            RESTORED,
            "busy",
        )
        assert sums == "1", about
    assert identity(host) == was
    assert psql(host, "select count(*) from ticks", ORIGINAL, "busy") == str(TICKS)


def test_archiving_of_the_original_goes_on(host):
    assert archived(host)
    assert psql(host, "select failed_count from pg_stat_archiver", ORIGINAL) == "0"


def test_a_target_that_is_never_reached_says_so_in_postgresqls_own_words(host, play_again):
    nothing(host)
    wrong = play_again(pgbackrest_restore_type="name", pgbackrest_restore_target="never made")
    assert "recovery ended before configured recovery target was reached" in refused(wrong)
    assert archived(host)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"type": "time", "target": "2001-01-01 00:00Z"}, "before the oldest"),
        ({"type": "time", "target": "2026-11-25 08:12"}, "has no zone"),
        ({"type": "lsn", "target": "0/1"}, "before the oldest"),
        ({"set": "20010101-000000F"}, "20010101-000000F"),
        ({"port": 5432}, "somebody listens on port 5432"),
        ({"directory": "/mnt/data/pg01/restore"}, "lie in one another"),
        ({"directory": "/mnt/data"}, "lie in one another"),
        ({"directory": "/mnt/backup"}, "no restore of labdb left there"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_touched(host, play_again, variables, words):
    nothing(host)
    was = prints(host, ORIGINAL)
    given = {f"pgbackrest_restore_{name}": value for name, value in variables.items()}
    assert words in refused(play_again(**given))
    assert not host.file(FOLDER).exists
    assert prints(host, ORIGINAL) == was


def test_without_space_nothing_is_begun(host, play_again):
    free = int(host.check_output("df --block-size=1 --output=avail /mnt/data").split()[-1])
    host.check_output(f"fallocate --length {free - (1 << 30)} /mnt/data/full")
    try:
        assert "too little space" in refused(play_again())
        assert not host.file(FOLDER).exists
    finally:
        host.check_output("rm /mnt/data/full")
