import os
import subprocess
from pathlib import Path

SCRATCH = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
GIB = 1 << 30


def loop_of(serial):
    disk = str(SCRATCH / f"{serial}.disk")
    listed = ["losetup", "--noheadings", "--output", "NAME", "--associated", disk]
    return disk, subprocess.run(listed, check=True, capture_output=True, text=True).stdout.strip()


def size(host, mount):
    return int(host.check_output("df --block-size=1 --output=size %s | tail -1", mount))


def test_data_and_backups_lie_on_disks_of_their_own(host):
    data, backup = host.mount_point("/mnt/data"), host.mount_point("/mnt/backup")
    assert data.filesystem == backup.filesystem == "xfs"
    assert data.device != backup.device


def test_reading_writes_no_access_times(host):
    assert "noatime" in host.mount_point("/mnt/data").options


def test_the_mounts_come_back_at_boot(host):
    assert host.service("mnt-data.mount").is_enabled
    assert host.service("mnt-backup.mount").is_enabled


def test_a_second_run_keeps_the_data(host, play_again):
    host.check_output("echo precious > /mnt/data/marker")
    again = play_again()
    assert again.returncode == 0, again.stdout
    assert host.file("/mnt/data/marker").content_string == "precious\n"


def test_a_grown_disk_grows_its_file_system_in_use(host, play_again):
    before = size(host, "/mnt/data")
    disk, device = loop_of("labdbpgdata")
    subprocess.run(["truncate", "--size", "14G", disk], check=True)
    subprocess.run(["losetup", "--set-capacity", device], check=True)
    grown = play_again()
    assert grown.returncode == 0, grown.stdout
    assert size(host, "/mnt/data") > before + 3 * GIB
    assert host.file("/mnt/data/marker").exists


def test_a_disk_with_foreign_content_is_refused_and_not_formatted(host, play_again):
    host.check_output("umount /mnt/backup && wipefs --all /dev/sdc && mkfs.ext4 -q /dev/sdc 1g")
    refused = play_again()
    assert refused.returncode != 0
    assert "ext4 and not xfs" in " ".join(refused.stdout.split())
    assert host.check_output("wipefs --noheadings --output TYPE /dev/sdc") == "ext4"


def test_a_missing_disk_is_named_by_its_serial(host, play_again):
    host.check_output("rm /dev/disk/by-id/*_labdbbackup")
    refused = play_again()
    assert refused.returncode != 0
    assert "no disk with serial labdbbackup" in " ".join(refused.stdout.split())
