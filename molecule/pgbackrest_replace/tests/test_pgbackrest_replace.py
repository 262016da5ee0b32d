import json
import re
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

DATA = "/mnt/data/pg01"
UNIT = "postgresql@16-main"
MARK = "labdb-replacement.json"
ARCHIVE = "/mnt/backup/pgbackrest/archive/proj-pg01"
MOMENT = {"pgbackrest_replace_type": "name", "pgbackrest_replace_target": "moment"}


def psql(host, text):
    return host.check_output(
        f"runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 <<'SQL'\n{text}\nSQL"
    )


def timeline(host):
    return int(psql(host, "select left(pg_walfile_name(pg_current_wal_lsn()), 8)"), 16)


def archived(host):
    """Close the segment, and return its name when it has reached the repository."""
    segment = psql(
        host, "select pg_current_xact_id(); select pg_walfile_name(pg_switch_wal())"
    ).splitlines()[-1]
    until(lambda: host.run(f"ls {ARCHIVE}/*/*/{segment}-*").rc == 0)
    return segment


def until(reached, seconds=60):
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.1)


def whole(host):
    """Return the rows of the server that runs: nothing of a recovery is left in it or beside it."""
    assert psql(host, "select pg_is_in_recovery(), current_setting('restore_command')") == "f|"
    settings = host.file(f"{DATA}/postgresql.auto.conf").content_string
    assert "restore_command" not in settings
    assert "recovery_target" not in settings
    beside = set(host.check_output("ls -d /mnt/data/pg01*").split())
    assert beside <= {DATA, f"{DATA}.before"}
    assert "labdb-" not in host.check_output(f"ls {DATA}")
    return psql(host, "select string_agg(what, ' ' order by what) from rows")


def done(play):
    assert play.returncode == 0, play.stdout


def refused(play):
    """What a play said that was refused."""
    assert play.returncode != 0
    return " ".join(play.stdout.split())


@pytest.fixture
def state(play_again):
    """Run the role for one of its states."""

    def to(name, *options):
        return play_again(*options, pgbackrest_replace_state=name)

    return to


@pytest.fixture(scope="module", autouse=True)
def rows(host):
    """A row before a moment that has a name, and one after it."""
    psql(
        host,
        "drop table if exists rows; create table rows as select 'before' as what;"
        " select pg_create_restore_point('moment'); insert into rows values ('later')",
    )
    archived(host)


@contextmanager
def held(host):
    """PostgreSQL does not get beyond the beginning of its start."""
    folder = f"/run/systemd/system/{UNIT}.service.d"
    host.check_output(
        f"mkdir -p {folder} && printf '[Service]\\nExecStartPre=/bin/sleep 600\\n' >"
        f" {folder}/held.conf && systemctl daemon-reload"
    )
    yield
    host.check_output(
        f"rm {folder}/held.conf && systemctl daemon-reload"
        f" && systemctl kill --signal=SIGKILL {UNIT}"
    )
    until(lambda: active(host, UNIT) == "failed")


def active(host, unit):
    return host.check_output(f"systemctl show --property=ActiveState --value {unit}")


def cut(host, play_killed, **variables):
    """Kill playbook and service after the exchange of the directories and before the start."""
    with held(host):
        play_killed(
            lambda: host.file(f"{DATA}.before").exists and active(host, UNIT) == "activating",
            **variables,
        )


def test_the_restored_one_runs_on_a_timeline_of_its_own_and_the_other_is_kept(host):
    assert whole(host) == "before later"
    assert timeline(host) > 1
    assert host.file(f"{DATA}.before/PG_VERSION").exists
    told = json.loads(host.file("/var/lib/labdb/replacement.json").content_string)
    assert (told["target"], told["timeline"]) == ("latest", f"{timeline(host):08X}")
    # The newest timeline begins where recovery ended.
    begun = psql(host, f"select pg_read_file('pg_wal/{told['timeline']}.history')")
    assert begun.split("\n")[-1].split("\t")[1] == told["lsn"]


def test_once_more_is_refused_while_something_is_kept(host, play_again):
    assert "is what an earlier replacement kept; nothing was changed" in refused(play_again())
    assert whole(host) == "before later"


def test_undo_takes_back_also_after_it_was_cut_short(host, play_killed, state):
    was = timeline(host)
    tried = state("undone", "--check")
    assert re.search(r"changed=1\b", tried.stdout), tried.stdout
    cut(host, play_killed, pgbackrest_replace_state="undone")
    assert "is half taken back" in refused(state("forgotten"))
    done(state("undone"))
    # The rows are younger than what was kept.
    assert psql(host, "select to_regclass('rows') is null") == "t"
    assert timeline(host) == was + 1


def test_what_was_committed_meanwhile_is_kept_in_turn(host, state):
    was = timeline(host)
    done(state("undone"))
    assert whole(host) == "before later"
    assert timeline(host) == was + 1


