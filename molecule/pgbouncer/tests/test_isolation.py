"""A project that runs away slows another one down by no more than its limits allow."""

import time

import pytest

CONNECTIONS = 2  # what the pool of the analysts has: workload.analytic_sessions
WORKERS = 2  # max_parallel_workers, one for each core
DIRECT = 2  # sessions of the analysts beside their pool
# The kernel shares the cores equally among processes, and the limits bound how many of them the
# other project has: five share two cores at the worst. Twice that is promised.
FACTOR = 2 * (CONNECTIONS + WORKERS + 1)
SECONDS = 8
RUNAWAY, CALM = "desi_void_desivast", "desi_void_fastspecfit"
BIN = "/usr/lib/postgresql/16/bin"
CARTESIAN = (
    "begin; set local statement_timeout = '15s';"
    " select count(*) from raw_catalogs.big a, raw_catalogs.big b where a.v <> b.v"
)
SORT = (
    "select count(*) from (select md5(g::text) from generate_series(1, 200000000) g"
    " order by 1 offset 10) x"
)
QUESTION = r"""\set id random(0, 99999)
select ra, dec from raw_catalogs.sky where targetid = :id;
select count(*) from raw_catalogs.sky where q3c_radial_query(ra, dec, 150.1, 2.2, 0.5);
"""
SKY = (
    "drop table if exists raw_catalogs.sky;"
    "create table raw_catalogs.sky as select g as targetid,"
    " mod(g * 137.50776405, 360)::float8 as ra,"
    " degrees(asin(2 * (g + 0.5) / 100000 - 1)) as dec from generate_series(0, 99999) g;"
    "alter table raw_catalogs.sky add primary key (targetid);"
    "create index on raw_catalogs.sky (q3c_ang2ipix(ra, dec)); analyze raw_catalogs.sky"
)
BIG = (
    "drop table if exists raw_catalogs.big;"
    "create table raw_catalogs.big as select g as v, repeat('x', 50) as pad"
    " from generate_series(1, 400000) g; analyze raw_catalogs.big"
)


def sql(host, query, database="postgres"):
    return host.check_output("runuser -u postgres -- psql -XAtq %s -c %s", database, query)


def started(host):
    return sql(host, "select pg_postmaster_start_time()")


@pytest.fixture(scope="module")
def projects(host):
    """Two projects with data of their own, and the question that the calm one asks."""
    for database, made in ((CALM, SKY), (RUNAWAY, BIG)):
        sql(host, f"set role desi_loader; {made}", database)
    host.check_output("cat > /root/question.sql <<'END'\n" + QUESTION + "END")


def p95(host, clients, address):
    """Milliseconds in which the calm project has 95 % of its answers; not one may fail."""
    where = f"host={address} sslmode=require user=desi_dev dbname={CALM}"
    done = host.run(
        "cd /root && rm -f calm.* &&"
        f" {clients} env PGPASSWORD=molecule-desi_dev {BIN}/pgbench -n -c 1 -T {SECONDS} -l"
        " --log-prefix=calm -f question.sql %s",
        where,
    )
    assert done.rc == 0, done.stderr
    assert "number of failed transactions: 0" in done.stdout
    lines = host.check_output("cat /root/calm.*").splitlines()
    times = sorted(int(line.split()[2]) / 1000 for line in lines)
    return times[int(len(times) * 0.95)]


@pytest.fixture(scope="module")
def run_away(host, clients, address):
    """Start a session of the other project that nobody waits for; what it says is kept."""

    def run(name, query, port):
        where = f"host={address} port={port} sslmode=require user=desi_analyst dbname={RUNAWAY}"
        host.check_output(
            f"{clients} env PGPASSWORD=molecule-desi_analyst nohup psql -XAtq %s -c %s"
            f" > /root/runaway-{name} 2>&1 &",
            where,
            query,
        )

    return run


@pytest.mark.long
@pytest.mark.usefixtures("projects")
def test_a_runaway_project_is_ended_by_its_limits_and_slows_another_no_more_than_stated(
    host, clients, address, run_away
):
    host.check_output("rm -f /root/runaway-*")
    before, start = p95(host, clients, address), started(host)
    for number in range(3):
        run_away(f"cartesian-{number}", CARTESIAN, 6432)
        run_away(f"sort-{number}", SORT, 6432)
    time.sleep(3)
    for number in range(DIRECT + 3):
        run_away(f"direct-{number}", "select pg_sleep(30)", 5432)
    busy = p95(host, clients, address)
    at_work = "select count(*) from pg_stat_activity where usename = 'desi_analyst'"
    sessions = int(sql(host, f"{at_work} and backend_type = 'client backend'"))
    assert 1 <= sessions <= CONNECTIONS + DIRECT
    end = time.monotonic() + 300
    # The pattern does not match the shell that asks.
    while host.run("pgrep --full '[p]sql -XAtq host='").rc == 0:
        assert time.monotonic() < end, "the runaways do not end"
        time.sleep(1)
    after = p95(host, clients, address)

    def said(what):
        return host.check_output(f"cat /root/runaway-{what}-*").splitlines()

    assert len([line for line in said("cartesian") if "due to statement timeout" in line]) == 3
    assert len([line for line in said("sort") if "exceeds temp_file_limit" in line]) == 3
    refused = [line for line in said("direct") if "too many connections for role" in line]
    assert len(refused) >= 3
    assert started(host) == start
    assert host.run("grep --recursive 'terminated by signal' /mnt/data/pg01/log").rc == 1
    # What else this machine does counts for both; the slower of the two quiet times is taken.
    quiet = max(before, after)
    assert busy <= FACTOR * quiet, f"{busy:.1f} ms, quiet {before:.1f} and {after:.1f} ms"
