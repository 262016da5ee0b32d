import json
import os
import time
from pathlib import Path

import pytest

from labdb.domain.recovery.choice import unreadable

PGBACKREST = "runuser -u postgres -- pgbackrest --stanza=proj-pg01"
REPOSITORY = "/mnt/backup/pgbackrest"
BUCKET = "/srv/object-store/backups/pgbackrest"
CONFIGURATION = "/etc/pgbackrest.conf"
each_repository = pytest.mark.parametrize("repository", [1, 2])


def sql(host, query, *options):
    more = " ".join(options)
    return host.check_output(f"runuser -u postgres -- psql -XAtq {more} -c %s", query)


def info(host):
    return json.loads(host.check_output(f"{PGBACKREST} --output=json info"))[0]


def sets(host, repository):
    return [item for item in info(host)["backup"] if item["database"]["repo-key"] == repository]


def has_segment(host, repository, segment):
    """Whether the archive of *repository* has *segment*."""
    listed = f"--repo={repository} repo-ls archive/proj-pg01 --recurse --filter={segment}"
    return segment in host.run(f"{PGBACKREST} {listed}").stdout


def within(seconds, promise):
    """Whether *promise* comes true in time."""
    end = time.monotonic() + seconds
    while not (kept := promise()) and time.monotonic() < end:
        time.sleep(0.5)
    return kept


@pytest.fixture(scope="session")
def secrets():
    folder = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
    (key,) = json.loads((folder / "store.yml").read_text())["s3_keys"].values()
    return [(folder / "cipher").read_text().strip(), *key.values()]


@each_repository
def test_there_is_a_full_backup_before_the_first_data(host, repository):
    assert info(host)["status"]["message"] == "ok"
    found = sets(host, repository)
    assert [backup["type"] for backup in found] == ["full"]
    assert found[0]["error"] is False


@pytest.mark.parametrize("folder", [REPOSITORY, BUCKET])
def test_the_repository_is_encrypted(host, folder):
    assert info(host)["cipher"] == "aes-256-cbc"
    head = host.check_output(f"head -c 8 {folder}/backup/proj-pg01/backup.info")
    assert head == "Salted__"


def test_the_secrets_can_be_read_by_nobody_and_show_nowhere(host, secrets):
    assert host.run(f"runuser -u nobody -- cat {CONFIGURATION}").rc != 0
    places = "/etc /var/log /run/systemd /mnt/data/pg01/log /mnt/backup"
    journal = host.check_output("journalctl --no-pager")
    for secret in secrets:
        found = host.run(f"grep --recursive --files-with-matches --fixed-strings {secret} {places}")
        assert found.stdout.split() == [CONFIGURATION]
        assert secret not in journal


@each_repository
def test_a_full_wal_segment_reaches_the_repository(host, repository):
    segment = sql(
        host,
        "select pg_walfile_name(pg_switch_wal())"
        " from pg_logical_emit_message(true, 'molecule', 'segment')",
    )
    assert within(30, lambda: has_segment(host, repository, segment))
    assert sql(host, "select failed_count from pg_stat_archiver") == "0"


@pytest.mark.parametrize("name", ["full", "differential", "full-repo2", "differential-repo2"])
def test_the_timers_are_armed(host, name):
    timer = host.service(f"pgbackrest-{name}.timer")
    assert timer.is_running
    assert timer.is_enabled
    show = f"systemctl show --property=NextElapseUSecRealtime --value pgbackrest-{name}.timer"
    assert host.check_output(show)


def test_the_locks_are_where_nobody_else_may_write_and_come_back_at_boot(host):
    locks = host.file("/run/pgbackrest")
    assert (locks.user, locks.mode) == ("postgres", 0o750)
    host.check_output("rm --recursive /run/pgbackrest")
    host.check_output("systemd-tmpfiles --create --prefix=/run/pgbackrest")
    assert (locks.user, locks.mode) == ("postgres", 0o750)
    # A lock is there only while somebody holds it: whoever archives the segment of the check.
    seen = (
        "for turn in $(seq 1000); do ls /run/pgbackrest | grep -q lock && exit 0; sleep 0.02; done"
    )
    check = f"(({seen}; exit 1) & watch=$!; {PGBACKREST} check && wait $watch)"
    assert host.run(check).rc == 0
    assert not host.file("/tmp/pgbackrest").exists


def test_two_backups_that_meet_wait_for_each_other(host):
    both = "systemctl start pgbackrest-differential.service pgbackrest-full.service"
    assert host.run(both).rc == 0
    made = [backup["type"] for backup in sets(host, 1)]
    assert len(made) == 3
    assert set(made) == {"full", "diff"}


