import re

import pytest

FOLDER = "/etc/postgresql/16/main"
DROP_IN = f"{FOLDER}/conf.d/10-labdb.conf"
PARAMETER = re.compile(r"^# (.*) \(([\w-]+)\)\n(\S+) = '(.*)'$", re.MULTILINE)


def sql(host, query):
    return host.check_output("runuser -u postgres -- psql -XAtqc %s", query)


def parameters(host):
    """The declared list as the drop-in shows it; a parameter may be changed in it."""
    found = PARAMETER.findall(host.file(DROP_IN).content_string)
    keys = ("reason", "context", "name", "value")
    return [dict(zip(keys, item, strict=True)) for item in found]


def changed(host, **values):
    kept = [item for item in parameters(host) if item["name"] not in values]
    given = [
        {"name": name, "value": value, "reason": "a test", "context": "user"}
        for name, value in values.items()
    ]
    return kept + given


def started(host):
    return sql(host, "select pg_postmaster_start_time()")


def test_every_declared_parameter_is_in_effect(host):
    declared = {item["name"] for item in parameters(host)}
    assert len(declared) > 40
    live = sql(host, f"select name from pg_settings where sourcefile = '{DROP_IN}'").splitlines()
    assert declared == set(live)
    assert sql(host, "select name from pg_settings where pending_restart") == ""


def test_a_stranger_on_the_network_is_rejected(host):
    address = host.check_output("hostname -i")
    refused = host.run(f"psql -X 'host={address} user=desi_dev dbname=postgres' -c 'select 1'")
    assert refused.rc != 0
    assert "pg_hba.conf rejects connection" in refused.stderr


def test_the_exporters_user_and_no_other_is_the_exporters_role(host):
    host.check_output("id postgres_exporter || useradd --system postgres_exporter")
    sql(host, "drop role if exists postgres_exporter; create role postgres_exporter login")
    probe = "psql -XAtq -U postgres_exporter postgres -c 'select current_user'"
    assert (
        host.check_output(f'runuser -u postgres_exporter -- sh -c "{probe}"') == "postgres_exporter"
    )
    assert host.run(f'runuser -u nobody -- sh -c "{probe}"').rc != 0


def test_a_parameter_that_a_reload_can_change_restarts_nothing(host, play_again):
    before = started(host)
    again = play_again(postgresql_config_parameters=changed(host, log_min_duration_statement="9s"))
    assert again.returncode == 0, again.stdout
    assert sql(host, "show log_min_duration_statement") == "9s"
    assert started(host) == before


def test_a_parameter_that_needs_a_restart_gets_one(host, play_again):
    before = started(host)
    again = play_again(postgresql_config_parameters=changed(host, max_wal_senders="7"))
    assert again.returncode == 0, again.stdout
    assert sql(host, "show max_wal_senders") == "7"
    assert started(host) != before


def test_a_restart_that_is_not_allowed_is_named_and_left_out(host, play_again):
    before = started(host)
    again = play_again(
        postgresql_config_parameters=changed(host, max_wal_senders="8"),
        postgresql_config_allow_restart=False,
    )
    assert "max_wal_senders: not in effect before a restart" in again.stdout
    assert started(host) == before


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"work_mem": "plenty"}, 'invalid value for parameter "work_mem"'),
        ({"work_memory": "4MB"}, 'unrecognized configuration parameter "work_memory"'),
    ],
)
def test_a_wrong_parameter_never_goes_live(host, play_again, values, words):
    before = host.file(DROP_IN).content_string
    refused = play_again(postgresql_config_parameters=changed(host, **values))
    assert refused.returncode != 0
    assert words in refused.stdout.replace('\\"', '"')
    assert host.file(DROP_IN).content_string == before


def test_rows_that_the_server_cannot_read_never_go_live(host, play_again):
    before = host.file(f"{FOLDER}/pg_hba.conf").content_string
    row = {"type": "local", "database": "all", "user": "all", "method": "trustworthy"}
    refused = play_again(postgresql_config_hba=[row])
    assert refused.returncode != 0
    assert "trustworthy" in refused.stdout
    assert host.file(f"{FOLDER}/pg_hba.conf").content_string == before


def test_a_server_that_does_not_come_up_gets_its_old_files(host, play_again):
    before = host.file(DROP_IN).content_string
    refused = play_again(
        postgresql_config_parameters=changed(host, shared_preload_libraries="no_such_library")
    )
    assert refused.returncode != 0
    assert "the old one is back" in refused.stdout
    assert host.file(DROP_IN).content_string == before
    assert sql(host, "select 1") == "1"


