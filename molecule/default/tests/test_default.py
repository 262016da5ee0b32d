"""The roles together; what each of them promises alone is tested with it."""

import json

EXPORTERS = {9100: "node_load1 ", 9187: "\npg_up 1\n", 9854: "pgbackrest_stanza_status{"}


def sql(host, query):
    return host.check_output("runuser -u postgres -- psql -XAtqc %s", query)


def test_every_unit_of_the_guest_is_well(host):
    assert host.check_output("systemctl is-system-running") == "running"


def test_the_first_backup_is_older_than_the_first_database(host):
    info = json.loads(host.check_output("runuser -u postgres -- pgbackrest --output=json info"))
    (backup,) = info[0]["backup"]
    made = sql(
        host,
        "select extract(epoch from (pg_stat_file('base/' || oid || '/PG_VERSION')).modification)"
        " from pg_database where datname = 'desi_void_desivast'",
    )
    assert backup["timestamp"]["stop"] <= float(made)


def test_the_archive_takes_every_segment(host):
    assert sql(host, "select last_archived_wal is not null from pg_stat_archiver") == "t"
    assert sql(host, "select failed_count from pg_stat_archiver") == "0"


def test_every_exporter_answers_through_the_firewalls_own_table(host):
    address = host.check_output("hostname -i")
    for port, sample in EXPORTERS.items():
        answer = host.check_output(
            f"curl --silent --fail --retry 5 --retry-all-errors http://{address}:{port}/metrics"
        )
        assert sample in answer
        assert f"dport {port}" in host.check_output("nft list table inet labdb")


def test_a_session_by_the_network_needs_tls(host):
    address = host.check_output("hostname -i")
    plain = host.run(
        f"psql 'host={address} user=desi_dev dbname=desi_void_desivast sslmode=disable'"
    )
    assert plain.rc != 0
    assert sql(host, "show ssl") == "on"


def test_nothing_of_the_database_listens_everywhere(host):
    listening = host.check_output("ss --listening --tcp --numeric --no-header").splitlines()
    addresses = {line.split()[3] for line in listening}
    ports = (5432, *EXPORTERS)
    assert (
        not {f"{place}:{port}" for port in ports for place in ("0.0.0.0", "*", "[::]")} & addresses
    )
    assert f"{host.check_output('hostname -i')}:5432" in addresses
