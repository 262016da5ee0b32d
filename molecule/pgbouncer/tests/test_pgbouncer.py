import re
import time

import pytest

UNIT = "pgbouncer.service"
DATABASE, OTHER = "desi_void_desivast", "desi_void_fastspecfit"
TLS = "/etc/postgresql/16/main/tls"
CLIENTS, EACH = 200, 10


def sql(host, query, database="postgres"):
    return host.check_output("runuser -u postgres -- psql -XAtq %s -c %s", database, query)


def console(host, command, user="pgbouncer"):
    return host.run(
        "runuser -u %s -- psql -XAt -h /run/pgbouncer -p 6432 pgbouncer -c %s", user, command
    )


def target(address, role, **options):
    words = {
        "host": address,
        "port": "6432",
        "dbname": DATABASE,
        "user": role,
        "sslmode": "verify-full",
        "sslrootcert": f"{TLS}/ca.crt",
        "connect_timeout": "10",
    }
    return " ".join(f"{key}={value}" for key, value in (words | options).items())


def ask(host, clients, address, role, **options):
    """The answer of *role*'s session from the client network, through the pooler."""
    query = options.pop("query", "select 1")
    secret = options.pop("password", f"molecule-{role}")
    where = target(address, role, **options)
    return host.run(f"{clients} env PGPASSWORD={secret} psql -XAtq %s -c %s", where, query)


def pid(host):
    return host.check_output(f"systemctl show --property=MainPID --value {UNIT}")


def test_a_client_comes_through_over_verified_tls_as_itself(host, clients, address):
    query = "select current_user, current_setting('statement_timeout'), inet_client_addr() is null"
    answer = ask(host, clients, address, "desi_analyst", query=query)
    assert answer.stdout.strip() == "desi_analyst|12h|t", answer.stderr


def test_the_server_sees_who_is_behind_the_pooler(host, clients, address):
    query = "select application_name from pg_stat_activity where pid = pg_backend_pid()"
    answer = ask(host, clients, address, "desi_analyst", query=query).stdout
    assert clients.client in answer


def test_two_hundred_clients_are_served_by_the_pool_s_few_connections(host, clients, address):
    seen = "raw_catalogs.seen"
    sql(host, f"drop table if exists {seen}; create table {seen} (pid int)", DATABASE)
    sql(host, f"grant insert on {seen} to desi_loader", DATABASE)
    host.check_output(f"echo 'insert into {seen} values (pg_backend_pid())' > /root/seen.sql")
    done = host.run(
        f"{clients} env PGPASSWORD=molecule-desi_loader /usr/lib/postgresql/16/bin/pgbench -n"
        f" -M prepared -c {CLIENTS} -j 2 -t {EACH} -f /root/seen.sql %s",
        target(address, "desi_loader"),
    )
    assert done.rc == 0, done.stderr
    rows, connections = sql(
        host, f"select count(*), count(distinct pid) from {seen}", DATABASE
    ).split("|")
    assert int(rows) == CLIENTS * EACH
    assert 1 <= int(connections) <= 2


def test_who_finds_the_pool_at_work_waits_and_is_served(host, clients, address):
    host.check_output("echo 'select pg_sleep(0.5)' > /root/sleep.sql")
    done = host.run(
        f"{clients} env PGPASSWORD=molecule-desi_analyst /usr/lib/postgresql/16/bin/pgbench -n"
        " -c 10 -t 1 -f /root/sleep.sql %s",
        target(address, "desi_analyst"),
    )
    assert done.rc == 0, done.stderr
    assert "number of failed transactions: 0" in done.stdout
    # Two at a time: five rounds of half a second.
    assert float(re.search(r"latency average = ([0-9.]+)", done.stdout)[1]) > 1000


def test_a_role_waits_no_longer_than_idle_connections_of_its_other_database(host, clients, address):
    host.check_output("echo 'select pg_sleep(0.2)' > /root/sleep.sql")
    host.check_output(
        f"{clients} env PGPASSWORD=molecule-desi_analyst /usr/lib/postgresql/16/bin/pgbench -n"
        " -c 2 -t 1 -f /root/sleep.sql %s",
        target(address, "desi_analyst"),
    )
    start = time.monotonic()
    answer = ask(host, clients, address, "desi_analyst", dbname=OTHER)
    assert answer.stdout.strip() == "1", answer.stderr
    assert time.monotonic() - start < 15