def test_a_run_that_was_killed_before_the_reload_is_finished_by_the_next(host, play_again):
    loaded = sql(host, "select pg_conf_load_time()")
    host.check_output(f"sleep 1; touch {DROP_IN}")
    again = play_again()
    assert again.returncode == 0, again.stdout
    assert sql(host, "select pg_conf_load_time()") != loaded


def test_what_was_set_by_hand_is_named_and_given_back_as_advised(host, play_again):
    sql(host, "alter system set work_mem = '5MB'")
    again = play_again()
    assert "ALTER SYSTEM set work_mem" in again.stdout
    assert sql(host, "show work_mem") == "5MB"
    sql(host, "alter system reset work_mem")
    again = play_again()
    assert "ALTER SYSTEM set work_mem" not in again.stdout
    assert sql(host, "show work_mem") != "5MB"


@pytest.mark.long
def test_what_alter_system_set_goes_where_it_is_named_and_stays_where_not(host, play_again):
    sql(host, "alter system set work_mem = '5MB'")
    sql(host, "alter system set enable_seqscan = off")
    checked = play_again("--check", postgresql_config_reset=["work_mem"])
    assert "Values of ALTER SYSTEM that are taken back] " in checked.stdout
    assert "changed=0" not in checked.stdout
    assert "work_mem" in host.file("/mnt/data/pg01/postgresql.auto.conf").content_string
    again = play_again(postgresql_config_reset=["work_mem"])
    assert again.returncode == 0, again.stdout
    assert "ALTER SYSTEM set enable_seqscan;" in again.stdout
    assert sql(host, "show work_mem") == "4MB"
    assert sql(host, "show enable_seqscan") == "off"
    once_more = play_again(postgresql_config_reset=["work_mem"])
    assert "changed=0" in once_more.stdout
    assert play_again(postgresql_config_reset=["enable_seqscan"]).returncode == 0
    assert sql(host, "show enable_seqscan") == "on"


@pytest.mark.long
def test_a_restart_that_alter_system_asked_for_is_not_due_any_more(host, play_again):
    before = started(host)
    sql(host, "alter system set max_connections = 77")
    again = play_again(postgresql_config_reset=["max_connections"])
    assert again.returncode == 0, again.stdout
    assert sql(host, "select name from pg_settings where pending_restart") == ""
    assert started(host) == before


@pytest.mark.long
def test_values_that_were_to_go_are_back_when_the_new_files_are_refused(host, play_again):
    sql(host, "alter system set work_mem = '5MB'")
    refused = play_again(
        postgresql_config_reset=["work_mem"],
        postgresql_config_parameters=changed(host, shared_preload_libraries="no_such_library"),
    )
    assert refused.returncode != 0
    assert sql(host, "show work_mem") == "5MB"
    assert play_again(postgresql_config_reset=["work_mem"]).returncode == 0


@pytest.mark.long
def test_a_setting_in_another_file_is_set_aside_where_it_is_named(host, play_again):
    mine = f"{FOLDER}/conf.d/20-mine.conf"
    host.check_output(f"printf 'Work_Mem = 6MB\\nwork_mem2.x = 1\\njit=on\\n' > {mine}")
    host.check_output(f"chown postgres: {mine}")
    again = play_again(postgresql_config_set_aside=[{"file": mine, "parameter": "work_mem"}])
    assert again.returncode == 0, again.stdout
    assert host.file(mine).content_string == (
        "# set aside by labdb: Work_Mem = 6MB\nwork_mem2.x = 1\njit=on\n"
    )
    assert sql(host, "show work_mem") == "4MB"
    assert "6MB" in host.check_output(f"cat {mine}.*~")
    once_more = play_again(postgresql_config_set_aside=[{"file": mine, "parameter": "work_mem"}])
    assert "changed=0" in once_more.stdout
    host.check_output(f"rm {mine}*")
    sql(host, "select pg_reload_conf()")


def test_what_was_edited_by_hand_goes_back_to_the_declaration(host, play_again):
    host.check_output(f"echo 'local all all trust' >> {FOLDER}/pg_hba.conf")
    host.check_output(f"sed -i /include_dir/d {FOLDER}/postgresql.conf; chmod 666 {DROP_IN}")
    again = play_again()
    assert again.returncode == 0, again.stdout
    assert "trust" not in host.file(f"{FOLDER}/pg_hba.conf").content_string
    assert sql(host, f"select count(*) > 40 from pg_settings where sourcefile = '{DROP_IN}'") == "t"
    assert host.file(DROP_IN).mode == 0o640


def test_files_that_were_never_kept_are_kept_by_the_next_run(host, play_again):
    host.check_output(f"rm -r {FOLDER}/last-good")
    again = play_again()
    assert again.returncode == 0, again.stdout
    kept = host.file(f"{FOLDER}/last-good/10-labdb.conf").content_string
    assert kept == host.file(DROP_IN).content_string
