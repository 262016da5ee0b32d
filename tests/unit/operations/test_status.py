"""A status asks each kind of machine what it can answer, and shows it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from labdb.adapters import proxmox, shell
from labdb.adapters.inventory import MachineDeclaration, load_machine
from labdb.errors import UnreachableError
from labdb.facts import ClusterState, GuestState, NodeState
from labdb.operations import status as operation
from labdb.report import Report

LAB = Path(__file__).parents[3] / "inventories" / "lab"
FOLDER = "/mnt/backup/proj-pg01/pgbackrest"
NOW, GB = 1_800_000_000.0, 1 << 30
FULL = "20270103-020000F"
DIFFERENTIAL = f"{FULL}_20270104-030000D"
SEEN: dict[str, Any] = {
    "system": {"now": NOW, "uptime": 7200.0, "load": [0.5, 0, 0], "available": GB},
    "mounts": {
        path: {"used": 10 * GB, "size": 100 * GB, "free": 90 * GB} for path in ("/", "/mnt/backup")
    },
    "units": {},
    "clock": {"skipped": True, "error": ""},
    "texts": {},
    "accounts": {
        "proj-pg01": {
            "exists": True,
            "command": "internal-sftp",
            "root": "/mnt/backup/proj-pg01",
            "safe": True,
            "key": True,
            "error": "",
        }
    },
    "repositories": {
        FOLDER: {
            "size": 3 * GB,
            "wal": {"name": "000000010000000000000009", "size": 2048, "time": NOW - 300},
            "sets": [
                {"label": FULL, "size": 2 * GB, "stop": NOW - 30 * 3600},
                {"label": DIFFERENTIAL, "size": GB, "stop": NOW - 6 * 3600},
                {"label": f"{FULL}_20270105-030000D", "size": 10, "stop": None},
            ],
        }
    },
}


class Client:
    """A cluster with one guest, which runs or not."""

    def __init__(self, name: str, *, running: bool) -> None:
        self.guest = GuestState(vmid=2005, node="node05", name=name, running=running, config={})

    def observe(self, _machine: Any) -> ClusterState:
        node = NodeState("node05", online=True)
        return ClusterState(
            version="9.0", quorate=True, token_id="x@pve!y", node=node, guest=self.guest
        )


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABDB_STATE", str(tmp_path))


def _status(
    monkeypatch: pytest.MonkeyPatch, answer: Any, name: str = "proj-bak01", *, running: bool = True
) -> tuple[Report, list[Mapping[str, Any]]]:
    """Return the status of a machine that answers so, and what it was asked."""
    asked: list[Mapping[str, Any]] = []

    def probe(_: shell.Guest, wanted: Mapping[str, Any]) -> Any:
        asked.append(wanted)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(shell, "probe", probe)
    client = Client(name, running=running)
    monkeypatch.setattr(proxmox, "connect", lambda *_: client)
    return operation.status(load_machine(LAB, name)), asked


def test_a_repository_host_shows_what_each_server_has_stored_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    report, _ = _status(monkeypatch, SEEN)
    assert report.data["screen"] | {"guest": ""} == {
        "guest": "",
        "system": "up 2 h, load 0.50, 1.0 GB memory available",
        "proj-pg01": "3.0 GB, 3 sets",
        "proj-pg01 full": f"{FULL}, 30 h ago, 2.0 GB",
        "proj-pg01 differential": f"{DIFFERENTIAL}, 6 h ago, 1.0 GB",
        "proj-pg01 unfinished": f"{FULL}_20270105-030000D",
        "proj-pg01 WAL": "000000010000000000000009, 5 min ago, 2.0 kB",
        "disk /": "10.0 GB of 100.0 GB (10%)",
        "disk /mnt/backup": "10.0 GB of 100.0 GB (10%)",
    }
    assert report.data["seen"] == SEEN
    assert report.data["screen"]["guest"].startswith("VM 2005 on node05, running, 198.18.20.12")


def test_each_kind_of_machine_is_asked_what_it_can_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    silent = UnreachableError("it does not answer")
    report, (host,) = _status(monkeypatch, silent)
    assert (report.findings[-1].what, report.exit_code) == ("it does not answer", 1)
    assert (host["repositories"], host["accounts"]) == ([FOLDER], ["proj-pg01"])
    assert not {"stanza", "queries"} & set(host)
    _, (server,) = _status(monkeypatch, silent, "proj-pg01")
    assert server["stanza"] == "proj-pg01"
    assert not {"repositories", "accounts"} & set(server)
    assert host["clock"] == server["clock"]


def test_a_machine_that_is_stopped_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    report, asked = _status(monkeypatch, SEEN, running=False)
    assert asked == []
    assert "the guest is stopped" in [item.what for item in report.findings]


def test_a_machine_of_no_known_kind_has_no_status() -> None:
    declared = load_machine(LAB, "proj-bak01")
    machine = MachineDeclaration(declared.machine, declared.environment, declared.inventory)
    with pytest.raises(TypeError, match="has no status"):
        operation.status(machine)
