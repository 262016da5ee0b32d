"""A host that keeps backups: what it lets in, and what a server finds out about it beforehand."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from labdb.adapters.inventory import load, load_machine
from labdb.domain.access import openings
from labdb.domain.desired import DesiredGuest
from labdb.domain.repository_findings import repository_findings
from labdb.domain.variables import role_variables
from labdb.facts import ClusterState, GuestSummary, NodeState
from labdb.spec import RepositoryHost, Server

LAB = Path(__file__).parents[3] / "inventories" / "lab"
DECLARED = load(LAB, "proj-pg01")
SERVER = DECLARED.server
(HOST,) = DECLARED.repository_hosts


def _cluster(*guests: GuestSummary) -> ClusterState:
    return replace(EMPTY, guests=guests)


RUNS = GuestSummary(vmid=HOST.guest.vmid, name=HOST.name, node=HOST.guest.node, running=True)
EMPTY = ClusterState(
    version="9.0", quorate=True, token_id="", node=NodeState(name="node06", online=True)
)


def _finding(*hosts: RepositoryHost, guest: GuestSummary | None = RUNS) -> tuple[str, str]:
    state = _cluster(*((guest,) if guest else ()))
    (found,) = repository_findings(SERVER, hosts, state)
    assert found.hint or found.severity == "ok"
    return found.severity, found.what


def _changed(**access: Any) -> RepositoryHost:
    declared = HOST.model_dump(mode="json")
    declared["access"] |= access
    return RepositoryHost.model_validate(declared)


def test_operators_and_each_server_come_in_by_ssh_and_nobody_else() -> None:
    assert {(opening.port, source) for opening in openings(HOST) for source in opening.sources} == {
        (22, "198.18.10.0/24"),
        (22, "198.18.20.0/24"),
        (22, "198.18.20.8/32"),
        (9100, "198.18.20.9/32"),
    }


def test_its_guest_has_a_system_and_a_backup_disk() -> None:
    guest = DesiredGuest.of(HOST)
    assert [(disk.role, disk.serial) for disk in guest.disks] == [
        ("system", ""), ("backup", "labdbbackup"),
    ]  # fmt: skip


def test_its_variables_hold_an_account_for_each_server_and_nothing_of_postgresql() -> None:
    variables = role_variables(HOST, load_machine(LAB, HOST.name).environment)
    assert variables["repository_host_servers"] == ["proj-pg01"]
    assert not [name for name in variables if name.startswith(("postgresql", "pgbackrest"))]


def test_a_server_stores_where_it_is_let_in_and_somebody_runs() -> None:
    assert _finding(HOST) == ("ok", "proj-bak01 runs")


def test_a_host_that_nobody_declared_is_refused() -> None:
    assert _finding() == ("critical", "repository host proj-bak01 is not declared")


def test_a_host_that_does_not_exist_yet_comes_first() -> None:
    assert _finding(HOST, guest=None) == (
        "critical", "proj-bak01 does not exist yet, or the token may not see it",
    )  # fmt: skip


def test_a_host_that_is_stopped_holds_nothing_up() -> None:
    stopped = replace(RUNS, running=False)
    what = "proj-bak01 is stopped: nothing reaches repository 2"
    assert _finding(HOST, guest=stopped) == ("warning", what)


def test_a_server_that_is_not_let_in_is_told_which_line_lets_it_in() -> None:
    assert _finding(_changed(servers=[])) == (
        "critical", "proj-bak01 does not let proj-pg01 store",
    )  # fmt: skip
    elsewhere = [{"name": "proj-pg01", "network": "198.18.20.9/32"}]
    assert _finding(_changed(servers=elsewhere)) == (
        "critical", "proj-bak01 does not let proj-pg01 store from 198.18.20.8",
    )  # fmt: skip


def test_repositories_are_numbered_after_the_servers_own() -> None:
    assert SERVER.repository_hosts == {"proj-bak01": 2}
    assert set(SERVER.schedules) == set(SERVER.retention_days) == {1, 2}


@pytest.mark.parametrize(
    ("servers", "says"),
    [
        ([{"name": "a", "network": "198.18.20.8/32"}] * 2, "server a stands here twice"),
        ([{"name": "labdb", "network": "198.18.20.8/32"}], "the operators' own account"),
        ([{"name": "0a", "network": "198.18.20.8/32"}], "should match pattern"),
        ([{"name": "a" * 33, "network": "198.18.20.8/32"}], "should match pattern"),
    ],
)
def test_accounts_that_cannot_be_are_refused(servers: list[dict[str, str]], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        _changed(servers=servers)


def test_one_host_keeps_one_repository_of_a_server() -> None:
    declared = SERVER.model_dump(mode="json")
    declared["backup"]["repositories"] *= 2
    with pytest.raises(ValidationError, match="proj-bak01 stands there twice"):
        Server.model_validate(declared)
