UNIT = "prometheus-pgbouncer-exporter.service"
PORT = 9127


def test_it_sees_the_pools(metrics, comes):
    assert comes("pgbouncer_up 1")
    text = metrics()
    assert 'pgbouncer_databases_pool_size{database="desi_void_desivast"' in text
    assert "pgbouncer_config_max_client_connections 210" in text


def test_it_sees_the_pooler_again_after_a_restart(host, comes):
    host.check_output("systemctl restart pgbouncer.service")
    assert comes("pgbouncer_up 1")


def test_it_says_so_when_the_pooler_is_down(host, metrics):
    host.check_output("systemctl stop pgbouncer.service")
    try:
        assert "\npgbouncer_up 0\n" in metrics()
    finally:
        host.check_output("systemctl start pgbouncer.service")


def test_it_answers_on_the_declared_address_alone(host):
    assert host.run(f"curl --silent http://127.0.0.1:{PORT}/metrics").rc != 0


def test_it_has_no_password_and_may_command_nothing(host):
    pid = host.check_output(f"systemctl show --property=MainPID --value {UNIT}")
    told = host.check_output(f"cat /proc/{pid}/environ /proc/{pid}/cmdline")
    assert "password" not in told.lower()
    command = "psql -XAt -h /run/pgbouncer -p 6432 pgbouncer -c"
    refused = host.run(f"runuser -u pgbouncer_exporter -- {command} 'pause'")
    assert "admin access needed" in refused.stderr


def test_it_runs_as_a_user_of_its_own_without_privileges(host):
    pid = host.check_output(f"systemctl show --property=MainPID --value {UNIT}")
    assert host.check_output(f"ps --no-headers -o user:32 {pid}") == "pgbouncer_exporter"
    assert "CapEff:\t0000000000000000" in host.check_output(f"cat /proc/{pid}/status")
    assert host.service(UNIT).is_enabled


def test_no_exporter_is_left_where_no_pooler_is_declared(host, play_again, comes):
    gone = play_again(pgbouncer_exporter_enabled=False)
    assert gone.returncode == 0, gone.stdout
    assert not host.package("prometheus-pgbouncer-exporter").is_installed
    assert host.run(f"systemctl cat {UNIT}").rc != 0
    assert "changed=0" in play_again(pgbouncer_exporter_enabled=False).stdout
    assert play_again().returncode == 0
    assert comes("pgbouncer_up 1")
