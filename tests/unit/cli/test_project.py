"""Projects on the terminal: what a person reads, and what a program does."""

import json
from pathlib import Path

import pytest
from tests.unit.operations.projects import inventory

from labdb.adapters import shell
from labdb.cli.app import run


@pytest.fixture
def where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("LABDB_STATE", str(tmp_path / "state"))
    return ["-i", str(inventory(tmp_path / "inventory")), "--no-color"]


def _probed(where: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    environment = Path(where[1], "group_vars/all/environment.yml")
    text = environment.read_text(encoding="utf-8")
    environment.write_text(text.replace("probe_addresses: false", "probe_addresses: true"), "utf-8")
    use = {"voids": {"size": 8 << 20, "connections": 2, "connection_limit": 40}}
    monkeypatch.setattr(shell, "probe", lambda *_: {"queries": {"database_use": {"ok": use}}})


def test_a_list_is_a_table(
    where: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _probed(where, monkeypatch)
    assert run(["project", "list", "proj-pg01", *where]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "project list proj-pg01: 1 project"
    assert lines[1].split() == [
        *("project", "profile", "database", "people", "size", "connections", "limit"),
    ]
    assert lines[2].split() == ["voids", "void-galaxies", "voids", "2", "8.0", "MB", "2", "40"]


def test_a_list_is_one_document_for_programs(
    where: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["project", "list", "proj-pg01", *where, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["data"]["projects"]
    assert row["name"] == "voids"
    assert row["size"] is None


def test_a_project_is_shown_with_its_people_and_no_password(
    where: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["project", "show", "proj-pg01", "voids", *where]) == 0
    said = capsys.readouterr().out
    assert "voids_analyst  analyst, member of voids_reader, connections" in said
    assert "labdb secrets show proj-pg01 voids_analyst" in said
    assert 'psql "host=10.25.20.8 port=5432 dbname=voids user=voids_dev' in said
    assert "embeddings" in said


def test_a_project_that_is_not_there_is_a_usage_error(
    where: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["project", "show", "proj-pg01", "voidz", *where]) == 2
    assert "did you mean voids?" in capsys.readouterr().err
