import re

import pytest

DATABASE = "desi_void_desivast"
PASSWORD = "molecule-{}"  # what the shared variables give to each role


def sql(host, query, database="postgres", role=None):
    """What the server answers to its superuser, or to *role* by its own rights."""
    start = f"set role {role}; " if role else ""
    return host.check_output("runuser -u postgres -- psql -XAtq %s -c %s", database, start + query)


def refused(host, query, database=DATABASE, *, role):
    script = f"set role {role}; {query}"
    done = host.run("runuser -u postgres -- psql -XAtq %s -c %s", database, script)
    assert done.rc != 0, done.stdout
    return done.stderr


def login(host, role, password, database=DATABASE):
    return host.run(f"PGPASSWORD='{password}' psql -XAtq -U {role} {database} -c 'select 1'")


@pytest.mark.parametrize("role", ["clusteradmin_pg01", "desi_dev", "desi_loader", "desi_analyst"])
def test_every_declared_role_comes_in_by_its_password_and_by_no_other(host, role):
    assert login(host, role, PASSWORD.format(role)).stdout.strip() == "1"
    assert login(host, role, "guess").rc != 0


def test_the_server_stores_scram_verifiers_only(host):
    stored = sql(
        host, "select distinct left(rolpassword, 14) from pg_authid where rolpassword > ''"
    )
    assert stored == "SCRAM-SHA-256$"
    assert sql(host, "select rolpassword is null from pg_authid where rolname ~ 'exporter'") == "t"


def test_no_declared_role_is_a_superuser(host):
    assert sql(host, "select rolname from pg_roles where rolsuper") == "postgres"


def test_the_cone_search_extension_works_in_every_clone(host):
    assert sql(host, "select q3c_dist(0, 0, 0, 1)", DATABASE, role="desi_analyst") == "1"


def test_what_the_loader_loads_the_analyst_reads_and_cannot_change(host):
    sql(host, "drop table if exists raw_catalogs.galaxy", DATABASE, role="desi_loader")
    sql(host, "create table raw_catalogs.galaxy as select 1 as id", DATABASE, role="desi_loader")
    query = "select id from raw_catalogs.galaxy"
    assert sql(host, query, DATABASE, role="desi_analyst") == "1"
    for change in ("insert into raw_catalogs.galaxy values (2)", "drop table raw_catalogs.galaxy"):
        assert refused(host, change, role="desi_analyst")
    assert "denied" in refused(host, "create table raw_catalogs.mine ()", role="desi_analyst")


def test_a_schema_that_the_owner_makes_later_is_readable_at_once(host):
    sql(host, "drop schema if exists later cascade; create schema later", DATABASE, "desi_dev")
    sql(host, "create table later.void as select 7 as id", DATABASE, role="desi_dev")
    assert sql(host, "select id from later.void", DATABASE, role="desi_analyst") == "7"
    sql(host, "insert into later.void values (8)", DATABASE, role="desi_loader")


def test_the_owner_owns_the_schemas_of_its_database(host):
    sql(
        host,
        "create table data_quality.mine (); drop table data_quality.mine",
        DATABASE,
        "desi_dev",
    )


def test_an_analysts_sessions_have_their_memory_and_their_time_out(host):
    found = host.check_output(
        f"PGPASSWORD={PASSWORD.format('desi_analyst')} psql -XAtq -U desi_analyst {DATABASE}"
        " -c 'show work_mem' -c 'show statement_timeout'"
    ).split()
    assert found[1] == "12h"
    assert int(found[0].removesuffix("MB")) >= 16


def test_the_public_gets_nothing(host):
    sql(host, "create role stranger login")
    for database in (DATABASE, "template_desi", "postgres", "template1"):
        for privilege in ("connect", "temporary"):
            query = f"select has_database_privilege('stranger', '{database}', '{privilege}')"
            assert sql(host, query) == "f"
    query = "select has_schema_privilege('stranger', 'public', 'create')"
    assert sql(host, query, DATABASE) == "f"
    sql(host, "drop role stranger")


def test_nobody_sits_in_the_template_so_that_it_can_be_cloned(host):
    denied = login(host, "desi_dev", PASSWORD.format("desi_dev"), "template_desi")
    assert denied.rc != 0
    sql(host, "create database another template template_desi owner desi_dev")
    assert sql(host, "select count(*) from pg_extension where extname = 'q3c'", "another") == "1"
    sql(host, "drop database another")


def test_an_existing_database_gets_what_it_lacks(host, play_again):
    lost = (
        "drop extension pg_trgm; drop schema science_analysis;"
        "drop table if exists raw_catalogs.old;"
        "create table raw_catalogs.old (); revoke all on raw_catalogs.old from labdb_reader;"
        "grant create on schema public to public; grant connect on database postgres to public"
    )
    sql(host, lost, DATABASE)
    again = play_again()
    assert again.returncode == 0, again.stdout
    assert sql(host, "select count(*) from pg_extension where extname = 'pg_trgm'", DATABASE) == "1"
    assert sql(host, "table raw_catalogs.old", DATABASE, role="desi_analyst") == ""
    assert sql(host, "select 'science_analysis'::regnamespace", DATABASE) == "science_analysis"


def test_a_role_that_is_changed_by_hand_comes_back(host, play_again):
    sql(
        host,
        "alter role desi_analyst superuser; grant labdb_writer to desi_analyst;"
        "alter role desi_analyst set enable_hashjoin = off",
    )
    again = play_again()
    assert again.returncode == 0, again.stdout
    assert sql(host, "select rolsuper from pg_roles where rolname = 'desi_analyst'") == "f"
    assert refused(host, "delete from raw_catalogs.galaxy", role="desi_analyst")
    settings = sql(
        host, "select setconfig from pg_db_role_setting where setrole = 'desi_analyst'::regrole"
    )
    assert "enable_hashjoin" not in settings


