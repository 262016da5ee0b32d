"""A project goes after a final proven export, and comes back from it as it was."""

import re

DROPPED = "/mnt/backup/dropped"
VOIDS = {"project_drop_name": "voids", "project_drop_confirm_name": "voids"}
COUNT = "select count(*) || ' ' || sum(hashtext(t::text)) from densities.galaxies as t"


def psql(host, text, database="postgres"):
    return host.check_output(
        f"runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d {database} <<'SQL'\n{text}\nSQL"
    )


def login(host, query, role):
    return host.run(f"PGPASSWORD=molecule-{role} psql -XAtq -U {role} voids -c %s", query)


def there(host):
    """What of the project is on the server."""
    names = "select datname from pg_database where datname ~ 'voids|restored' union all"
    return psql(host, f"{names} select rolname from pg_roles where rolname ~ 'voids'").split()


def limit(host):
    return psql(host, "select datconnlimit from pg_database where datname = 'voids'")


def test_another_name_and_one_that_is_not_declared_drop_nothing(host, play_again):
    for name, typed in (("voids", "winds"), ("winds", "winds"), ("voids", "")):
        done = play_again(
            play="project_drop.yml", project_drop_name=name, project_drop_confirm_name=typed
        )
        assert done.returncode != 0
        assert "is not dropped" in done.stdout
    assert "voids" in there(host)


def test_while_somebody_is_connected_nothing_is_dropped(host, play_again):
    hold = "PGPASSWORD=molecule-voids_dev nohup psql -XAtq -U voids_dev voids"
    host.check_output(f"{hold} -c 'select pg_sleep(300)' > /dev/null 2>&1 &")
    done = play_again(play="project_drop.yml", **VOIDS)
    psql(host, "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname='voids'")
    assert done.returncode != 0
    assert "voids_dev from this host" in done.stdout
    assert limit(host) == "40"
    assert not host.file(DROPPED).exists


def test_an_export_that_does_not_prove_itself_leaves_everything_as_it_was(host, play_again):
    # A check that holds only for who looks for schemas where pg_restore does not.
    psql(
        host,
        "create schema odd; create table odd.one as select 1 as id; set search_path = odd;"
        " create function odd.ok(int) returns boolean language plpgsql as"
        " $$ begin return exists (select from one); end $$;"
        " create table odd.checked (id int check (odd.ok(id))); insert into odd.checked values (1)",
        "voids",
    )
    done = play_again(play="project_drop.yml", **VOIDS)
    psql(host, "drop schema odd cascade", "voids")
    assert done.returncode != 0
    assert "project voids stays, and is open again" in done.stdout
    assert limit(host) == "40"
    assert login(host, "select 1", "voids_analyst").stdout.strip() == "1"


def test_it_goes_with_its_roles_and_its_export_stays(host, play_again):
    made = (
        "create table densities.galaxies as select n as targetid, '[1,2]'::vector as z"
        " from generate_series(1, 5000) as n; alter table densities.galaxies add primary key"
        " (targetid); create schema mine; create table mine.notes as select 'kept' as note"
    )
    assert login(host, made, "voids_dev").rc == 0
    host.check_output("rm -f /root/before && touch /root/before")
    before = psql(host, COUNT, "voids")
    done = play_again(play="project_drop.yml", **VOIDS)
    assert done.returncode == 0, done.stdout
    assert there(host) == []
    assert len(host.check_output(f"ls {DROPPED}/voids").split()) == 1
    assert host.file(DROPPED).mode == 0o700
    assert re.search(r"changed=0\b", play_again(play="project_drop.yml", **VOIDS).stdout)
    host.check_output(f"printf '%s' '{before}' > /root/before")


def test_it_comes_back_with_rows_rights_and_passwords(host, play_again):
    done = play_again(play="project_restore.yml", project_restore_name="voids")
    assert done.returncode == 0, done.stdout
    assert psql(host, COUNT, "voids") == host.file("/root/before").content_string
    found = set(there(host))
    assert found == {
        *("voids", "voids_dev", "voids_analyst"),
        *("voids_owner", "voids_writer", "voids_reader"),
    }
    assert login(host, "select note from mine.notes", "voids_analyst").stdout.strip() == "kept"
    assert login(host, "create table mine.later as select 2 as n", "voids_dev").rc == 0
    assert login(host, "select n from mine.later", "voids_analyst").stdout.strip() == "2"
    assert login(host, "delete from mine.notes", "voids_analyst").rc != 0
    assert limit(host) == "40"
    owners = "select tableowner from pg_tables where schemaname = 'densities'"
    assert psql(host, owners, "voids") == "voids_dev"
    again = play_again(play="project_restore.yml", project_restore_name="voids")
    assert re.search(r"changed=0\b", again.stdout), again.stdout


def test_a_restore_that_was_killed_is_begun_anew(host, play_again):
    assert play_again(play="project_drop.yml", **VOIDS).returncode == 0
    psql(host, "create database labdb_being_restored")
    psql(host, "create table half ()", "labdb_being_restored")
    done = play_again(play="project_restore.yml", project_restore_name="voids")
    assert done.returncode == 0, done.stdout
    assert "labdb_being_restored" not in there(host)
    assert psql(host, COUNT, "voids") == host.file("/root/before").content_string
    assert psql(host, "select to_regclass('public.half') is null", "voids") == "t"


def test_what_was_never_dropped_cannot_be_brought_back(play_again):
    done = play_again(play="project_restore.yml", project_restore_name="winds")
    assert done.returncode != 0
    assert "cannot be brought back" in done.stdout
