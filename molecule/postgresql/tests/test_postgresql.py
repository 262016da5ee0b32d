import pytest

DATA = "/mnt/data/pg01"


def sql(host, query):
    return host.check_output("runuser -u postgres -- psql -XAtqc %s", query)


def test_the_server_runs_and_comes_back_at_boot(host):
    service = host.service("postgresql@16-main.service")
    assert service.is_running
    assert sql(host, "select 1") == "1"
    assert host.service("postgresql.service").is_enabled
    assert "auto" in host.check_output("grep -v ^# /etc/postgresql/16/main/start.conf")


def test_the_data_lies_on_the_data_disk_and_nowhere_else(host):
    assert sql(host, "show data_directory") == DATA
    found = host.check_output("findmnt --noheadings --output TARGET --target %s", DATA)
    assert found == "/mnt/data"
    assert not host.file("/var/lib/postgresql/16").exists


def test_the_data_carries_checksums(host):
    assert sql(host, "show data_checksums") == "on"


def test_passwords_are_scram_and_nothing_is_trusted(host):
    methods = sql(host, "select distinct auth_method from pg_hba_file_rules").splitlines()
    assert set(methods) == {"peer", "scram-sha-256"}


def test_the_server_does_not_start_without_its_disks(host):
    show = "systemctl show --property=RequiresMountsFor postgresql@16-main.service"
    assert "/mnt/data" in host.check_output(show)


def test_the_server_has_time_to_recover(host):
    show = "systemctl show --property=TimeoutStartUSec --value postgresql@16-main.service"
    assert host.check_output(show) == "1h"


def test_a_backend_is_no_more_protected_than_any_process(host):
    score = sql(host, "select pg_read_file('/proc/self/oom_score_adj')")
    assert score == "0"


def test_packages_are_trusted_by_the_repositorys_own_key_alone(host):
    source = host.file("/etc/apt/sources.list.d/labdb-postgresql.sources")
    assert source.contains("^Signed-By: /etc/apt/keyrings/")


@pytest.fixture(scope="module")
def marked(host):
    sql(host, "create table precious as select 42 as answer")


@pytest.mark.usefixtures("marked")
def test_a_running_server_is_neither_touched_nor_restarted(host, play_again):
    started = sql(host, "select pg_postmaster_start_time()")
    again = play_again()
    assert again.returncode == 0, again.stdout
    assert sql(host, "select pg_postmaster_start_time()") == started
    assert sql(host, "select answer from precious") == "42"


@pytest.mark.usefixtures("marked")
def test_data_without_configuration_is_adopted(host, play_again):
    host.check_output(
        "pg_ctlcluster 16 main stop && mv /etc/postgresql/16/main /root/configuration"
    )
    again = play_again()
    assert again.returncode == 0, again.stdout
    assert sql(host, "select answer from precious") == "42"


@pytest.mark.usefixtures("marked")
def test_data_of_another_major_version_is_refused(host, play_again):
    host.check_output("mkdir --parents /mnt/data/other && echo 15 > /mnt/data/other/PG_VERSION")
    refused = play_again(postgresql_data_directory="/mnt/data/other")
    assert refused.returncode != 0
    assert "holds a cluster of PostgreSQL 15" in refused.stdout
    assert sql(host, "select answer from precious") == "42"


@pytest.mark.usefixtures("marked")
def test_a_second_data_directory_for_the_same_cluster_is_refused(host, play_again):
    refused = play_again(postgresql_data_directory="/mnt/data/empty")
    assert refused.returncode != 0
    assert "has its data in /mnt/data/pg01" in refused.stdout
    assert not host.file("/mnt/data/empty").exists
