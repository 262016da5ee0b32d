"""The commands as an operator meets them, against the emulated cluster.

The emulator has no machines here and addresses are never probed: nothing but loopback is
spoken to.
"""

import http.server
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

from labdb.lab.control import EmulatedPve

pytestmark = pytest.mark.proxmox

TOP = Path(__file__).parents[2]
SERVER = "proj-pg01"
KEY = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n"
GUEST_KEY = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0bQHq1kK0mS3n7dV3o0wJ2n0o9pYf3u8Yw1f0h2k5s operator\n"
)


class _Mirror(http.server.BaseHTTPRequestHandler):
    """A package repository as far as a plan looks: its key, and that a suite is there."""

    def do_GET(self) -> None:  # the name is the library's
        found = self.path == "/key.asc"
        self.send_response(200 if found else 404)
        self.end_headers()
        self.wfile.write(KEY if found else b"")

    def do_HEAD(self) -> None:  # the name is the library's
        self.send_response(200 if self.path == "/apt/dists/trixie-pgdg/InRelease" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def mirror() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Mirror) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


class Operator:
    """Somebody with an inventory whose API is the emulator, and the ``labdb`` command."""

    def __init__(self, folder: Path, source: str, pve: EmulatedPve, mirror: str) -> None:
        self.inventory = folder / "inventory"
        self.state = folder / "state"
        shutil.copytree(
            TOP / "inventories" / source,
            self.inventory,
            ignore=shutil.ignore_patterns("vault.yml"),
        )
        (folder / "key.pub").write_text(GUEST_KEY, encoding="utf-8")
        (folder / "vault-key").write_text("only a test's\n", encoding="utf-8")
        self.environment("probe_addresses", value=False)
        self.environment("vault_key_file", value=str(folder / "vault-key"))
        self.environment(
            "proxmox",
            value={
                "host": pve.host,
                "port": pve.port,
                "token_id": pve.token_id,
                "token_file": str(pve.token_file),
                "ca_file": str(pve.ca_file),
            },
        )
        self.declare("guest.cloud_init.authorized_key_files", [str(folder / "key.pub")])
        self.declare("guest.backup", None)
        self.declare("backup.repositories", [])
        self.declare(
            "postgresql.repository", {"url": f"{mirror}/apt", "key_url": f"{mirror}/key.asc"}
        )

    def environment(self, key: str, *, value: Any) -> None:
        path = self.inventory / "group_vars" / "all" / "environment.yml"
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        document["labdb_environment"][key] = value
        path.write_text(yaml.safe_dump(document), encoding="utf-8")

    def declare(self, key: str, value: Any) -> None:
        path = self.inventory / "host_vars" / SERVER / "server.yml"
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        place = document["labdb_server"]
        *parents, last = key.split(".")
        for part in parents:
            place = place.setdefault(part, {})
        place[last] = value
        path.write_text(yaml.safe_dump(document), encoding="utf-8")

    def labdb(self, verb: str, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                str(Path(sys.executable).parent / "labdb"),
                *verb.split(),
                SERVER,
                f"--inventory={self.inventory}",
                *options,
            ],
            env={"LABDB_STATE": str(self.state), "HOME": str(self.state), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            cwd="/",
        )

    def plan(self) -> tuple[int, dict[str, Any]]:
        done = self.labdb("plan", "--json")
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)


@pytest.fixture
def lab(tmp_path: Path, pve: EmulatedPve, mirror: str) -> Operator:
    return Operator(tmp_path, "lab", pve, mirror)


@pytest.fixture
def today(tmp_path: Path, pve_today: EmulatedPve, mirror: str) -> Operator:
    return Operator(tmp_path, "production", pve_today, mirror)


def _writes(pve: EmulatedPve) -> list[dict[str, Any]]:
    return [item for item in pve.requests() if item["method"] != "GET"]


def _critical(answer: dict[str, Any]) -> dict[str, str]:
    findings = answer["findings"]
    return {item["check"]: item["what"] for item in findings if item["severity"] == "critical"}


def test_a_server_is_refused_until_somebody_is_there_to_keep_its_backups(
    lab: Operator, pve: EmulatedPve
) -> None:
    lab.declare("backup.repositories", [{"kind": "sftp", "host": "proj-bak01"}])
    code, answer = lab.plan()
    assert code == 6
    assert "proj-bak01 does not exist yet" in _critical(answer)["repository host"]
    assert lab.labdb("provision", "--yes").returncode == 6
    assert _writes(pve) == []


