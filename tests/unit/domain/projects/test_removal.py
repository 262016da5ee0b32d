"""A project is taken out of a person's file: exactly this goes, and nothing else."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.domain.projects.test_insertion import PLAIN, VOIDS

from labdb.domain.projects.insertion import with_project
from labdb.domain.projects.new import new_project
from labdb.domain.projects.removal import without_project
from labdb.errors import RefusedError

NAMES = ("voids", "winds", "quasars", "surveys")


@given(names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True), data=st.data())
def test_what_was_put_in_last_goes_without_a_trace(names: list[str], data: st.DataObject) -> None:
    text = PLAIN
    for name in names[:-1]:
        text = with_project(text, new_project(name, None, ["10.0.0.0/8"]))
    made = with_project(text, new_project(names[-1], "void-galaxies", []))
    assert without_project(made, names[-1]) == text
    gone = data.draw(st.sampled_from(names))
    left = yaml.safe_load(without_project(made, gone))["labdb_server"].get("projects", [])
    assert [item["name"] for item in left] == [name for name in names if name != gone]


def test_comments_of_others_and_keys_after_it_stay() -> None:
    text = (
        "labdb_server:\n  name: a  # its name\n  projects:  # of the lab\n"
        "    # The first.\n    - name: winds\n      people: []\n\n    # The second.\n"
        "    - name: voids  # goes\n      networks:\n        - 10.0.0.0/8\n\n"
        "  # Who watches.\n  monitoring: b\n"
    )
    made = without_project(text, "voids")
    assert "# goes" not in made
    for comment in ("# its name", "# of the lab", "# The first.", "# Who watches."):
        assert comment in made
    assert yaml.safe_load(made)["labdb_server"] == {
        "name": "a", "projects": [{"name": "winds", "people": []}], "monitoring": "b",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "labdb_server:\n  name: a\n  projects: [{name: voids}]\n",
        "labdb_server:\n  name: a\n  projects:\n    - &v {name: voids}\n  other: *v\n",
        PLAIN,
        with_project(PLAIN, new_project("winds", None, [])),
    ],
)
def test_what_cannot_be_edited_without_harm_is_refused(text: str) -> None:
    with pytest.raises(RefusedError, match="voids cannot be taken out"):
        without_project(text, VOIDS["name"])
