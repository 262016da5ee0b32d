import os
from pathlib import Path

import pytest
import testinfra

GB = 1 << 30
DISK = "/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_"


@pytest.fixture(scope="module")
def host():
    """The guest by SSH, with the host key that was pinned through its agent."""
    lab = Path(os.environ["LABDB_STATE"], "lab")
    return testinfra.get_host(
        "ssh://labdb@198.19.20.8",
        ssh_identity_file=str(lab / "ssh" / "id_ed25519"),
        ssh_extra_args=f"-o UserKnownHostsFile={lab / 'known_hosts'} -o StrictHostKeyChecking=yes"
        " -o HostKeyAlgorithms=ssh-ed25519",
    )


def size(host, serial):
    return int(host.check_output(f"lsblk --bytes --nodeps --noheadings -o SIZE {DISK}{serial}"))


def booted(host):
    return host.check_output("stat --format %Y /proc/1")


def test_the_guest_is_who_it_is_declared_to_be(host, cluster):
    assert host.check_output("hostname") == "proj-pg01"
    assert "198.19.20.8/24" in host.check_output("ip -4 -o address show")
    assert cluster.guests()[2002]["name"] == "proj-pg01"


def test_cloud_init_has_finished(host):
    assert "status: done" in host.run("cloud-init status").stdout


def test_disks_are_found_by_their_serials(host):
    assert size(host, "labdbpgdata") == 250 * GB
    assert size(host, "labdbbackup") == 500 * GB


def test_it_cannot_be_removed_by_accident(cluster):
    assert cluster.guests()[2002]["protection"] == 1


def test_a_disk_grows_while_the_guest_runs(host, play_again):
    before = booted(host)
    grown = play_again(molecule_declares={"storage": {"data": {"size": "260GB"}}})
    assert grown.returncode == 0, grown.stdout
    assert size(host, "labdbpgdata") == 260 * GB
    assert booted(host) == before


def test_a_smaller_disk_is_refused_and_nothing_changes(cluster, play_again):
    before = cluster.guests()
    refused = play_again(molecule_declares={"storage": {"data": {"size": "100GB"}}})
    assert refused.returncode != 0
    assert "shrink" in refused.stdout
    assert cluster.guests() == before
