"""A repository host whose volume will be too small is known before it is full."""

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from labdb.adapters.inventory import load
from labdb.domain.backup.space import least, repository_lines
from labdb.domain.repository_budget import host_budget, host_findings, room_finding, space_rows
from labdb.domain.repository_host import Storing
from labdb.domain.storage_budget import backup_budget
from labdb.report import Finding
from labdb.size import parse_size
from labdb.spec import RepositoryHost, Server

DECLARED = load(Path(__file__).parents[3] / "inventories" / "lab", "proj-pg01")
(HOST,) = DECLARED.repository_hosts
FULLS = st.sampled_from(["Wed *-*-* 02:00:00", "*-*-* 02:00:00", "*-*-* 02,14:00:00", "monthly"])
DAYS = st.integers(1, 400)
DATA = st.integers(1, 4000)


def _server(name: str = "proj-pg01", *, data: int = 60, days: int = 30, full: str = "") -> Server:
    wanted = DECLARED.server.model_dump(mode="json")
    wanted |= {"name": name}
    wanted["workload"]["expected_data"] = f"{data}GB"
    repository: dict[str, Any] = wanted["backup"]["repositories"][0]
    repository["retention_days"] = days
    if full:
        repository["schedule"]["full"] = full
    return Server.model_validate(wanted)


def _host(size: str) -> RepositoryHost:
    wanted = HOST.model_dump(mode="json")
    wanted["storage"]["backup"]["size"] = size
    return RepositoryHost.model_validate(wanted)


def _storing(*servers: Server) -> Storing:
    return Storing(servers, {})


def _verdict(host: RepositoryHost, *servers: Server) -> Finding:
    (found,) = host_findings(host, _storing(*servers))
    return found


def test_the_lab_s_host_holds_what_the_lab_s_server_stores() -> None:
    found = _verdict(HOST, DECLARED.server)
    assert (found.severity, found.what) == (
        "ok", "the backup volume (500.0 GB) holds what the servers will store: 297.5 GB are needed",
    )  # fmt: skip


def test_servers_that_will_not_fit_together_are_a_warning_with_a_line_for_each() -> None:
    found = _verdict(HOST, _server("proj-pg01"), _server("proj-pg02"))
    assert found.severity == "warning"
    assert [line.split(":")[0] for line in found.why.splitlines()] == [
        "proj-pg01 247.5 GB", "proj-pg02 247.5 GB", "kept free 50.0 GB",
    ]  # fmt: skip
    assert "full backups 180.0 GB (6 x 30.0 GB)" in found.why
    assert "retention_days" in found.hint


def test_a_volume_without_room_for_two_full_backups_is_critical() -> None:
    found = _verdict(_host("90GB"), _server())
    assert found.severity == "critical"
    assert "two full backups" in found.what


def test_a_host_that_nobody_stores_on_is_well() -> None:
    assert _verdict(HOST).severity == "ok"


def test_whoever_is_not_counted_is_named() -> None:
    unknown = {"proj-pg09": "this inventory does not declare it"}
    _, found = host_findings(HOST, Storing((_server(),), unknown))
    assert (found.severity, found.what) == ("info", "what proj-pg09 stores is not counted")
    assert found.why == unknown["proj-pg09"]


def test_the_server_hears_of_its_host_in_one_line_and_is_never_held_up_by_it() -> None:
    server = _server()
    assert room_finding(server, HOST, _storing(server)).what == (
        "proj-bak01 (500.0 GB) holds what proj-pg01 will store there: 247.5 GB"
    )
    small = room_finding(server, _host("90GB"), _storing(server, _server("proj-pg02")))
    assert (small.severity, small.hint) == ("warning", "labdb plan proj-bak01 says who needs what")
    assert "\n" not in small.why


def test_the_first_repository_and_one_off_the_host_are_reckoned_alike() -> None:
    wanted = DECLARED.server.model_dump(mode="json")
    wanted["backup"]["repositories"][0] |= {
        name: wanted["backup"][name] for name in ("schedule", "retention_days")
    }
    server = Server.model_validate(wanted)
    assert repository_lines(server, 1) == repository_lines(server, 2)
    assert backup_budget(server).lines[:3] == repository_lines(server, 1)


def test_the_table_adds_up_to_the_budget() -> None:
    storing = _storing(_server("proj-pg01"), _server("proj-pg02", data=200))
    rows = space_rows(HOST, storing)
    assert {row["server"] for row in rows} == {"proj-pg01", "proj-pg02"}
    budget = host_budget(HOST, storing)
    assert sum(row["size"] for row in rows) == budget.needed - budget.lines[-1].size


@given(full=FULLS, data=DATA, days=DAYS, more=st.integers(0, 400))
def test_more_retention_never_needs_less(full: str, data: int, days: int, more: int) -> None:
    shorter = host_budget(HOST, _storing(_server(data=data, days=days, full=full)))
    longer = host_budget(HOST, _storing(_server(data=data, days=days + more, full=full)))
    assert shorter.needed <= longer.needed


@given(data=DATA, more=st.integers(0, 1000), days=DAYS)
def test_more_data_never_needs_less(data: int, more: int, days: int) -> None:
    small = host_budget(HOST, _storing(_server(data=data, days=days)))
    assert small.needed <= host_budget(HOST, _storing(_server(data=data + more, days=days))).needed


@given(sizes=st.lists(st.tuples(DATA, DAYS), min_size=1, max_size=4))
def test_more_servers_never_need_less_and_their_order_does_not_matter(
    sizes: list[tuple[int, int]],
) -> None:
    servers = [
        _server(f"db{number}", data=data, days=days) for number, (data, days) in enumerate(sizes)
    ]
    needed = host_budget(HOST, _storing(*servers)).needed
    assert host_budget(HOST, _storing(*servers[1:])).needed <= needed
    assert host_budget(HOST, _storing(*reversed(servers))).needed == needed
    assert host_budget(HOST, _storing(*servers)) == host_budget(HOST, _storing(*servers))


@given(full=FULLS, data=DATA, days=DAYS)
def test_two_full_backups_are_the_least_of_any_retention(full: str, data: int, days: int) -> None:
    server = _server(data=data, days=days, full=full)
    assert least(server) <= sum(line.size for line in repository_lines(server, 2))


@given(data=DATA, days=DAYS)
def test_a_volume_of_the_size_that_is_named_holds_everything(data: int, days: int) -> None:
    server = _server(data=data, days=days)
    found = _verdict(_host("1GB"), server)
    size = found.hint.removeprefix("declare storage.backup.size: ").partition(",")[0]
    assert _verdict(_host(size), server).severity == "ok"
    smaller = parse_size(size) - (1 << 30)
    assert smaller < 1 << 30 or _verdict(_host(f"{smaller >> 30}GB"), server).is_problem