@each_repository
def test_a_backup_can_be_restored_and_holds_the_data(host, repository):
    sql(host, f"create table precious_{repository} as select 42 as answer")
    host.check_output(f"{PGBACKREST} --repo={repository} --type=diff backup")
    scratch = "/mnt/data/scratch"
    # A restore empties its spool folder: the running server's archiving would lose its place.
    apart = f"--repo={repository} --pg1-path={scratch} --spool-path={scratch}-spool"
    host.check_output(
        f"install --directory --owner=postgres --mode=0700 {scratch} {scratch}-spool"
        f" && {PGBACKREST} {apart} --type=immediate --target-action=promote restore"
        f" && install -o postgres /dev/null {scratch}/postgresql.conf"
        f" && install -o postgres /etc/postgresql/16/main/pg_hba.conf {scratch}/pg_hba.conf"
    )
    options = {
        "port": 5999,
        "listen_addresses": "",
        "unix_socket_directories": "/run/postgresql",
        "archive_mode": "off",
        "max_connections": 200,
        "max_locks_per_transaction": 256,
        "max_worker_processes": 16,
        "max_wal_senders": 10,
    }
    given = " ".join(f"-c {name}={value}" for name, value in options.items())
    control = f"runuser -u postgres -- /usr/lib/postgresql/16/bin/pg_ctl -D {scratch} -w"
    start = host.run(f"{control} -l {scratch}/server.log -o '{given}' start")
    assert start.rc == 0, host.check_output(f"cat {scratch}/server.log")
    assert sql(host, f"select answer from precious_{repository}", "--port=5999") == "42"
    host.check_output(f"{control} -m immediate stop && rm --recursive {scratch} {scratch}-spool")
    assert sql(host, "select failed_count from pg_stat_archiver") == "0"


def test_a_backup_that_fails_is_a_failed_unit_that_says_why(host):
    host.check_output(f"mv {REPOSITORY}/backup {REPOSITORY}/gone && touch {REPOSITORY}/backup")
    try:
        assert host.run("systemctl start pgbackrest-full.service").rc != 0
        assert "pgbackrest-full.service" in host.check_output("systemctl --failed --no-legend")
        assert "ERROR" in host.check_output("journalctl --no-pager --unit pgbackrest-full.service")
    finally:
        host.check_output(f"rm {REPOSITORY}/backup && mv {REPOSITORY}/gone {REPOSITORY}/backup")
        host.check_output("systemctl reset-failed pgbackrest-full.service")


def test_another_passphrase_for_a_repository_in_use_is_refused(host, play_again):
    before = host.file(CONFIGURATION).sha256sum
    wrong = play_again(pgbackrest_cipher_pass="another-passphrase-altogether")
    assert wrong.returncode != 0
    assert "was made with another passphrase" in wrong.stdout
    assert "another-passphrase-altogether" not in wrong.stdout
    assert host.file(CONFIGURATION).sha256sum == before


def test_no_secret_shows_even_when_the_playbook_talks_much(host, play_again, monkeypatch, secrets):
    host.check_output(f"rm {CONFIGURATION}")
    monkeypatch.setenv("ANSIBLE_VERBOSITY", "4")
    monkeypatch.setenv("ANSIBLE_DIFF_ALWAYS", "1")
    again = play_again()
    assert again.returncode == 0
    assert [secret for secret in secrets if secret in again.stdout] == []
    assert info(host)["status"]["message"] == "ok"


def test_a_backup_that_was_killed_is_made_anew(host):
    sql(host, "create table large as select md5(n::text) from generate_series(1, 2000000) as n")
    before = [backup["label"] for backup in info(host)["backup"]]
    host.check_output("systemctl start --no-block pgbackrest-full.service")
    assert within(30, lambda: host.run("pgrep --full 'pgbackrest.*backup:local'").rc == 0)
    host.check_output("systemctl kill --signal=SIGKILL pgbackrest-full.service")
    state = "systemctl show --property=ActiveState --value pgbackrest-full.service"
    assert within(30, lambda: host.check_output(state) == "failed")
    assert [backup["label"] for backup in info(host)["backup"]] == before
    host.check_output("systemctl start pgbackrest-full.service")
    assert len(info(host)["backup"]) == len(before) + 1
    assert info(host)["status"]["message"] == "ok"
    sql(host, "drop table large")


