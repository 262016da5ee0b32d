"""A plan says what it saw, and says so when it saw nothing."""

from pathlib import Path
from typing import Any

import pytest

from labdb.adapters import shell
from labdb.adapters.inventory import Declaration, load
from labdb.domain.everybody import all_databases, all_roles
from labdb.domain.guest_config import MARKER
from labdb.errors import UnreachableError
from labdb.facts import ClusterState, GuestState, NodeState
from labdb.operations import plan
from labdb.report import Effect

LAB = Path(__file__).parents[3] / "inventories" / "lab"
KEY, OTHER = "ssh-ed25519 AAAAone root@guest", "ssh-ed25519 AAAAother root@guest"
ROW = {"name": "jit", "setting": "on", "unit": None, "type": "bool", "context": "user",
       "shown": "on", "pending_restart": False, "source": "default", "by_hand": None}  # fmt: skip
SILENT = {"error": "could not connect to server"}


class Client:
    """Knows what the hypervisor knows: the guest's host key."""

    def __init__(self, key: str | None) -> None:
        self.key = key

    def host_key(self, _node: str, _vmid: int) -> str | None:
        return self.key


@pytest.fixture
def declaration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Declaration:
    monkeypatch.setenv("LABDB_STATE", str(tmp_path))
    return load(LAB, "proj-pg01")


@pytest.fixture
def known(declaration: Declaration) -> Path:
    """A known_hosts file that holds KEY."""
    path = shell.known_hosts_file(declaration.environment.name)
    path.parent.mkdir(parents=True)
    path.write_text(f"{declaration.server.address} ssh-ed25519 AAAAone\n", encoding="utf-8")
    return path


def _look(
    declaration: Declaration,
    monkeypatch: pytest.MonkeyPatch,
    answer: dict[str, Any] | UnreachableError | None,
    *,
    key: str | None = KEY,
    description: str = "",
    data: bool = True,
    roles: dict[str, Any] = SILENT,
) -> Any:
    """Look at a running guest that answers so; None: it must not be asked."""

    def probe(_: shell.Guest, wanted: dict[str, Any]) -> dict[str, Any]:
        assert answer is not None, "a stranger was spoken to"
        if isinstance(answer, UnreachableError):
            raise answer
        return {
            "queries": {"settings": answer, "roles": roles},
            "files": dict.fromkeys(wanted["files"], data),
        }

    monkeypatch.setattr(shell, "probe", probe)
    guest = GuestState(
        vmid=2002, node="node06", name="proj-pg01", running=True,
        config={"description": description},
    )  # fmt: skip
    state = ClusterState(
        version="9.0", quorate=True, token_id="x@pve!y", node=NodeState("node06", online=True),
        guest=guest,
    )  # fmt: skip
    client: Any = Client(key)
    return plan._look_at_database(declaration, state, client)


def test_what_runs_is_read(declaration: Declaration, monkeypatch: pytest.MonkeyPatch) -> None:
    found = _look(declaration, monkeypatch, {"ok": [ROW]})
    assert [row.name for row in found.running] == ["jit"]
    assert not found.absent


def test_roles_and_databases_that_are_not_there_are_planned(
    declaration: Declaration, monkeypatch: pytest.MonkeyPatch
) -> None:
    none: dict[str, Any] = {"roles": [], "databases": [], "settings": []}
    found = _look(declaration, monkeypatch, {"ok": [ROW]}, roles={"ok": none})
    changes = plan._access_changes(declaration, found.access)
    assert {change.effect for change in changes} == {Effect.CREATE}
    subjects = {change.subject for change in changes}
    database, role = all_databases(declaration.server)[0], all_roles(declaration.server)[0]
    assert {f"database {database.name}", f"role {role.name}"} <= subjects
    assert _look(declaration, monkeypatch, {"ok": [ROW]}).access is None


def test_a_changed_host_key_forbids_a_run_and_nobody_is_spoken_to(
    declaration: Declaration, known: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (finding,) = _look(declaration, monkeypatch, None, key=OTHER).findings
    assert (finding.check, finding.severity) == ("host key", "critical")
    assert "has changed" in finding.what
    assert f"ssh-keygen -R 198.18.20.8 -f {known}" in finding.hint


@pytest.mark.usefixtures("known")
def test_the_guest_of_an_interrupted_creation_may_have_another_key(
    declaration: Declaration, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = {"ok": [ROW]}
    found = _look(declaration, monkeypatch, answer, key=OTHER, description=f"{MARKER} r1")
    assert found.findings == ()


def test_a_guest_that_nobody_vouches_for_is_not_spoken_to(
    declaration: Declaration, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = _look(declaration, monkeypatch, None, key=None)
    assert "host key of 198.18.20.8 is not known" in found.findings[0].why
    assert not found.answers


def test_a_cluster_that_is_down_is_not_planned_as_a_new_one(
    declaration: Declaration, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = _look(declaration, monkeypatch, SILENT)
    assert not found.absent
    (finding,) = found.findings
    assert (finding.severity, finding.why) == ("warning", "could not connect to server")
    assert "journalctl -u postgresql@16-main.service" in finding.hint


def test_a_guest_without_a_cluster_gets_one(
    declaration: Declaration, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _look(declaration, monkeypatch, SILENT, data=False).absent


def test_an_unreachable_guest_is_said_and_not_taken_for_a_finished_one(
    declaration: Declaration, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = plan._word_for(_look(declaration, monkeypatch, {"ok": [ROW]}))
    assert plan._summary((), (), said) == "nothing to do"
    silent = _look(declaration, monkeypatch, UnreachableError("198.18.20.8 does not answer on SSH"))
    assert "does not answer on SSH" in silent.findings[0].why
    unseen = plan._summary((), (), plan._word_for(silent))
    assert unseen == "nothing to do; PostgreSQL was not looked at"
