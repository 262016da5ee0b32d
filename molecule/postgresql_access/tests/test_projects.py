"""Two projects on one server: neither gets into the other, nor takes what is the other's."""

import pytest

PEOPLE = ("voids_dev", "voids_loader", "voids_analyst")
EVERYBODY = ("desi_dev", "desi_loader", "desi_analyst")
LATENT = "embeddings.latent"


def ask(host, query, database, role):
    """What the server says to *role*, which comes by its password."""
    command = f"PGPASSWORD='molecule-{role}' psql -XAtq -v ON_ERROR_STOP=1 -U {role} %s -c %s"
    return host.run(command, database, query)


def answer(host, query, database, role):
    done = ask(host, query, database, role)
    assert done.rc == 0, done.stderr
    return done.stdout.strip()


def refused(host, query, database, role):
    done = ask(host, query, database, role)
    assert done.rc != 0, done.stdout
    return done.stderr


def superuser(host, query, database="postgres"):
    return host.check_output("runuser -u postgres -- psql -XAtq %s -c %s", database, query)


@pytest.mark.parametrize("role", PEOPLE)
def test_the_people_of_a_project_get_into_its_database_and_no_other(host, role):
    assert answer(host, "select current_database()", "voids", role) == "voids"
    for other in ("winds", "desi_void_desivast", "postgres"):
        assert "permission denied for database" in refused(host, "select 1", other, role)


@pytest.mark.parametrize("role", EVERYBODY)
def test_the_servers_own_roles_get_into_no_project(host, role):
    for project in ("voids", "winds"):
        assert "permission denied for database" in refused(host, "select 1", project, role)


def test_in_another_project_nobody_sees_reads_locks_or_makes_anything(host):
    superuser(host, "set role winds_dev; create table if not exists public.held ()", "winds")
    for act in (
        "table public.held",
        "lock table public.held in access share mode",
        "create table public.intruder ()",
        "create table fit_results.intruder ()",
        "create schema intruder",
    ):
        script = f"set role voids_dev; {act}"
        done = host.run("runuser -u postgres -- psql -XAtq winds -v ON_ERROR_STOP=1 -c %s", script)
        assert "permission denied" in done.stderr, act


def test_a_project_that_has_all_its_connections_stops_nobody_else(host):
    hold = "PGPASSWORD=molecule-voids_dev nohup psql -XAtq -U voids_dev voids -c 'select {}'"
    for _ in range(3):
        host.check_output(hold.format("pg_sleep(120)") + " > /dev/null 2>&1 &")
    count = "select count(*) from pg_stat_activity where datname = 'voids'"
    for _ in range(50):
        if superuser(host, count) == "3":
            break
        superuser(host, "select pg_sleep(0.2)")
    full = refused(host, "select 1", "voids", "voids_analyst")
    assert 'too many connections for database "voids"' in full
    assert answer(host, "select 1", "winds", "winds_analyst") == "1"
    assert answer(host, "select 1", "desi_void_desivast", "desi_dev") == "1"
    end = "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = 'voids'"
    superuser(host, end)


@pytest.mark.parametrize("maker", ["voids_dev", "voids_loader"])
def test_what_any_writer_makes_in_a_new_schema_is_readable_at_once(host, maker):
    made = f"drop schema if exists of_{maker} cascade; create schema of_{maker};"
    made += f"create table of_{maker}.galaxy as select 7 as id"
    answer(host, made, "voids", maker)
    assert answer(host, f"select id from of_{maker}.galaxy", "voids", "voids_analyst") == "7"
    answer(host, f"insert into of_{maker}.galaxy values (8)", "voids", "voids_loader")


def test_an_analyst_reads_and_changes_nothing(host):
    made = f"drop table if exists {LATENT}; create table {LATENT} as select '[1,2]'::vector as z"
    answer(host, made, "voids", "voids_loader")
    assert answer(host, f"select z <-> '[1,3]' from {LATENT}", "voids", "voids_analyst") == "1"
    for change in (
        f"delete from {LATENT}",
        f"drop table {LATENT}",
        "create table embeddings.mine ()",
        "create table public.mine ()",
        "create schema mine",
    ):
        assert refused(host, change, "voids", "voids_analyst")


def test_an_administrator_gets_into_every_project(host):
    assert answer(host, "select 1", "winds", "clusteradmin_pg01") == "1"


def test_what_is_opened_by_hand_is_closed_by_the_next_run(host, play_again):
    superuser(host, "grant connect on database winds to voids_analyst")
    superuser(host, "grant winds_reader to voids_analyst")
    superuser(host, "grant usage on schema public to public", "winds")
    again = play_again()
    assert again.returncode == 0, again.stdout
    assert "permission denied" in refused(host, "select 1", "winds", "voids_analyst")
    assert (
        superuser(host, "select has_schema_privilege('public', 'public', 'usage')", "winds") == "f"
    )
    assert "changed=0" in play_again().stdout