def test_a_schedule_that_never_comes_is_refused(lab: Operator) -> None:
    lab.declare("backup.schedule.full", "*-02-30 02:00:00")
    code, answer = lab.plan()
    assert code == 6
    assert "never comes" in _critical(answer)["schedule"]


def test_an_empty_node_gets_a_plan_of_creation_and_is_not_touched(
    lab: Operator, pve: EmulatedPve
) -> None:
    code, answer = lab.plan()
    assert code == 1
    assert _critical(answer) == {}
    assert {change["effect"] for change in answer["changes"]} == {"create"}
    assert answer["changes"][-1]["after"] == "PostgreSQL 16 in /mnt/data/pg01"
    assert _writes(pve) == []


def test_the_plan_takes_three_seconds_at_most(lab: Operator) -> None:
    begin = time.monotonic()
    _, answer = lab.plan()
    # A loaded machine may start processes slowly; the work itself may not be slow.
    assert answer["phases"][0]["seconds"] < 3
    assert time.monotonic() - begin < 15


def test_the_existing_vm_of_production_is_adopted_and_nothing_restarts_by_itself(
    today: Operator, pve_today: EmulatedPve
) -> None:
    code, answer = today.plan()
    assert code == 1, answer
    changes = {change["field"]: change for change in answer["changes"]}
    assert changes["sockets"] | {"reason": ""} == {
        "subject": "guest", "field": "sockets", "before": "2", "after": "1",
        "effect": "next boot", "reason": "",
    }  # fmt: skip
    assert changes["memory"]["effect"] == "next boot"
    assert changes["protection"]["effect"] == "live"
    assert "create" not in {changes[name]["effect"] for name in ("sockets", "memory")}
    assert not any(change["subject"] == "parameter" for change in answer["changes"])
    assert answer["data"]["postgresql"] == "not seen"
    assert _writes(pve_today) == []


def test_the_text_tells_when_each_change_takes_effect(today: Operator) -> None:
    text = today.labdb("plan").stdout
    assert "\x1b[" not in text
    (line,) = [line for line in text.splitlines() if " sockets " in line]
    assert line.rstrip().endswith("next boot")


def test_a_smaller_disk_is_refused_with_exit_code_six(today: Operator) -> None:
    disk = {"slot": "scsi0", "storage": "nvmethin01", "size": "16GB"}
    today.declare("storage.system", disk)
    code, answer = today.plan()
    assert code == 6
    assert "forbidden" in {change["effect"] for change in answer["changes"]} or _critical(answer)
    done = today.labdb("provision", "--yes")
    assert done.returncode == 6
    assert "scsi0" in done.stderr


def test_a_refused_provision_changes_nothing_and_makes_no_secret(
    lab: Operator, pve: EmulatedPve
) -> None:
    lab.declare("guest.template.vmid", 9999)
    done = lab.labdb("provision", "--yes")
    assert done.returncode == 6
    assert "template 9999 does not exist" in done.stderr
    assert _writes(pve) == []
    assert list(lab.inventory.rglob("vault.yml")) == []


@pytest.mark.parametrize(
    ("key", "url"), [("key_url", "http://127.0.0.1:9/key.asc"), ("url", "http://127.0.0.1:9/apt")]
)
def test_a_mirror_that_is_down_is_told_before_anything_is_made(
    lab: Operator, pve: EmulatedPve, key: str, url: str
) -> None:
    lab.declare(f"postgresql.repository.{key}", url)
    code, answer = lab.plan()
    assert code == 6
    assert _critical(answer)["repository"] == f"the package repository does not answer: {url}"
    assert lab.labdb("provision", "--yes").returncode == 6
    assert _writes(pve) == []


def test_a_mirror_without_the_packages_is_told(lab: Operator, mirror: str) -> None:
    lab.declare("postgresql.repository.url", f"{mirror}/elsewhere")
    code, answer = lab.plan()
    assert code == 6
    assert "holds no packages" in _critical(answer)["repository"]


