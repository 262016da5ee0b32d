"""A guest of the emulated cluster that is really there: power, disks, memory, SSH."""

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from labdb.lab import control

pytestmark = pytest.mark.docker
VMID = 2902
VLAN = 77
RANGE = "10.219"
ADDRESS = f"{RANGE}.{VLAN}.8"
NODE = "/nodes/node06"
GUEST = f"{NODE}/qemu/{VMID}"
GIB = 1 << 30


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@dataclass
class Lab:
    pve: control.EmulatedPve
    key: Path

    def ask(self, method: str, path: str, **params: Any) -> Any:
        how: Any = {"params" if method == "GET" else "data": params}
        answer = requests.request(
            method, f"{self.pve.url}/api2/json{path}", headers=self.pve.headers, timeout=60,
            verify=str(self.pve.ca_file), **how,
        )  # fmt: skip
        assert answer.status_code == 200, f"{method} {path}: {answer.text}"
        return answer.json()["data"]

    def task(self, method: str, path: str, **params: Any) -> None:
        upid = quote(self.ask(method, path, **params), safe="")
        for _ in range(300):
            task = self.ask("GET", f"{NODE}/tasks/{upid}/status")
            if task["status"] == "stopped":
                assert task["exitstatus"] == "OK", task["exitstatus"]
                return
            time.sleep(0.1)
        pytest.fail(f"{method} {path} does not end")

    def ssh(self, command: str) -> str:
        """Run *command* in the guest; a guest that boots is waited for."""
        base = ["ssh", "-i", str(self.key), "-o", "StrictHostKeyChecking=no", "-o", "BatchMode=yes",
                "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
                "-o", "ConnectTimeout=2", f"labdb@{ADDRESS}"]  # fmt: skip
        for _ in range(40):
            done = subprocess.run([*base, command], capture_output=True, text=True, check=False)
            if done.returncode != 255:
                assert done.returncode == 0, f"{command}: {done.stderr}"
                return done.stdout.strip()
            time.sleep(0.5)
        pytest.fail(f"no SSH to {ADDRESS}: {done.stderr}")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    from labdb.lab import image, network  # noqa: PLC0415  # both need Docker's client

    image.ensure()
    state = tmp_path_factory.mktemp("machines")
    key = state / "key"
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABDB_LAB_NETWORK", RANGE)
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            patch.delenv(name, raising=False)
        with control.start(state, machines="docker") as pve:
            lab = Lab(pve, key)
            try:
                make(lab)
                yield lab
            finally:
                if pve.control.guest(VMID) is not None:
                    lab.task("POST", f"{GUEST}/status/stop")
                    lab.task("DELETE", GUEST)
                network.remove_all()


def make(lab: Lab) -> None:
    lab.task("POST", f"{NODE}/qemu/9000/clone", newid=VMID, name="pg-test", full=1,
             storage="nvmethin01")  # fmt: skip
    lab.task(
        "POST", f"{GUEST}/config", cores=64, memory=1024, balloon=1024, ciuser="labdb",
        sshkeys=quote(lab.key.with_suffix(".pub").read_text(), safe=""), ciupgrade=0,
        ipconfig0=f"ip={ADDRESS}/24,gw={RANGE}.{VLAN}.1",
        net0=f"virtio,bridge=vmbr1,tag={VLAN}", scsi1="nvmethin01:20,serial=labdbpgdata",
    )  # fmt: skip
    lab.task("POST", f"{GUEST}/status/start")


def test_the_guest_is_reached_as_the_declared_user(lab: Lab) -> None:
    assert lab.ssh("hostname -f; id -un; sudo id -un").split() == [
        "pg-test.radioastronomy.io", "labdb", "root",
    ]  # fmt: skip
    assert lab.ssh("systemctl is-system-running --wait") == "running"


def test_the_card_has_the_mac_that_the_api_says(lab: Lab) -> None:
    mac = lab.ask("GET", f"{GUEST}/config")["net0"].split(",")[0].removeprefix("virtio=").lower()
    assert lab.ssh("cat /sys/class/net/eth0/address") == mac
    answer = lab.ask("GET", f"{GUEST}/agent/network-get-interfaces")["result"]
    found = next(card for card in answer if card["hardware-address"] == mac)
    assert found["ip-addresses"][0]["ip-address"] == ADDRESS


def test_the_agent_reads_the_host_key_that_ssh_shows(lab: Lab) -> None:
    name = "/etc/ssh/ssh_host_ed25519_key.pub"
    shown = lab.ssh(f"cat {name}")
    assert lab.ask("GET", f"{GUEST}/agent/file-read", file=name)["content"].strip() == shown
    assert shown.split()[1] in run("ssh-keyscan", "-t", "ed25519", ADDRESS)


