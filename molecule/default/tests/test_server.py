"""What only the whole server can promise; each role's own promises are in its own scenario."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

SCRATCH = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
DATABASE = "desi_void_desivast"
EXPORTERS = {9100: "node_load1 ", 9187: "pg_up 1", 9854: "pgbackrest_backup_info"}
SERVICES = (
    "postgresql@16-main.service",
    "prometheus-node-exporter.service",
    "prometheus-postgres-exporter.service",
    "prometheus-pgbackrest-exporter.service",
    "pgbackrest-full.timer",
    "pgbackrest-differential.timer",
    "labdb-drill.timer",
    "labdb-firewall.service",
)


def ask(host, clients, address, role, password=None, **options):
    """The answer of *role*'s session from the client network, everything verified."""
    words = {
        "host": address,
        "dbname": DATABASE,
        "user": role,
        "sslmode": "verify-full",
        "sslrootcert": "/etc/postgresql/16/main/tls/ca.crt",
        "connect_timeout": "3",
    }
    query = options.pop("query", "select 1")
    target = " ".join(f"{key}={value}" for key, value in (words | options).items())
    secret = password or f"molecule-{role}"
    return host.run(f"{clients} env PGPASSWORD={secret} psql -XAtq %s -c %s", target, query)


def scrape(host, clients, address, port, *, source):
    url = f"http://{address}:{port}/metrics"
    return host.run(f"{clients} curl --silent --max-time 3 --interface {source} {url}").stdout


def within(seconds, promise):
    """Whether *promise* comes true in time."""
    end = time.monotonic() + seconds
    while not (kept := promise()) and time.monotonic() < end:
        time.sleep(0.5)
    return kept


def test_a_declared_client_works_over_verified_tls(host, clients, address):
    query = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"
    answer = ask(host, clients, address, "desi_analyst", query=query)
    assert answer.stdout.strip() == "t", answer.stderr


def test_what_a_loader_loads_an_analyst_reads_from_another_host(host, clients, address):
    load = "create table raw_catalogs.loaded as select 42 as answer"
    loaded = ask(host, clients, address, "desi_loader", query=load)
    assert loaded.rc == 0, loaded.stderr
    read = ask(host, clients, address, "desi_analyst", query="table raw_catalogs.loaded")
    assert read.stdout.strip() == "42"


def test_a_client_without_tls_is_refused(host, clients, address):
    refused = ask(host, clients, address, "desi_analyst", sslmode="disable")
    assert "pg_hba.conf rejects connection" in refused.stderr


def test_a_guessed_password_is_refused(host, clients, address):
    refused = ask(host, clients, address, "desi_analyst", password="guess")
    assert "password authentication failed" in refused.stderr


@pytest.mark.parametrize("role", ["postgres", "postgres_exporter", "clusteradmin_pg01"])
def test_a_role_that_is_not_in_the_clients_line_is_refused(host, clients, address, role):
    assert "pg_hba.conf rejects connection" in ask(host, clients, address, role).stderr


def test_a_foreign_subnet_does_not_even_reach_the_port(host, clients, address):
    connect = "import socket; socket.create_connection(('{}', 5432), 1, ('{}', 0))"
    known = connect.format(address, clients.client)
    foreign = connect.format(address, clients.foreign)
    assert host.run(f"{clients} python3 -c %s", known).rc == 0
    assert "TimeoutError" in host.run(f"{clients} python3 -c %s", foreign).stderr


@pytest.mark.parametrize(("port", "line"), EXPORTERS.items())
def test_the_monitoring_host_and_nobody_else_reads_the_exporters(
    host, clients, address, port, line
):
    assert within(
        20, lambda: line in scrape(host, clients, address, port, source=clients.monitoring)
    )
    assert scrape(host, clients, address, port, source=clients.client) == ""


def test_loaded_data_is_in_the_archive_and_a_backup_was_made_before(host):
    sql = "runuser -u postgres -- psql -XAtqc %s"
    segment = host.check_output(sql, "select pg_walfile_name(pg_switch_wal())")

    def info():
        ask_info = "runuser -u postgres -- pgbackrest --stanza=proj-pg01 --output=json info"
        return json.loads(host.check_output(ask_info))[0]

    assert within(30, lambda: info()["archive"][0]["max"] >= segment)
    assert info()["backup"][0]["type"] == "full"
    assert host.check_output(sql, "select failed_count from pg_stat_archiver") == "0"


def test_nothing_failed(host):
    assert host.check_output("systemctl --failed --no-legend --plain") == ""


def test_every_boot_starts_all_of_it(host):
    wanted = host.check_output("systemctl list-dependencies --plain default.target").split()
    assert set(SERVICES) <= set(wanted)


def test_a_dry_run_changes_nothing_and_tells_no_secret_however_much_it_talks():
    scenario, inventory = (
        os.environ[name] for name in ("MOLECULE_SCENARIO_DIRECTORY", "MOLECULE_INVENTORY_FILE")
    )
    playbook = str(Path(scenario, "converge.yml"))
    done = subprocess.run(
        ["ansible-playbook", "--check", "--diff", "-vvvv", "-i", inventory, playbook],
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "changed=0" in done.stdout
    cipher = (SCRATCH / "cipher").read_text().split()[0]
    key = (SCRATCH / "authority" / "ca.key").read_text().splitlines()[1]
    for secret in (cipher, key, "molecule-desi_"):
        assert secret not in done.stdout
