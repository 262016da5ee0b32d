"""A project is drafted, declared, and made by the roles that it concerns."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.operations.projects import inventory

from labdb.adapters import vault
from labdb.adapters.inventory import Declaration, load, server_file
from labdb.cli.app import run
from labdb.cli.watch import Watch
from labdb.errors import DeclarationError, RunError, UsageError
from labdb.operations import project_create as operation
from labdb.operations import project_edit
from labdb.report import Report

NETWORK = ["10.25.20.0/24"]


@pytest.fixture
def declaration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Declaration:
    monkeypatch.setenv("LABDB_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("LABDB_VAULT_KEY", "a key of this test")
    monkeypatch.delenv("LABDB_VAULT_KEY_FILE", raising=False)
    return load(inventory(tmp_path / "inventory"), "proj-pg01")


def _draft(declaration: Declaration, name: str = "winds", **given: Any) -> operation.Draft:
    return operation.draft(
        declaration, name, **({"profile": "agn-outflows", "networks": NETWORK} | given)
    )


def test_a_draft_shows_the_lines_and_writes_nothing(declaration: Declaration) -> None:
    before = server_file(declaration).read_text(encoding="utf-8")
    made = _draft(declaration)
    added = [line for line in made.edit.diff.splitlines() if line.startswith(("+ ", "- "))]
    assert added[0] == "+    - name: winds"
    assert not any(line.startswith("-") for line in added)
    assert made.edit.roles == ("postgresql_config", "postgresql_access", "project_labels")
    assert made.findings == ()
    assert server_file(declaration).read_text(encoding="utf-8") == before


def test_a_project_without_a_network_is_told_of(declaration: Declaration) -> None:
    (finding,) = _draft(declaration, networks=[]).findings
    assert "no network is declared" in finding.what


def test_a_project_that_is_declared_already_is_refused(declaration: Declaration) -> None:
    with pytest.raises(UsageError, match="voids is declared already"):
        _draft(declaration, "voids")


@pytest.mark.parametrize(
    ("name", "words"),
    [("Winds", "projects.1.name"), ("desi_void_desivast", "projects.1.name: database")],
)
def test_what_cannot_be_declared_is_refused_before_anything_is_written(
    declaration: Declaration, name: str, words: str
) -> None:
    before = server_file(declaration).read_text(encoding="utf-8")
    with pytest.raises(DeclarationError) as caught:
        _draft(declaration, name)
    assert words in caught.value.why
    assert server_file(declaration).read_text(encoding="utf-8") == before


def test_it_is_declared_gets_its_passwords_and_is_made_by_its_roles(
    declaration: Declaration, monkeypatch: pytest.MonkeyPatch
) -> None:
    played: dict[str, Any] = {}

    def play(wanted: Declaration, playbook: str, variables: Any, _: Any, **how: Any) -> Report:
        played.update(playbook=playbook, variables=variables, tags=how["tags"])
        return Report(how["command"], wanted.server.name, how["summary"](5))

    monkeypatch.setattr(project_edit, "play_alone", play)
    report = operation.create(_draft(declaration), Watch(quiet=True))
    assert played == {
        "playbook": "provision",
        "variables": {"postgresql_config_allow_restart": False},
        "tags": ("postgresql_config", "postgresql_access", "project_labels"),
    }
    assert "5 tasks changed" in report.summary
    again = load(declaration.inventory, "proj-pg01")
    assert [project.name for project in again.server.projects] == ["voids", "winds"]
    passwords = vault.load(again)
    assert passwords is not None
    assert {"winds_dev", "winds_loader", "winds_analyst"} <= set(passwords.passwords)
    assert not any(word in str(report) for word in passwords.passwords.values())


def test_when_the_run_fails_the_project_stays_declared(
    declaration: Declaration, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RunError("it broke")

    monkeypatch.setattr(project_edit, "play_alone", fail)
    with pytest.raises(RunError):
        operation.create(_draft(declaration), Watch(quiet=True))
    assert len(load(declaration.inventory, "proj-pg01").server.projects) == 2


def test_without_a_vault_key_nothing_is_written(
    declaration: Declaration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LABDB_VAULT_KEY")
    before = server_file(declaration).read_text(encoding="utf-8")
    with pytest.raises(DeclarationError, match="vault key"):
        operation.create(_draft(declaration), Watch(quiet=True))
    assert server_file(declaration).read_text(encoding="utf-8") == before


def test_a_dry_run_prints_the_difference(
    declaration: Declaration, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["proj-pg01", "winds", "-i", str(declaration.inventory), "--dry-run"]
    assert run(["project", "create", *where]) == 0
    assert "+    - name: winds" in capsys.readouterr().out
    assert run(["project", "create", *where, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["data"]["diff"].count("+    - name: winds") == 1


def test_where_nobody_can_agree_nothing_is_done(
    declaration: Declaration, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["project", "create", "proj-pg01", "winds", "-i", str(declaration.inventory)]) == 2
    assert "--dry-run" in capsys.readouterr().err
