"""A server that cannot be asked is unreachable, which is another thing than as declared."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labdb.adapters.inventory import Declaration, load
from labdb.domain.mending import Mending
from labdb.errors import RefusedError, UnreachableError
from labdb.facts import ClusterState, GuestState, NodeState
from labdb.operations import drift
from labdb.report import Change, Effect, Finding, Report

LAB = Path(__file__).parents[3] / "inventories" / "lab"


@pytest.fixture(scope="module")
def declaration() -> Declaration:
    return load(LAB, "proj-pg01")


def _state(*, running: bool) -> ClusterState:
    guest = GuestState(2002, "node06", "proj-pg01", running=running, config={})
    return ClusterState("9.0.10", True, "labdb@pve!lab", NodeState("node06", True), guest=guest)


def _look(declaration: Declaration, *, running: bool = True) -> Any:
    client: Any = SimpleNamespace()
    return drift._look_inside(declaration, _state(running=running), client)


def test_postgresql_that_does_not_answer_is_unreachable_in_its_own_words(
    declaration: Declaration, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {name: {"error": "psql: connection refused"} for name in drift.QUERIES}
    monkeypatch.setattr(drift, "ask", lambda *_: {"queries": answers})
    with pytest.raises(UnreachableError) as caught:
        _look(declaration)
    assert caught.value.why == "psql: connection refused"
    assert "postgresql@16-main" in caught.value.hint


def test_a_guest_that_does_not_answer_is_unreachable(
    declaration: Declaration, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: object) -> None:
        raise UnreachableError("198.18.20.8 does not answer on SSH")

    monkeypatch.setattr(drift, "ask", silent)
    with pytest.raises(UnreachableError):
        _look(declaration)


def test_a_stopped_guest_is_not_even_asked(
    declaration: Declaration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drift, "ask", lambda *_: pytest.fail("it was asked"))
    with pytest.raises(UnreachableError, match="is stopped"):
        _look(declaration, running=False)


def test_the_report_of_a_fix_tells_what_was_found_and_what_is_left() -> None:
    def report(*fields: str) -> Report:
        changes = [Change("guest", field, "0", "1", Effect.LIVE) for field in fields]
        return Report("drift", "x", "", changes, data={"differences": list(fields)})

    ran = Report("drift", "x", "", data={"changed_tasks": 2})
    after = drift._after(report("onboot", "memory"), ran, report("memory"))
    assert after.summary == "2 found, 1 left"
    assert after.data == {
        "differences": ["memory"],
        "found": ["onboot", "memory"],
        "changed_tasks": 2,
    }
    assert drift._after(report("onboot"), ran, report()).summary == "1 found, all mended"


def test_a_fix_of_nothing_asks_nobody_and_runs_nothing(
    declaration: Declaration, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = drift.Drift(Report("drift", "x", "as declared"), Mending())
    monkeypatch.setattr(drift, "drift", lambda *_: nothing)
    monkeypatch.setattr(drift, "play_alone", lambda *_, **__: pytest.fail("it ran"))
    watcher: Any = SimpleNamespace(say=print, agrees=lambda _: pytest.fail("it asked"))
    assert drift.mend(declaration, drift.Options(), watcher) is nothing.report


@pytest.mark.parametrize(
    ("agrees", "refusals", "words"),
    [
        (False, (), "were not to be mended"),
        (True, (Finding("vmid", "critical", "VMID 2002 belongs to VM x"),), "belongs to VM x"),
    ],
)
def test_nothing_is_mended_without_consent_or_against_a_refusal(
    declaration: Declaration,
    monkeypatch: pytest.MonkeyPatch,
    agrees: bool,
    refusals: tuple[Finding, ...],
    words: str,
) -> None:
    change = Change("guest", "onboot", "0", "1", Effect.LIVE)
    found = drift.Drift(Report("drift", "x", "", (change,)), Mending(), refusals)
    monkeypatch.setattr(drift, "drift", lambda *_: found)
    monkeypatch.setattr(drift, "play_alone", lambda *_, **__: pytest.fail("it ran"))
    watcher: Any = SimpleNamespace(say=print, agrees=lambda _: agrees)
    with pytest.raises(RefusedError, match=words):
        drift.mend(declaration, drift.Options(), watcher)
