"""Projects are listed beside what they take, and researchers get files without a password."""

import configparser
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.unit.operations.projects import inventory

from labdb.adapters import shell
from labdb.adapters.inventory import Declaration, load
from labdb.domain.projects.client_files import MADE_BY
from labdb.errors import RefusedError, UnreachableError, UsageError
from labdb.operations.connection import authority_file
from labdb.operations.project_client import write_client
from labdb.operations.projects import list_projects, show_project


@pytest.fixture
def declaration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Declaration:
    monkeypatch.setenv("LABDB_STATE", str(tmp_path / "state"))
    return load(inventory(tmp_path / "inventory"), "proj-pg01")


@pytest.fixture
def probed(declaration: Declaration) -> Declaration:
    """The same where addresses may be asked."""
    environment = declaration.environment.model_copy(update={"probe_addresses": True})
    return Declaration(declaration.server, environment, declaration.inventory)


@pytest.fixture
def authority(declaration: Declaration) -> str:
    path = authority_file(declaration.environment.name)
    path.parent.mkdir(parents=True)
    path.write_text("a certificate\n", encoding="utf-8")
    return "a certificate\n"


def _answering(monkeypatch: pytest.MonkeyPatch, use: dict[str, Any]) -> None:
    seen = {"queries": {"database_use": {"ok": use}}}
    monkeypatch.setattr(shell, "probe", lambda *_: seen)


def test_a_project_is_listed_with_what_it_takes(
    probed: Declaration, monkeypatch: pytest.MonkeyPatch
) -> None:
    _answering(monkeypatch, {"voids": {"size": 7 << 20, "connections": 3, "connection_limit": 40}})
    report = list_projects(probed)
    assert report.exit_code == 0
    (row,) = report.data["projects"]
    assert (row["name"], row["size"], row["connections"]) == ("voids", 7 << 20, 3)
    assert row["connection_limit"] == 40
    assert list(row["people"]) == ["voids_dev", "voids_analyst"]


def test_a_project_that_is_declared_and_not_there_needs_attention(
    probed: Declaration, monkeypatch: pytest.MonkeyPatch
) -> None:
    _answering(monkeypatch, {"postgres": {"size": 1, "connections": 0, "connection_limit": -1}})
    report = list_projects(probed)
    assert report.exit_code == 1
    assert "declared and not there" in report.findings[0].what
    assert report.data["projects"][0]["size"] is None


def test_a_server_that_does_not_answer_leaves_what_is_declared(
    probed: Declaration, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: Any) -> None:
        raise UnreachableError("no answer", why="no route", hint="look")

    monkeypatch.setattr(shell, "probe", silent)
    report = list_projects(probed)
    assert report.exit_code == 0
    assert "no route" in report.findings[0].why
    assert report.data["projects"][0]["name"] == "voids"


def test_a_project_is_shown_with_how_each_of_its_people_connects(declaration: Declaration) -> None:
    report = show_project(declaration, "voids")
    owner, analyst = report.data["roles"]
    assert owner["group"] == "voids_owner"
    assert "user=voids_analyst sslmode=verify-full" in analyst["psql"]
    assert "dbname=voids" in analyst["psql"]
    assert analyst["password"].startswith("labdb secrets show proj-pg01 voids_analyst")
    assert analyst["settings"]["statement_timeout"] == "43200s"
    assert "embeddings" in report.data["project"]["schemas"]


def test_a_project_that_is_not_declared_names_the_nearest_one(declaration: Declaration) -> None:
    with pytest.raises(UsageError) as caught:
        show_project(declaration, "void")
    assert caught.value.hint == "did you mean voids?"


@pytest.mark.usefixtures("authority")
def test_researchers_get_a_service_an_environment_and_the_ca(
    declaration: Declaration, tmp_path: Path
) -> None:
    there = tmp_path / "for researchers"
    report = write_client(declaration, "voids", there, role="voids_analyst")
    assert len(report.changes) == 3
    services = configparser.ConfigParser()
    services.read(there / "pg_service.conf")
    assert dict(services["voids"]) == {
        "host": "10.25.20.8",
        "port": "5432",
        "dbname": "voids",
        "user": "voids_analyst",
        "sslmode": "verify-full",
        "sslrootcert": str(there / "ca.crt"),
    }
    said = subprocess.run(
        ["sh", "-c", 'set -a; . "$1"; env | grep ^PG | sort', "sh", there / "voids.env"],
        check=True, capture_output=True, text=True, env={},
    ).stdout  # fmt: skip
    assert said.splitlines() == [
        "PGDATABASE=voids",
        "PGHOST=10.25.20.8",
        "PGPORT=5432",
        "PGSERVICE=voids",
        f"PGSERVICEFILE={there}/pg_service.conf",
        "PGSSLMODE=verify-full",
        f"PGSSLROOTCERT={there}/ca.crt",
        "PGUSER=voids_analyst",
    ]
    assert (there / "ca.crt").read_text(encoding="utf-8") == "a certificate\n"
    assert not any("password=" in path.read_text("utf-8").lower() for path in there.iterdir())
    assert write_client(declaration, "voids", there, role="voids_analyst").changes == ()


@pytest.mark.usefixtures("authority")
def test_a_service_file_of_somebody_else_is_not_overwritten(
    declaration: Declaration, tmp_path: Path
) -> None:
    (tmp_path / "pg_service.conf").write_text("[mine]\nhost=a\n", encoding="utf-8")
    with pytest.raises(RefusedError, match=r"pg_service\.conf"):
        write_client(declaration, "voids", tmp_path)
    assert (tmp_path / "pg_service.conf").read_text(encoding="utf-8") == "[mine]\nhost=a\n"
    assert not (tmp_path / "voids.env").exists()
    (tmp_path / "pg_service.conf").write_text(MADE_BY, encoding="utf-8")
    assert len(write_client(declaration, "voids", tmp_path).changes) == 3


def test_without_a_ca_nothing_is_written(declaration: Declaration, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="there is no CA"):
        write_client(declaration, "voids", tmp_path / "there")
    assert not (tmp_path / "there").exists()


@pytest.mark.usefixtures("authority")
def test_a_role_of_another_project_gets_no_files(declaration: Declaration, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="desi_dev is not of project voids"):
        write_client(declaration, "voids", tmp_path / "there", role="desi_dev")