def test_a_backup_that_was_missed_while_the_machine_was_off_is_made_when_it_is_up(host):
    before = len(info(host)["backup"])
    timer = "pgbackrest-differential.timer"
    host.check_output(
        f"systemctl stop {timer} && touch --date='3 days ago' /var/lib/systemd/timers/stamp-{timer}"
        f" && systemctl start {timer}"
    )
    assert within(60, lambda: len(info(host)["backup"]) == before + 1)
    assert host.service(timer).is_running


WRITE = (
    "create table if not exists noise (words text);"
    " insert into noise select md5(random()::text) from generate_series(1, 150000) as n;"
    " select pg_walfile_name(pg_switch_wal())"
)


def noise(host):
    """Write more than a segment of WAL, and return the name of the one that was closed."""
    return sql(host, WRITE).splitlines()[-1]


def test_a_full_repository_loses_no_wal_and_postgresql_runs_on(host):
    free = int(host.check_output("df --block-size=1 --output=avail /mnt/backup").split()[-1])
    host.check_output(f"fallocate --length {free - (1 << 20)} /mnt/backup/full")
    segments = [noise(host) for _ in range(3)]
    assert within(60, lambda: sql(host, "select failed_count > 0 from pg_stat_archiver") == "t")
    assert sql(host, "select count(*) > 400000 from noise") == "t"
    host.check_output("rm /mnt/backup/full")
    segments.append(noise(host))
    assert within(90, lambda: all(has_segment(host, 1, segment) for segment in segments))
    sql(host, "drop table noise; select pg_stat_reset_shared('archiver')")


@pytest.fixture
def configured(host):
    """Change pgBackRest's configuration for one test; returned is how to take it back before."""
    kept = f"{CONFIGURATION}.kept"
    host.check_output(f"cp --preserve {CONFIGURATION} {kept}")

    def undo():
        host.check_output(f"cp --preserve {kept} {CONFIGURATION}")

    def change(expression):
        host.check_output(f"sed --in-place '{expression}' {CONFIGURATION}")
        return undo

    yield change
    undo()
    host.check_output(f"rm {kept}")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("s/^repo2-s3-key-secret=.*/&x/", "403 (Forbidden): SignatureDoesNotMatch"),
        ("s/^repo2-s3-key=.*/&x/", "403 (Forbidden): InvalidAccessKeyId"),
        ("s/^repo2-s3-bucket=.*/&x/", "404 (Not Found): NoSuchBucket"),
    ],
)
def test_an_object_store_says_why_it_refuses(host, configured, change, says):
    configured(change)
    told = unreadable([info(host)])
    assert list(told) == [2]
    assert says in told[2]


def test_an_object_store_that_nobody_vouches_for_gets_nothing_and_holds_nothing_up(
    host, configured
):
    write = "select pg_walfile_name(pg_switch_wal()) from pg_logical_emit_message(true, 'm', 'm')"
    undo = configured("/^repo2-storage-ca-file=/d; s/^io-timeout=.*/io-timeout=1/")
    assert "unable to verify certificate" in unreadable([info(host)])[2]
    segment = sql(host, write)
    assert within(60, lambda: has_segment(host, 1, segment))
    undo()
    sql(host, write)
    assert within(90, lambda: has_segment(host, 2, segment))


def test_a_bucket_without_a_key_is_refused(play_again):
    refused = play_again(pgbackrest_s3_keys={})
    assert refused.returncode != 0
    assert "there is no key of s3.labdb.test:9000/backups" in " ".join(refused.stdout.split())


@pytest.fixture
def away(host):
    """Take repository 1 away from whoever writes WAL; returned is how to bring it back before."""
    folder = f"{REPOSITORY}/archive"
    host.check_output(f"mv {folder} {folder}.away && touch {folder}")

    def back():
        host.run(f"test -d {folder}.away && rm {folder} && mv {folder}.away {folder}")

    yield back
    back()


def test_the_wal_that_waits_is_bounded_and_postgresql_runs_on(host, configured, away):
    configured("/^archive-push-queue-max=/s/=.*/=48MiB/")
    waiting = "select count(*) from pg_ls_archive_statusdir() where name like '%.ready'"
    segments = [noise(host) for _ in range(8)]
    # What is more is dropped, so that the data disk does not fill.
    assert within(90, lambda: int(sql(host, waiting)) <= 3), sql(host, waiting)
    assert sql(host, "select count(*) = 1200000 from noise") == "t"
    away()
    newest = noise(host)
    assert within(90, lambda: has_segment(host, 1, newest))
    assert [segment for segment in segments if not has_segment(host, 1, segment)]
    sql(host, "drop table noise; select pg_stat_reset_shared('archiver')")