def test_settings_made_by_hand_go_where_they_are_named_and_stay_where_not(host, play_again):
    made = {
        ("", DATABASE, "work_mem"): f"alter database {DATABASE} set work_mem = '1GB'",
        (
            "desi_analyst",
            DATABASE,
            "jit",
        ): f"alter role desi_analyst in database {DATABASE} set jit = on",
        ("postgres", "", "enable_sort"): "alter role postgres set enable_sort = off",
        ("", "", "lock_timeout"): "alter role all set lock_timeout = '9s'",
    }
    kept = "alter database postgres set work_mem = '9MB'"
    sql(host, ";".join([*made.values(), kept]))
    named = [dict(zip(("role", "database", "parameter"), item, strict=True)) for item in made]
    again = play_again()
    assert "changed=0" in again.stdout
    again = play_again(postgresql_access_reset=named)
    assert again.returncode == 0, again.stdout
    left = sql(
        host, "select setconfig from pg_db_role_setting where setdatabase <> 0 or setrole = 0"
    )
    assert left == "{work_mem=9MB}"
    superuser = "select count(*) from pg_db_role_setting where setrole = 'postgres'::regrole"
    assert sql(host, superuser) == "0"
    assert "changed=0" in play_again(postgresql_access_reset=named).stdout
    sql(host, "alter database postgres reset work_mem")


def test_a_database_that_was_limited_by_hand_takes_connections_again(host, play_again):
    sql(host, f"alter database {DATABASE} connection limit 0")
    again = play_again()
    assert again.returncode == 0, again.stdout
    limit = f"select datconnlimit from pg_database where datname = '{DATABASE}'"
    assert sql(host, limit) == "-1"


def test_every_role_has_a_limit_and_all_of_them_leave_room(host):
    together = sql(
        host, "select sum(rolconnlimit) from pg_roles where rolcanlogin and not rolsuper"
    )
    reserved = sql(host, "show superuser_reserved_connections")
    assert int(together) + int(reserved) <= int(sql(host, "show max_connections"))
    assert sql(host, "select min(rolconnlimit) from pg_roles where rolname ~ '^desi'") == "16"


def test_an_analyst_cannot_raise_the_limit_of_temporary_files(host):
    assert "permission denied" in refused(host, "set temp_file_limit = -1", role="desi_analyst")


def test_limits_and_settings_of_a_database_are_set_and_taken_back(host, play_again):
    declared = {
        "name": DATABASE,
        "owner": "desi_dev",
        "connection_limit": 7,
        "search_path": ["raw_catalogs", "public"],
        "settings": {"default_transaction_read_only": "on", "statement_timeout": "3600s"},
    }
    sql(host, "drop extension pg_trgm", DATABASE)
    limited = play_again(postgresql_access_databases=[declared])
    assert limited.returncode == 0, limited.stdout
    ask = f"PGPASSWORD={PASSWORD.format('desi_dev')} psql -XAtq -U desi_dev {DATABASE}"
    shown = host.check_output(f"{ask} -c 'show search_path' -c 'show statement_timeout'")
    assert shown.splitlines() == ["raw_catalogs, public", "1h"]
    assert "read-only transaction" in host.run(f"{ask} -c 'create table mine ()'").stderr
    limit = f"select datconnlimit from pg_database where datname = '{DATABASE}'"
    assert sql(host, limit) == "7"
    # What labdb itself does there is neither held up nor led astray by such settings.
    extension = "select extnamespace::regnamespace from pg_extension where extname = 'pg_trgm'"
    assert sql(host, extension, DATABASE) == "public"
    assert "changed=0" in play_again(postgresql_access_databases=[declared]).stdout
    assert play_again().returncode == 0
    assert sql(host, limit) == "-1"
    assert sql(host, "select count(*) from pg_db_role_setting where setrole = 0") == "0"


def test_a_new_password_replaces_the_old_one_and_shows_nowhere(host, play_again, monkeypatch):
    roles = ("clusteradmin_pg01", "desi_dev", "desi_loader", "desi_analyst")
    people = ("voids_dev", "voids_loader", "voids_analyst")
    people += ("winds_dev", "winds_loader", "winds_analyst")
    passwords = {role: f"new-secret-of-{role}" for role in (*roles, *people)}
    sql(host, "alter system set log_statement = 'all'")
    sql(host, "select pg_reload_conf()")
    monkeypatch.setenv("ANSIBLE_VERBOSITY", "4")
    again = play_again(postgresql_access_passwords=passwords)
    assert again.returncode == 0
    # What stands before the first play are the arguments of this test's own command.
    said = again.stdout.partition("PLAY [")[2]
    assert "ok=" in said
    assert not re.search("new-secret-of|molecule-desi", said)
    assert host.run("grep --recursive --quiet new-secret-of /mnt/data/pg01/log /var/log").rc == 1
    assert login(host, "desi_dev", passwords["desi_dev"]).rc == 0
    assert login(host, "desi_dev", PASSWORD.format("desi_dev")).rc != 0
    sql(host, "alter system reset log_statement")


def test_an_extension_that_is_not_installed_is_named(play_again):
    wrong = play_again(postgresql_access_extensions=["q3c", "no_such_extension"])
    assert wrong.returncode != 0
    assert "no_such_extension" in wrong.stdout
    assert "is not available" in wrong.stdout


def test_a_role_without_a_password_is_refused_before_any_change(play_again):
    wrong = play_again(postgresql_access_passwords={"desi_dev": "only-this"})
    assert wrong.returncode != 0
    assert "no password for" in wrong.stdout
    assert "desi_loader" in wrong.stdout
    assert "only-this" not in wrong.stdout
