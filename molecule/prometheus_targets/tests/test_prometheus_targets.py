import os
from pathlib import Path

import pytest
import yaml

JOBS = {"node-exporter": 9100, "postgres-exporter": 9187, "pgbackrest-exporter": 9854}


@pytest.fixture
def address(host):
    return host.check_output("hostname -i")


@pytest.mark.parametrize("job", JOBS)
def test_each_job_has_a_snippet_that_prometheus_can_read(job, address):
    folder = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "prometheus")
    (group,) = yaml.safe_load((folder / f"labdb-proj-pg01-{job}.yml").read_text())
    assert group["targets"] == [f"{address}:{JOBS[job]}"]
    assert group["labels"]["instance"] == "proj-pg01"
    assert group["labels"]["group"] == "database"
    assert group["labels"]["hostname"].startswith("proj-pg01")


def test_the_monitoring_host_gets_them_when_the_inventory_knows_it(host, play_again):
    again = play_again(prometheus_targets_host="proj-pg01")
    assert again.returncode == 0, again.stdout
    for job in JOBS:
        assert host.file(f"/etc/prometheus/file_sd/labdb-proj-pg01-{job}.yml").exists


def test_the_snippet_of_a_job_that_is_gone_goes_too(play_again):
    folder = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "prometheus")
    gone = folder / "labdb-proj-pg01-pgbouncer-exporter.yml"
    gone.write_text("- targets: [nobody]\n")
    assert play_again().returncode == 0
    assert not gone.exists()


def test_a_target_without_a_port_is_refused(play_again):
    wrong = play_again(
        prometheus_targets_targets=[{"job": "node-exporter", "address": "somewhere"}]
    )
    assert wrong.returncode != 0
    assert "is not of the form address:port" in wrong.stdout
