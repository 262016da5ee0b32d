"""community.proxmox, unmodified, works against the emulator."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.proxmox, pytest.mark.ansible]
PLAYBOOK = Path(__file__).parent / "data" / "community-proxmox.yml"


def play(api: Any, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    configuration = home / "ansible.cfg"
    configuration.write_text("[defaults]\n")
    environment = os.environ | {
        "ANSIBLE_CONFIG": str(configuration),
        "ANSIBLE_HOME": str(home),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_NOCOLOR": "1",
        "PVE_HOST": api.pve.host,
        "PVE_PORT": str(api.pve.port),
        "PVE_TOKEN": api.pve.token_secret,
        "REQUESTS_CA_BUNDLE": str(api.pve.ca_file),
    }
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-e",
               f"ansible_python_interpreter={sys.executable}", *arguments]  # fmt: skip
    return subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd=home,
    )


def changes(done: subprocess.CompletedProcess[str]) -> int:
    found = re.search(r"changed=(\d+) .*failed=0", done.stdout)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert found, done.stdout[-3000:]
    return int(found[1])


def test_an_unmodified_playbook_makes_a_guest_and_then_finds_it(api: Any, tmp_path: Path) -> None:
    assert changes(play(api, tmp_path, str(PLAYBOOK))) == 6
    # `update: true` is always reported as a change (the module has no comparison).
    assert changes(play(api, tmp_path, str(PLAYBOOK))) == 1
    guest = api.pve.control.guest(2002)
    assert guest["pending"] == {}
    assert [key for key in guest["config"] if key.startswith("unused")] == []
