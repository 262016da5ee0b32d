UNIT = "prometheus-postgres-exporter.service"
PORT = 9187


def test_it_sees_the_server(metrics, comes):
    assert comes("pg_up 1")
    assert 'pg_database_size_bytes{datname="desi_void_desivast"}' in metrics()


def test_it_sees_the_server_again_after_a_restart(host, comes):
    host.check_output("systemctl restart postgresql@16-main.service")
    assert comes("pg_up 1")


def test_it_answers_on_the_declared_address_alone(host):
    assert host.run(f"curl --silent http://127.0.0.1:{PORT}/metrics").rc != 0


def test_it_has_no_password_and_sees_no_data(host):
    pid = host.check_output(f"systemctl show --property=MainPID --value {UNIT}")
    environment = host.check_output(f"cat /proc/{pid}/environ")
    assert "DATA_SOURCE_NAME=user=postgres_exporter" in environment
    assert "password" not in environment.lower()
    ask = "psql -XAtq -U postgres_exporter"
    probe = f"runuser -u postgres_exporter -- {ask} postgres -c 'select rolpassword from pg_authid'"
    assert "permission denied" in host.run(probe).stderr
    entered = host.run(f"runuser -u postgres_exporter -- {ask} desi_void_desivast -c 'select 1'")
    assert "permission denied" in entered.stderr


def test_it_runs_as_a_user_of_its_own_without_privileges(host):
    pid = host.check_output(f"systemctl show --property=MainPID --value {UNIT}")
    assert host.check_output(f"ps --no-headers -o user:32 {pid}") == "postgres_exporter"
    assert "CapEff:\t0000000000000000" in host.check_output(f"cat /proc/{pid}/status")
    assert host.service(UNIT).is_enabled


def test_it_takes_no_more_connections_than_its_share(host):
    query = "select rolconnlimit from pg_roles where rolname = 'postgres_exporter'"
    assert host.check_output("runuser -u postgres -- psql -XAtqc %s", query) == "5"
