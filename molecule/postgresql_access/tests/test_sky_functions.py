import pytest

DATABASE = "desi_void_desivast"
FOLDER = "/usr/share/postgresql/16/extension"


def sql(host, query, database=DATABASE, role="postgres"):
    return host.run(
        "runuser -u postgres -- psql -XAtq %s -c %s", database, f"set role {role}; {query}"
    )


@pytest.mark.parametrize("database", ["template_desi", DATABASE, "desi_void_fastspecfit"])
def test_every_project_has_the_functions(host, database):
    found = sql(host, "select extversion from pg_extension where extname = 'labdb'", database)
    assert found.stdout.strip() == "1.0"


@pytest.mark.parametrize("role", ["desi_dev", "desi_loader", "desi_analyst"])
def test_every_role_may_ask_them(host, role):
    query = "select round(labdb.separation(0, 0, 0, 1)::numeric, 12) = 1"
    assert sql(host, query, role=role).stdout.strip() == "t"
    query = (
        "select round(labdb.comoving_distance(0.1, c)) from labdb.cosmology c where name = 'lab'"
    )
    assert sql(host, query, role=role).stdout.strip() == "418"


def test_the_owner_of_a_database_names_cosmologies_and_a_reader_does_not(host):
    query = "begin; insert into labdb.cosmology values ('mine', 70, 0.25, 'a page'); rollback"
    assert sql(host, query, role="desi_dev").rc == 0
    assert "permission denied" in sql(host, query, role="desi_analyst").stderr


def test_an_analyst_matches_tables_that_she_made(host):
    query = """
    create temp table mine as select n as targetid, n * 0.01::float8 as ra, 0.0::float8 as dec
      from generate_series(1, 20000) as n;
    create index on mine (q3c_ang2ipix(ra, dec));
    analyze mine;
    select count(*) from labdb.crossmatch_best('mine', 'mine', 1e-3)
    """
    assert sql(host, query, role="desi_analyst").stdout.strip() == "20000"


def test_an_owner_keeps_the_members_of_voids(host):
    query = """
    begin;
    create table science_analysis.v (void_id bigint, position cube, radius float8, edge int);
    create table science_analysis.g as
      select n as targetid, cube(array[n, 0, 0]::float8[]) as position
        from generate_series(0, 99) as n;
    insert into science_analysis.v values (1, '(50, 0, 0)', 2, 0);
    select labdb.create_membership('science_analysis.m');
    select members_new from labdb.refresh_membership(
      'science_analysis.m', 'science_analysis.v', 'science_analysis.g');
    rollback
    """
    assert sql(host, query, role="desi_dev").stdout.split() == ["5"]


@pytest.mark.parametrize("name", ["labdb.control", "labdb--1.0.sql"])
def test_nobody_but_root_changes_what_a_superuser_will_run(host, name):
    file = host.file(f"{FOLDER}/{name}")
    assert (file.user, file.group, file.mode) == ("root", "root", 0o644)
