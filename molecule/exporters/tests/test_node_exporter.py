UNIT = "prometheus-node-exporter.service"
PORT = 9100


def test_it_answers_on_the_declared_address_alone(host, metrics):
    assert "node_memory_MemTotal_bytes" in metrics()
    assert host.run(f"curl --silent http://127.0.0.1:{PORT}/metrics").rc != 0


def test_file_systems_below_mnt_are_measured(host, metrics):
    host.check_output("mkdir -p /mnt/probe && mount -t tmpfs -o size=1m tmpfs /mnt/probe")
    try:
        line = next(
            line
            for line in metrics().splitlines()
            if line.startswith("node_filesystem_readonly") and 'mountpoint="/mnt/probe"' in line
        )
    finally:
        host.check_output("umount /mnt/probe")
    assert line.endswith(" 0"), "the exporter's own protection must not look like a broken disk"


def test_metrics_of_other_programs_are_passed_on(host, metrics):
    host.check_output("echo labdb_probe 7 > /var/lib/prometheus/node-exporter/probe.prom")
    assert "labdb_probe 7" in metrics()


def test_the_state_of_the_units_is_a_metric(metrics):
    assert f'node_systemd_unit_state{{name="{UNIT}",state="active"' in metrics()


def test_it_runs_without_privileges(host):
    show = f"systemctl show --property=MainPID --value {UNIT}"
    status = host.check_output(f"cat /proc/$({show})/status")
    assert "CapEff:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status
    assert host.service(UNIT).is_enabled


def test_a_declared_version_is_pinned(host, play_again):
    version = host.check_output(
        "dpkg-query --show --showformat '${Version}' prometheus-node-exporter"
    )
    again = play_again(node_exporter_package_version=version)
    assert again.returncode == 0, again.stdout
    policy = host.check_output("apt-cache policy prometheus-node-exporter")
    assert f"{version} 1001" in policy


def test_a_version_that_does_not_exist_is_refused_and_changes_nothing_that_runs(
    play_again, metrics
):
    refused = play_again(node_exporter_package_version="99.9")
    assert refused.returncode != 0
    assert "no available installation candidate" in refused.stdout
    assert "node_memory_MemTotal_bytes" in metrics()
    assert play_again().returncode == 0
