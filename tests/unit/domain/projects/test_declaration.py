"""What a project may be called, and who says what is wrong."""

from typing import Any

import pytest
from pydantic import ValidationError
from tests.unit.domain.projects.declared import project, server

from labdb.domain.mistakes import mistakes
from labdb.spec import Server


def _said(*projects: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as caught:
        server(*projects)
    found = mistakes(caught.value, Server)
    return "\n".join(f"{item.key}: {item.what} {item.hint}" for item in found)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"database": "desi_void_desivast"}, "projects.0.database: database desi_void_desivast"),
        ({"name": "desi_void_desivast"}, "projects.0.name: database desi_void_desivast is access."),
        ({"name": "template_desi"}, "access.template's already"),
        ({"people": [{"name": "desi_dev", "kind": "owner"}]}, "projects.0.people.0.name: role"),
        ({"name": "labdb"}, "role labdb_writer is labdb or PostgreSQL's already"),
        ({"name": "postgres"}, "database postgres is labdb or PostgreSQL's already"),
        ({"name": "replication"}, "database replication"),
        ({"name": "pg_voids"}, "begins with pg_"),
        ({"people": [{"name": "voids_reader", "kind": "analyst"}]}, "projects.0.people.0.name"),
        ({"people": [{"name": "all", "kind": "analyst"}]}, "role all is labdb or PostgreSQL's"),
    ],
)
def test_a_name_that_somebody_else_has_is_refused_with_its_key(
    changes: dict[str, Any], words: str
) -> None:
    assert words in _said(project("voids") | changes)


def test_two_projects_share_no_name() -> None:
    assert "projects.1.name: database voids is projects.0.name's" in _said(
        project("voids"), project("voids")
    )
    shared = [{"name": "voids_dev", "kind": "owner"}]
    assert "projects.1.people.0.name: role voids_dev is projects.0.people.0.name's" in _said(
        project("voids"), project("winds", people=shared)
    )
    assert "projects.1.database: database voids" in _said(
        project("voids"), project("winds", database="voids")
    )


@pytest.mark.parametrize("name", ["Voids", "1voids", "voids_", "void-galaxies", "v" * 56, ""])
def test_a_name_that_postgresql_would_have_to_quote_is_refused(name: str) -> None:
    assert "projects.0.name" in _said(project("voids") | {"name": name})


def test_the_longest_name_leaves_room_for_its_groups() -> None:
    longest = server(project("v" * 55, people=[])).projects[0]
    assert len(longest.writer) <= 63


def test_a_network_that_is_the_world_is_refused() -> None:
    assert "opens the server to the world" in _said(project("voids", networks=["0.0.0.0/0"]))


def test_an_unknown_profile_names_the_nearest_one() -> None:
    said = _said(project("voids", profile="void-galaxy"))
    assert "projects.0.profile" in said
    assert "did you mean void-galaxies?" in said


def test_an_unknown_key_names_the_nearest_one() -> None:
    assert "did you mean networks?" in _said(project("voids") | {"network": "10.25.20.0/24"})


@pytest.mark.parametrize("label", ["datname", "job", "__name__", "PI"])
def test_a_label_of_somebody_else_is_refused(label: str) -> None:
    assert "projects.0.labels" in _said(project("voids", labels={label: "a"}))