def test_a_guessed_password_is_refused(host, clients, address):
    refused = ask(host, clients, address, "desi_analyst", password="guess")
    assert "SASL authentication failed" in refused.stderr


def test_a_client_without_tls_is_refused(host, clients, address):
    refused = ask(host, clients, address, "desi_analyst", sslmode="disable")
    assert "SSL required" in refused.stderr


@pytest.mark.parametrize(
    "role", ["postgres", "postgres_exporter", "pgbouncer", "clusteradmin_pg01"]
)
def test_a_role_that_is_not_in_the_clients_line_is_refused(host, clients, address, role):
    assert ask(host, clients, address, role).rc != 0


def test_a_client_of_a_foreign_network_is_refused(host, clients, address):
    host.check_output(f"ip -n clients route replace default via 198.18.30.1 src {clients.foreign}")
    refused = ask(host, clients, address, "desi_analyst")
    host.check_output("ip -n clients route replace default via 198.18.20.1")
    assert refused.rc != 0
    assert "SASL authentication failed" in refused.stderr or "rejected" in refused.stderr
    assert ask(host, clients, address, "desi_analyst").rc == 0


@pytest.mark.parametrize("database", ["labdb_lookup", "postgres", "pgbouncer", "template_desi"])
def test_only_the_declared_databases_are_served(host, clients, address, database):
    assert ask(host, clients, address, "desi_dev", dbname=database).rc != 0


def test_a_rotated_password_counts_at_once(host, clients, address):
    def rotate(password):
        sql(
            host,
            f"set password_encryption = 'scram-sha-256'; alter role desi_dev password '{password}'",
        )

    assert ask(host, clients, address, "desi_dev").rc == 0
    rotate("another-one")
    try:
        assert ask(host, clients, address, "desi_dev", password="another-one").rc == 0
        assert ask(host, clients, address, "desi_dev").rc != 0
    finally:
        rotate("molecule-desi_dev")
    assert ask(host, clients, address, "desi_dev").rc == 0


def test_no_password_and_no_verifier_is_kept_on_disk(host):
    assert (
        host.run("grep --recursive --extended-regexp 'SCRAM-SHA|molecule-' /etc/pgbouncer").rc == 1
    )
    for path in ("labdb-pools.ini", "labdb-hba.conf", "labdb-users.txt", "tls/server.key"):
        file = host.file(f"/etc/pgbouncer/{path}")
        assert (file.user, file.group, file.mode & 0o027) == ("root", "pgbouncer", 0o000)


def test_the_pooler_s_role_may_look_up_clients_and_nothing_else(host):
    def as_pooler(query, database="postgres"):
        return host.run("runuser -u pgbouncer -- psql -XAtq %s -c %s", database, query)

    found = as_pooler("select verifier from pgbouncer.verifier('desi_dev')").stdout
    assert found.startswith("SCRAM-SHA-256$")
    assert as_pooler("select count(*) from pgbouncer.verifier('postgres')").stdout.strip() == "0"
    assert "permission denied" in as_pooler("select rolpassword from pg_authid").stderr
    assert as_pooler("select 1", DATABASE).rc != 0
    asked = "set role desi_dev; select * from pgbouncer.verifier('desi_analyst')"
    denied = host.run("runuser -u postgres -- psql -XAtq postgres -c %s", asked)
    assert "permission denied" in denied.stderr


def test_an_expired_role_does_not_come_through(host, clients, address):
    sql(host, "alter role desi_dev valid until '2020-01-01'")
    try:
        assert ask(host, clients, address, "desi_dev").rc != 0
    finally:
        sql(host, "alter role desi_dev valid until 'infinity'")
    assert ask(host, clients, address, "desi_dev").rc == 0


