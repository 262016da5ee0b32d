"""The Ansible faces: check mode, diff, idempotence, and no secret in what they print.

The wait for the guest's own SSH is skipped by its tag: there is no machine behind it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from labdb.domain.desired import guest_variables
from labdb.lab.control import EmulatedPve
from labdb.spec import Server

pytestmark = [pytest.mark.proxmox, pytest.mark.ansible]

TOP = Path(__file__).parents[3]
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBSGb6BsIXU0Sk1TRhDUyIw1GQ0xZmFrZWtleQ== operator\n"

Play = Callable[..., tuple[dict[str, int], str]]


@pytest.fixture
def play(pve: EmulatedPve, server: Server, tmp_path: Path) -> Play:
    """Run a role against the emulator; return the recap's figures and everything printed."""
    (tmp_path / "key.pub").write_text(KEY)
    values = guest_variables(server)
    values["proxmox_guest_api"] = {
        "host": pve.host,
        "port": pve.port,
        "token_id": pve.token_id,
        "token_file": str(pve.token_file),
        "ca_file": str(pve.ca_file),
        "probe_addresses": False,
    }
    values["proxmox_guest_cloud_init"]["authorized_key_files"] = ["key.pub"]
    values["proxmox_guest_known_hosts_file"] = str(tmp_path / "known_hosts")
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(yaml.safe_dump({"labdb_servers": {"hosts": {"proj-pg01": values}}}))

    def run(role: str, *arguments: str, **variables: Any) -> tuple[dict[str, int], str]:
        playbook = tmp_path / "play.yml"
        content = {
            "hosts": "labdb_servers",
            "connection": "local",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": sys.executable} | variables,
            "roles": [{"role": role}],
        }
        playbook.write_text(yaml.safe_dump([content]))
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        skip = ("--skip-tags", "proxmox_guest_wait")
        done = subprocess.run(
            [program, "-vvv", "-i", str(inventory), str(playbook), *skip, *arguments],
            cwd=TOP,
            env=os.environ
            | {
                "ANSIBLE_CONFIG": str(TOP / "ansible.cfg"),
                "ANSIBLE_ROLES_PATH": str(TOP / "roles"),
                "ANSIBLE_LOCAL_TEMP": str(tmp_path / "local"),
                "ANSIBLE_REMOTE_TEMP": str(tmp_path / "remote"),
                "ANSIBLE_NOCOLOR": "1",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        recap = next(
            (line for line in done.stdout.splitlines() if line.startswith("proj-pg01  ")), ""
        )
        pairs = (item.split("=") for item in recap.partition(":")[2].split())
        figures = {name: int(value) for name, value in pairs}
        return figures | {"rc": done.returncode}, done.stdout + done.stderr

    return run


def test_check_mode_shows_the_change_and_makes_none(pve: EmulatedPve, play: Play) -> None:
    figures, text = play("proxmox_guest", "--check", "--diff")
    assert (figures["rc"], figures["changed"]) == (0, 1)
    assert "+disk scsi1 volume: 250G on nvmethin01  [create]" in text
    assert pve.control.guest(2002) is None


def test_the_second_run_changes_nothing(play: Play, tmp_path: Path) -> None:
    assert play("proxmox_guest")[0]["changed"] == 1
    assert (tmp_path / "known_hosts").read_text().startswith("198.18.20.8 ssh-ed25519 ")
    assert play("proxmox_guest")[0]["changed"] == 0
    assert play("proxmox_guest", "--check")[0]["changed"] == 0


def test_the_tokens_secret_is_never_printed(pve: EmulatedPve, play: Play) -> None:
    _, text = play("proxmox_guest")
    assert "CONVERGE" in text.upper()
    assert pve.token_secret not in text


def test_a_fault_reaches_ansible_as_what_why_and_hint(pve: EmulatedPve, play: Play) -> None:
    pve.control.revoke("VM.Clone")
    figures, text = play("proxmox_guest")
    assert figures["rc"] == 2
    found = text[text.index('"labdb_error": ') + len('"labdb_error": ') :]
    error, _ = json.JSONDecoder().raw_decode(found)
    assert error["code"] == "refused"
    assert "VM.Clone" in error["what"]


def test_removal_goes_in_two_steps_and_forgets_the_key(
    pve: EmulatedPve, play: Play, tmp_path: Path
) -> None:
    play("proxmox_guest")
    named = {"proxmox_guest_removal_confirm_name": "proj-pg01"}
    assert play("proxmox_guest_removal")[0]["rc"] == 2
    destroy = named | {"proxmox_guest_removal_step": "destroy"}
    assert play("proxmox_guest_removal", **destroy)[0]["rc"] == 2
    assert play("proxmox_guest_removal", **named)[0]["changed"] == 1
    assert play("proxmox_guest_removal", **destroy)[0]["changed"] == 1
    assert pve.control.guest(2002) is None
    assert (tmp_path / "known_hosts").read_text() == ""
    assert play("proxmox_guest_removal", **destroy)[0]["changed"] == 0


def test_a_template_is_built_once(pve: EmulatedPve, play: Play) -> None:
    image = {
        "proxmox_template_vmid": 9100,
        "proxmox_template_image_url": "https://images.example.org/debian-13-agent.qcow2",
        "proxmox_template_image_checksum": "sha512:" + "ab" * 64,
    }
    assert play("proxmox_template", "--check", **image)[0]["changed"] == 1
    assert pve.control.guest(9100) is None
    assert play("proxmox_template", **image)[0]["changed"] == 1
    assert play("proxmox_template", **image)[0]["changed"] == 0
