import os
from pathlib import Path

UNIT = "prometheus-pgbackrest-exporter.service"
PORT = 9854


def value(metrics, beginning):
    line = next(line for line in metrics().splitlines() if line.startswith(beginning))
    return float(line.split()[-1])


def test_it_reports_the_stanza_and_the_last_backup(metrics):
    assert value(metrics, "pgbackrest_stanza_status{") == 0
    assert (
        value(metrics, 'pgbackrest_backup_since_last_completion_seconds{backup_type="full"') < 3600
    )


def test_it_answers_on_the_declared_address_alone(host):
    assert host.run(f"curl --silent http://127.0.0.1:{PORT}/metrics").rc != 0


def test_it_shows_no_secret(host, metrics):
    passphrase = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "cipher").read_text().strip()
    assert passphrase not in metrics()
    assert passphrase not in host.check_output(f"journalctl --no-pager --unit {UNIT}")


def test_it_can_change_nothing(host):
    pid = host.check_output(f"systemctl show --property=MainPID --value {UNIT}")
    mounts = host.check_output(f"cat /proc/{pid}/mountinfo").splitlines()
    (options,) = [line.split()[5] for line in mounts if line.split()[4] == "/mnt/backup"]
    assert "ro" in options.split(",")
    assert "CapEff:\t0000000000000000" in host.check_output(f"cat /proc/{pid}/status")
    assert host.service(UNIT).is_enabled


def test_an_orderly_stop_leaves_nothing_failed(host):
    host.check_output(f"systemctl stop {UNIT}")
    assert host.check_output("systemctl --failed --no-legend --plain") == ""
    host.check_output(f"systemctl start {UNIT}")