def test_forgetting_is_done_once(host, state):
    done(state("forgotten"))
    assert not host.file(f"{DATA}.before").exists
    assert re.search(r"changed=0\b", state("forgotten").stdout)


def fetch(host, name):
    """Fetch a file of the archive as the recovery would that is being prepared."""
    settings = host.file(f"{DATA}/postgresql.auto.conf").content_string
    command = re.findall(r"(?m)^restore_command = '(.*)'$", settings)[-1]
    command = command.replace("%%", "\0").replace("%f", name).replace("%p", "/tmp/fetched")
    return host.run("runuser -u postgres -- sh -c %s", command.replace("\0", "%"))


@pytest.mark.long
def test_half_restored_files_are_not_taken_for_all(host, play_killed):
    # The restore is a unit: it outlives the playbook. Here it stands still.
    host.check_output(
        f"systemd-run --unit=stop-it sh -c 'until test -e {DATA}.restored/global; do :; done;"
        f" pkill -STOP -f pg1-path={DATA}[.]restored'"
    )
    play_killed(lambda: active(host, "stop-it") == "inactive", **MOMENT)
    assert not host.file(f"{DATA}.restored/global/pg_control").exists
    assert active(host, "labdb-replace-files") == "activating"
    assert psql(host, "select count(*) from rows") == "2"
    # The same once more, which goes on from there, and is killed later.
    cut(host, play_killed, **MOMENT)
    assert host.file(f"{DATA}/global/pg_control").exists


@pytest.mark.long
def test_what_cannot_be_fetched_is_not_the_end_of_the_archive(host):
    plan = json.loads(host.file(f"{DATA}/{MARK}").content_string)
    last = plan["wal"][1]
    assert fetch(host, last).rc == 0
    after = f"{last[:8]}{int(last[8:], 16) + 16:016X}"
    for there_is_none_yet in (after, f"{int(last[:8], 16) + 1:08X}{last[8:]}", "000000FF.history"):
        assert fetch(host, there_is_none_yet).rc == 1
    host.check_output(f"chmod 0 {ARCHIVE}")
    cannot_be_read = fetch(host, last)
    host.check_output(f"chmod 750 {ARCHIVE}")
    # Above 125 PostgreSQL stops; up to there it opens.
    assert cannot_be_read.rc == 128


@pytest.mark.long
def test_cut_short_before_the_start_it_is_named_and_what_was_there_is_taken_back(
    host, play_again, state
):
    assert "was cut short" in refused(play_again(**MOMENT))
    done(state("undone"))
    # Nothing ever opened there: no timeline, and nothing to be kept.
    assert whole(host) == "before later"
    assert not host.file(f"{DATA}.before").exists


def test_a_segment_that_is_missing_is_named_and_what_was_there_is_put_back(host, play_again):
    was = timeline(host)
    missing = archived(host)
    archived(host)
    (path,) = host.check_output(f"ls {ARCHIVE}/*/*/{missing}-*").split()
    host.check_output(f"mv {path} /mnt/backup/")
    said = refused(play_again())
    host.check_output(f"mv /mnt/backup/{missing}-* {Path(path).parent}/")
    assert f"WAL segment {missing} is not in repository 1" in said
    assert "the one before is back in its place" in said
    assert whole(host) == "before later"
    assert timeline(host) == was


def test_what_opened_too_early_is_followed_by_no_restore(host, play_again):
    was, good, damaged = timeline(host), archived(host), archived(host)
    archived(host)
    folder = f"{ARCHIVE}/16-1/{good[:16]}"
    host.check_output(
        f"cp -a {folder}/{damaged}-* /mnt/backup/ && cp {folder}/{good}-* {folder}/{damaged}-*"
    )
    said = refused(play_again())
    host.check_output(f"mv /mnt/backup/{damaged}-* {folder}/")
    assert f"recovery ended in WAL segment {was + 1:08X}{good[8:]}" in said
    assert f"is kept in {DATA}.before" in said
    assert whole(host) == "before later"
    # The other opened a timeline that is in the archive now; a restore follows the newest.
    assert timeline(host) == was + 2
    archived(host)


def test_a_recovery_of_a_lost_server_is_gone_on_with(host, play_again):
    # As a kill leaves it after the opening; what gave way held nothing.
    made = {"set": "F", "repository": 1, "wal": ["", ""], "type": "name", "target": "moment"}
    host.check_output(
        f"install -o postgres /dev/null {DATA}/{MARK} && echo %s > {DATA}/{MARK}",
        json.dumps(made | {"keep": False}),
    )
    psql(host, "alter system set restore_command = 'false'")
    done(play_again(play="recover.yml"))
    assert whole(host) == "before later"
    assert not host.file(f"{DATA}.before").exists