def test_memory_is_enforced_and_cores_are_what_the_host_has(lab: Lab) -> None:
    limits = run("docker", "inspect", f"labdb-vm-{RANGE}-{VMID}", "--format",
                 "{{.HostConfig.Memory}} {{.HostConfig.CpuQuota}}")  # fmt: skip
    memory, quota = map(int, limits.split())
    assert memory == GIB
    assert quota == 100_000 * int(run("nproc", "--all"))
    assert f"VM {VMID} gets" in (lab.pve.state / "emulator.log").read_text()


def test_the_data_disk_is_a_block_device_of_its_size(lab: Lab) -> None:
    link = "/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_labdbpgdata"
    assert lab.ssh(f"readlink -f {link}; sudo blockdev --getsize64 {link}").split() == [
        "/dev/sdb", str(20 * GIB),
    ]  # fmt: skip
    lab.ssh(f"sudo mkfs.xfs -q {link} && sudo mkdir /data && sudo mount {link} /data")


def test_a_disk_grows_under_a_mounted_file_system(lab: Lab) -> None:
    lab.task("PUT", f"{GUEST}/resize", disk="scsi1", size="30G")
    lab.ssh("sudo xfs_growfs /data")
    size = int(lab.ssh("df --output=size -B1 /data | tail -1"))
    assert 29 * GIB < size < 30 * GIB


def test_a_new_disk_appears_in_the_running_guest(lab: Lab) -> None:
    lab.task("POST", f"{GUEST}/config", scsi2="nvmethin01:5,serial=labdbwal")
    link = "/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_labdbwal"
    assert lab.ssh(f"sudo blockdev --getsize64 {link}") == str(5 * GIB)


MOUNT = """[Mount]
What=/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_labdbpgdata
Where=/data
Type=xfs
[Install]
WantedBy=local-fs.target
"""


def test_disks_mounts_and_host_key_survive_a_reboot(lab: Lab) -> None:
    lab.ssh(f"printf '{MOUNT}' | sudo tee /etc/systemd/system/data.mount; sudo touch /data/kept;"
            "sudo systemctl daemon-reload; sudo systemctl enable data.mount")  # fmt: skip
    before = lab.ssh("cat /etc/ssh/ssh_host_ed25519_key.pub")
    lab.task("POST", f"{GUEST}/status/reboot")
    assert lab.ssh("mountpoint -q /data && ls /data; ls /dev/sdc") == "kept\n/dev/sdc"
    assert lab.ssh("cat /etc/ssh/ssh_host_ed25519_key.pub") == before


def test_a_guest_that_reboots_itself_comes_back(lab: Lab) -> None:
    asked = "cat /proc/sys/kernel/random/boot_id; systemctl show -P UserspaceTimestamp"
    before = lab.ssh(asked)
    lab.ssh("sudo systemd-run --on-active=0.2 systemctl reboot")
    limit = time.monotonic() + 60
    while (after := lab.ssh(asked)) == before and time.monotonic() < limit:
        time.sleep(0.5)
    assert after != before
    assert lab.ask("GET", f"{GUEST}/status/current")["status"] == "running"


def test_a_rollback_puts_system_and_data_back(lab: Lab) -> None:
    lab.ssh("sudo touch /root/kept; sync")
    lab.task("POST", f"{GUEST}/snapshot", snapname="before")
    lab.ssh("sudo rm /root/kept /data/kept; sync")
    lab.task("POST", f"{GUEST}/snapshot/before/rollback", start=1)
    assert lab.ssh("sudo ls /root /data").split() == ["/data:", "kept", "/root:", "kept"]


def test_another_size_is_there_after_the_next_start(lab: Lab) -> None:
    lab.task("POST", f"{GUEST}/config", memory=2048, balloon=2048)
    lab.task("POST", f"{GUEST}/status/shutdown", timeout=30)
    lab.task("POST", f"{GUEST}/status/start")
    limit = run(
        "docker", "inspect", f"labdb-vm-{RANGE}-{VMID}", "--format", "{{.HostConfig.Memory}}"
    )
    assert int(limit) == 2 * GIB


def test_another_instance_has_another_host_key(lab: Lab) -> None:
    before = lab.ssh("cat /etc/ssh/ssh_host_ed25519_key.pub")
    lab.task("POST", f"{GUEST}/config", nameserver=f"{RANGE}.10.3")
    lab.task("POST", f"{GUEST}/status/reboot")
    time.sleep(2)
    assert lab.ssh("cloud-init status --wait >&2; cat /etc/ssh/ssh_host_ed25519_key.pub") != before


def test_a_destroyed_guest_leaves_no_container_disk_or_image(lab: Lab) -> None:
    lab.task("POST", f"{GUEST}/status/stop")
    lab.task("DELETE", GUEST)
    time.sleep(1)
    assert run("docker", "ps", "-aq", "--filter", f"name=labdb-vm-{RANGE}-{VMID}") == ""
    assert run("docker", "images", "-q", f"labdb/vm-{VMID}") == ""
    assert str(lab.pve.state) not in run("losetup", "--list", "--noheadings")
    assert list((lab.pve.state / "disks").iterdir()) == []