def test_it_runs_as_a_user_of_its_own_without_privileges_on_one_address(host, address):
    assert host.check_output(f"ps --no-headers -o user:32 {pid(host)}") == "pgbouncer"
    assert "CapEff:\t0000000000000000" in host.check_output(f"cat /proc/{pid(host)}/status")
    assert host.service(UNIT).is_enabled
    listening = host.check_output("ss --listening --tcp --numeric --no-header").split()
    assert [word for word in listening if word.endswith(":6432")] == [f"{address}:6432"]


def test_only_the_exporter_reads_statistics_and_it_commands_nothing(host):
    host.run("useradd --system pgbouncer_exporter")
    assert "desi" in console(host, "show databases", "pgbouncer_exporter").stdout
    assert "admin access needed" in console(host, "shutdown", "pgbouncer_exporter").stderr
    assert console(host, "show pools", "nobody").rc != 0


def test_what_a_run_that_was_killed_left_unread_is_read_by_the_next(host, play_again):
    before = pid(host)
    host.check_output("touch /etc/pgbouncer/labdb-pools.ini")
    again = play_again()
    assert again.returncode == 0, again.stdout
    assert "Reload, which no session notices" in again.stdout
    assert "changed=1 " in again.stdout
    assert pid(host) == before


def test_another_pool_size_is_a_reload(host, play_again):
    before = pid(host)
    changed = play_again(pgbouncer_roles=[{"name": "desi_analyst", "connections": 7}])
    assert changed.returncode == 0, changed.stdout
    assert pid(host) == before
    assert re.search(r"^desi_analyst\|.*\|7\|", console(host, "show users").stdout, re.MULTILINE)
    assert play_again().returncode == 0
    assert pid(host) == before


def test_another_port_is_a_restart(host, address, play_again):
    before = pid(host)
    changed = play_again(pgbouncer_port=6433)
    assert changed.returncode == 0, changed.stdout
    assert pid(host) != before
    assert f"{address}:6433" in host.check_output("ss --listening --tcp --numeric --no-header")
    assert play_again().returncode == 0


def test_a_renewed_certificate_reaches_the_clients_without_a_restart(host, address, play_again):
    def served():
        shown = host.check_output(
            f"openssl s_client -starttls postgres -connect {address}:6432 < /dev/null 2>/dev/null"
            " | openssl x509 -noout -subject"
        )
        return shown.rpartition("=")[2].strip()

    before, process = served(), pid(host)
    host.check_output(
        f"cp -a {TLS} /root/tls && openssl req -x509 -nodes -days 2 -subj /CN=renewed -newkey ec"
        f" -pkeyopt ec_paramgen_curve:P-256 -keyout {TLS}/server.key -out {TLS}/server.crt"
    )
    try:
        assert play_again().returncode == 0
        assert served() == "renewed"
        assert pid(host) == process
    finally:
        host.check_output(f"cp -a /root/tls/. {TLS}/ && rm -r /root/tls")
    assert play_again().returncode == 0
    assert served() == before


def test_a_restart_of_postgresql_is_over_for_the_clients_within_seconds(host, clients, address):
    assert ask(host, clients, address, "desi_analyst").rc == 0
    host.check_output("systemctl restart postgresql@16-main.service")
    end = time.monotonic() + 20
    while ask(host, clients, address, "desi_analyst").rc != 0:
        assert time.monotonic() < end
        time.sleep(0.5)


def test_no_pooler_is_left_where_none_is_declared(host, address, play_again):
    gone = play_again(pgbouncer_enabled=False)
    assert gone.returncode == 0, gone.stdout
    assert not host.package("pgbouncer").is_installed
    assert host.check_output("find /etc/pgbouncer -name 'labdb*' -o -name tls") == ""
    assert f"{address}:6432" not in host.check_output("ss --listening --tcp --numeric --no-header")
    assert sql(host, "select count(*) from pg_roles where rolname = 'pgbouncer'") == "0"
    assert sql(host, "select count(*) from pg_namespace where nspname = 'pgbouncer'") == "0"
    again = play_again(pgbouncer_enabled=False)
    assert "changed=0" in again.stdout
    assert play_again().returncode == 0
    assert host.service(UNIT).is_running