def test_a_signing_key_that_is_not_the_declared_one_is_refused(lab: Operator) -> None:
    lab.declare("postgresql.repository.key_sha256", "0" * 64)
    code, answer = lab.plan()
    assert code == 6
    assert "not the declared one" in _critical(answer)["repository"]
    lab.declare("postgresql.repository.key_sha256", sha256(KEY).hexdigest())
    assert lab.plan()[0] == 1


def test_an_api_that_is_down_is_unreachable(lab: Operator) -> None:
    path = lab.inventory / "group_vars" / "all" / "environment.yml"
    proxmox = yaml.safe_load(path.read_text(encoding="utf-8"))["labdb_environment"]["proxmox"]
    lab.environment("proxmox", value=proxmox | {"port": 9})
    done = lab.labdb("plan", "--json")
    assert done.returncode == 4
    assert json.loads(done.stdout)["error"]["code"] == "unreachable"


def test_an_expired_token_is_unreachable_and_never_shown(lab: Operator, pve: EmulatedPve) -> None:
    pve.control.expire_token()
    done = lab.labdb("plan")
    assert done.returncode == 4
    assert pve.token_id in done.stderr
    assert pve.token_secret not in done.stderr + done.stdout


def test_a_token_without_a_right_is_told_the_command_that_gives_it(
    lab: Operator, pve: EmulatedPve
) -> None:
    pve.control.revoke("VM.Clone")
    code, answer = lab.plan()
    assert code == 6
    (finding,) = [item for item in answer["findings"] if item["check"] == "token"]
    assert "VM.Clone" in finding["what"]
    assert finding["hint"].startswith("pveum ")


def test_a_check_of_a_guest_that_does_not_exist_says_what_it_could_not_check(
    lab: Operator, pve: EmulatedPve
) -> None:
    done = lab.labdb("provision", "--check", "--json")
    assert done.returncode == 1, done.stderr
    answer = json.loads(done.stdout)
    assert answer["data"]["changed_tasks"] >= 1
    assert "only the guest was checked" in {item["what"] for item in answer["findings"]}
    assert _writes(pve) == []
    assert list(lab.inventory.rglob("vault.yml")) == []


def test_the_declared_template_is_built_by_its_command_and_then_left_alone(
    lab: Operator, pve: EmulatedPve
) -> None:
    lab.declare("guest.template.vmid", 9100)
    image = "https://images.example.org/debian-13-agent.qcow2"
    asked = ("template build", "--image-url", image, "--checksum", "ab" * 64)
    done = lab.labdb(*asked)
    assert (done.returncode, done.stdout.splitlines()[0]) == (
        0,
        "template build proj-pg01: template 9100 is built",
    ), done.stderr
    assert "was there already" in lab.labdb(*asked).stdout
    assert pve.control.guest(9100) is not None


def test_a_guest_goes_by_two_commands_each_with_the_name_typed(
    lab: Operator, pve: EmulatedPve
) -> None:
    disk = "nvmethin01:vm-2002-disk-0,size=32G"
    pve.control.add_guest(2002, SERVER, running=True, protection=1, scsi0=disk)
    assert lab.labdb("deprovision").returncode == 2
    for typed in ((), ("--confirm", "proj-pg02")):
        refused = lab.labdb("deprovision", "--step", "retire", *typed)
        assert refused.returncode == 6
        assert "letter for letter" in refused.stderr
    early = lab.labdb("deprovision", "--step", "destroy", "--confirm", SERVER)
    assert early.returncode == 6
    assert "--step retire" in early.stderr
    assert _writes(pve) == []
    assert lab.labdb("deprovision", "--step", "retire", "--confirm", SERVER).returncode == 0
    guest = pve.control.guest(2002)
    assert guest is not None
    assert guest["status"] == "stopped"
    assert lab.labdb("deprovision", "--step", "destroy", "--confirm", SERVER).returncode == 0
    assert pve.control.guest(2002) is None


def test_a_status_of_a_guest_that_does_not_exist_is_a_finding(lab: Operator) -> None:
    done = lab.labdb("status", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["findings"][0]["what"] == "the guest does not exist"


def test_a_status_tells_what_proxmox_ve_knows_of_the_guest(today: Operator) -> None:
    done = today.labdb("status", "--json")
    assert done.returncode == 1
    found = {item["check"]: item["severity"] for item in json.loads(done.stdout)["findings"]}
    assert found["memory"] == "warning"
    assert found["balloon"] == "warning"
