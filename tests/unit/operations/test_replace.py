"""A restore in place does not begin where an earlier one is kept or was cut short."""

import json
from pathlib import Path
from typing import Any, cast

import pytest
from tests.unit.operations.test_restore import NOW, SEEN

from labdb.adapters import clock, shell
from labdb.adapters.inventory import Declaration, load
from labdb.errors import RefusedError
from labdb.operations import replace
from labdb.operations.provision import Watcher
from labdb.operations.restore import Request
from labdb.report import Report

LAB = Path(__file__).parents[3] / "inventories" / "lab"
DATA = "/mnt/data/pg01"


@pytest.fixture
def declaration(monkeypatch: pytest.MonkeyPatch) -> Declaration:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return load(LAB, "proj-pg01")


def _there(monkeypatch: pytest.MonkeyPatch, *ends: str, **more: Any) -> None:
    files = {f"{DATA}{end}": True for end in ("", *ends)}
    monkeypatch.setattr(shell, "probe", lambda *_: {**SEEN, "files": files, **more})


@pytest.mark.parametrize(
    ("ends", "words", "remedy"),
    [
        ([".before"], "is kept from an earlier restore in place", "--forget"),
        (["/labdb-replacement.json", ".before"], "was cut short", "--resume"),
        (["/labdb-taken-back", ".before"], "was cut short", "--undo"),
    ],
)
def test_an_earlier_one_comes_first(
    declaration: Declaration,
    monkeypatch: pytest.MonkeyPatch,
    ends: list[str],
    words: str,
    remedy: str,
) -> None:
    _there(monkeypatch, *ends)
    with pytest.raises(RefusedError, match=words) as caught:
        replace.plan(declaration, Request())
    assert remedy in caught.value.hint


def test_restored_files_that_nothing_was_done_with_are_gone_on_with(
    declaration: Declaration, monkeypatch: pytest.MonkeyPatch
) -> None:
    _there(monkeypatch, ".restored")
    planned = replace.plan(declaration, Request())
    assert planned.data["variables"]["set"] == "20261122-015500F"


@pytest.mark.parametrize(
    ("is_kept", "coming"),
    [(True, {"back it up", "take it back", "keep it"}), (False, {"back it up"})],
)
def test_one_that_was_cut_short_is_gone_on_with_and_told_like_any_other(
    declaration: Declaration, monkeypatch: pytest.MonkeyPatch, is_kept: bool, coming: set[str]
) -> None:
    told = {"set": "20261122-015500F", "timeline": "0000000A"}
    played: list[Any] = []

    def play(_: object, playbook: str, variables: Any, *__: object, **___: object) -> Report:
        played.append((playbook, variables))
        return Report("restore-in-place", "proj-pg01", "")

    seen = {
        "texts": {"/var/lib/labdb/replacement.json": json.dumps(told)},
        "files": {f"{DATA}.before": is_kept},
    }
    monkeypatch.setattr(replace, "play_alone", play)
    monkeypatch.setattr(shell, "probe", lambda *_: seen)
    watcher = cast("Watcher", None)
    report = replace.resume(declaration, watcher, confirm_name="proj-pg01")
    assert played == [("replace", {"pgbackrest_replace_state": "resumed"})]
    assert report.summary == "restored in place from 20261122-015500F, timeline 10"
    assert set(report.data["next"]) == coming
    assert bool(report.findings) == is_kept
