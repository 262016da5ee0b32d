"""A project is put into a person's file: exactly this is added, and no comment is lost."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.pages import TOP

from labdb.domain.projects.insertion import with_project
from labdb.domain.projects.new import new_project
from labdb.errors import RefusedError

VOIDS = new_project("voids", "void-galaxies", ["198.18.20.0/24"])
PLAIN = """\
---
# Of the whole.
labdb_server:
  name: proj-pg01  # its name
  access:
    operators: [198.18.10.0/24]
"""
WRITTEN = """\
  projects:
    - name: voids
      profile: void-galaxies
      networks: [198.18.20.0/24]
      people:
        - name: voids_dev
          kind: owner
        - name: voids_loader
          kind: loader
        - name: voids_analyst
          kind: analyst
"""
COMMENTS = st.sampled_from(["", "  # a note\n", "# a note\n", "\n", "      # deep\n"])
LAYOUTS = st.sampled_from(
    [
        "",
        "  projects: []\n",
        "  projects: [ ]  # none yet\n",
        "  projects:\n",
        "  projects:  # none yet\n",
        "  projects:\n    - name: winds  # of quasars\n",
        "  projects:\n  - name: winds\n    people:\n      - {name: w, kind: owner}\n",
        "  projects:\n\n    # One.\n    - name: winds\n      networks:\n        - 10.0.0.0/8\n",
        "  'projects':\n    - name: winds\n      about: |\n        two\n        lines\n",
    ]
)


def test_it_is_written_as_people_write_it() -> None:
    assert with_project(PLAIN, VOIDS) == PLAIN + WRITTEN


@given(before=COMMENTS, layout=LAYOUTS, after=COMMENTS, rest=st.booleans(), ended=st.booleans())
def test_exactly_the_project_is_added_and_every_line_stays(
    before: str, layout: str, after: str, *, rest: bool, ended: bool
) -> None:
    text = PLAIN + before + layout + after + ("  monitoring: {group: a}\n" if rest else "")
    # The end of the last line is a part of a text that is written like this: | and a line for each.
    text = text if ended or "|" in layout else text.rstrip("\n")
    made = with_project(text, VOIDS)
    old, new = yaml.safe_load(text)["labdb_server"], yaml.safe_load(made)["labdb_server"]
    assert new.pop("projects") == [*(old.pop("projects", None) or []), VOIDS]
    assert new == old
    for line in text.splitlines():
        kept = line.replace(" []", "").replace(" [ ]", "").rstrip()
        assert kept in {other.rstrip() for other in made.splitlines()}


def test_two_in_a_row_stand_in_their_order() -> None:
    made = with_project(with_project(PLAIN, VOIDS), new_project("winds", None, []))
    found = yaml.safe_load(made)["labdb_server"]["projects"]
    assert [item["name"] for item in found] == ["voids", "winds"]
    assert made.count("projects:") == 1


@pytest.mark.parametrize(
    "text",
    [
        "labdb_server: {name: proj-pg01}\n",
        "labdb_server:\n  name: a\n  projects: [{name: winds}]\n",
        "labdb_server:\n  name: a\n...\n",
        "labdb_server:\n  name: a\n  projects: &all\n    - name: winds\n  other: *all\n",
    ],
)
def test_what_cannot_be_edited_without_harm_is_refused_with_the_lines_to_write(text: str) -> None:
    with pytest.raises(RefusedError) as caught:
        with_project(text, VOIDS)
    assert WRITTEN in caught.value.hint + "\n"


@pytest.mark.parametrize("environment", ["lab", "production"])
def test_the_inventories_of_the_repository_take_one(environment: str) -> None:
    path = TOP / f"inventories/{environment}/host_vars/proj-pg01/server.yml"
    text = path.read_text(encoding="utf-8")
    assert with_project(text, VOIDS) == text + WRITTEN
