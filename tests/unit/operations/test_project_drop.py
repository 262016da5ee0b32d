"""A project is dropped for whoever names it, and comes back as it was declared."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.operations.projects import DECLARED, inventory

from labdb.adapters import shell, vault
from labdb.adapters.inventory import Declaration, load, server_file
from labdb.cli.app import run
from labdb.cli.watch import Watch
from labdb.domain.variables import role_variables
from labdb.errors import RefusedError, RunError, UsageError
from labdb.operations import project_drop as operation
from labdb.operations import project_edit
from labdb.report import Report


@pytest.fixture
def declaration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Declaration:
    monkeypatch.setenv("LABDB_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("LABDB_VAULT_KEY", "a key of this test")
    monkeypatch.delenv("LABDB_VAULT_KEY_FILE", raising=False)
    return load(inventory(tmp_path / "inventory"), "proj-pg01")


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """The playbooks that were run, each with its variables or tags."""
    runs: list[tuple[str, Any]] = []

    def play(wanted: Declaration, playbook: str, variables: Any, _: Any, **how: Any) -> Report:
        runs.append((playbook, how.get("tags") or variables))
        data = {"changed_tasks": 3, "run_directory": "there"}
        return Report(how["command"], wanted.server.name, how["summary"](3), data=data)

    monkeypatch.setattr(operation, "play_alone", play)
    monkeypatch.setattr(project_edit, "play_alone", play)
    return runs


def _text(declaration: Declaration) -> str:
    return server_file(declaration).read_text(encoding="utf-8")


def _drop(declaration: Declaration, typed: str = "voids") -> Report:
    return operation.drop(declaration, "voids", confirm_name=typed, watcher=Watch(quiet=True))


def test_it_goes_from_the_server_first_and_from_the_declaration_then(
    declaration: Declaration, played: list[tuple[str, Any]]
) -> None:
    report = _drop(declaration)
    named = {"project_drop_name": "voids", "project_drop_confirm_name": "voids"}
    assert played == [
        ("project_drop", named),
        ("provision", ("postgresql_config", "postgresql_access", "project_labels")),
    ]
    assert DECLARED not in _text(declaration)
    assert load(declaration.inventory, "proj-pg01").server.projects == ()
    assert report.data["changed_tasks"] == 6
    assert "/mnt/backup/dropped" in report.findings[0].what


@pytest.mark.parametrize("typed", ["", "Voids", "winds"])
def test_nobody_drops_a_project_without_its_name(
    declaration: Declaration, played: list[tuple[str, Any]], typed: str
) -> None:
    with pytest.raises(RefusedError, match="the project is 'voids'"):
        _drop(declaration, typed)
    assert played == []
    assert DECLARED in _text(declaration)


def test_what_is_not_declared_cannot_be_dropped(declaration: Declaration) -> None:
    with pytest.raises(UsageError, match="there is no project 'void'"):
        operation.drop(declaration, "void", confirm_name="void", watcher=Watch(quiet=True))


def test_when_the_server_keeps_it_the_declaration_does_too(
    declaration: Declaration, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RunError("somebody is connected")

    monkeypatch.setattr(operation, "play_alone", fail)
    with pytest.raises(RunError):
        _drop(declaration)
    assert DECLARED in _text(declaration)


def _kept(declaration: Declaration) -> str:
    """What the playbook leaves beside the export."""
    variables = role_variables(declaration.server, declaration.environment)
    return json.dumps(variables["project_drop_projects"][0]["declared"])


def test_it_comes_back_as_it_was_declared_with_its_old_passwords(
    declaration: Declaration, played: list[tuple[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, before = _kept(declaration), _text(declaration)
    old, _ = vault.complete(declaration)
    _drop(declaration)
    played.clear()
    texts = {"/mnt/backup/dropped/voids.json": kept}
    monkeypatch.setattr(shell, "probe", lambda *_: {"texts": texts})
    operation.restore(load(declaration.inventory, "proj-pg01"), "voids", Watch(quiet=True))
    assert played == [
        ("project_restore", {"project_restore_name": "voids"}),
        ("provision", ("postgresql_config", "postgresql_access", "project_labels")),
    ]
    assert _text(declaration) == before
    again = vault.load(load(declaration.inventory, "proj-pg01"))
    assert again is not None
    assert again.passwords == old.passwords


def test_a_restore_that_was_interrupted_goes_on_with_what_is_declared(
    declaration: Declaration, played: list[tuple[str, Any]]
) -> None:
    before = _text(declaration)
    operation.restore(declaration, "voids", Watch(quiet=True))
    assert [playbook for playbook, _ in played] == ["project_restore"]
    assert _text(declaration) == before


def test_what_was_never_dropped_is_refused(
    declaration: Declaration, played: list[tuple[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell, "probe", lambda *_: {"texts": {}})
    with pytest.raises(RefusedError, match="no final export of winds"):
        operation.restore(declaration, "winds", Watch(quiet=True))
    assert played == []


def test_the_command_asks_for_the_name(
    declaration: Declaration, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["project", "drop", "proj-pg01", "voids", "-i", str(declaration.inventory)]) == 6
    assert "letter for letter" in capsys.readouterr().err
