"""Values of a query's parameters: what is taken, and what is told."""

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labdb.domain.queries.settings import settings
from labdb.spec.research_query import Parameter

RA = Parameter(type="number", what="Right ascension", minimum=0, maximum=360)
K = Parameter(type="integer", what="Which", default=5, minimum=1)
ALGORITHM = Parameter(type="text", what="Finder", default="VIDE", values=("VIDE", "ZOBOV"))
NAME = Parameter(type="text", what="Any text", default="")
PARAMETERS = {"ra": RA, "k": K, "algorithm": ALGORITHM, "name": NAME}


def test_what_is_not_given_has_its_default() -> None:
    assert settings(PARAMETERS, ["ra=10.5"]) == {
        "ra": 10.5,
        "k": 5,
        "algorithm": "VIDE",
        "name": "",
    }


@given(st.floats(0, 360))
def test_a_number_is_the_one_that_was_written(value: float) -> None:
    assert settings(PARAMETERS, [f"ra={value!r}"])["ra"] == value


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_a_text_is_taken_as_it_is(text: str) -> None:
    assert settings(PARAMETERS, ["ra=1", f"name={text}"])["name"] == text.strip()


@given(st.text(max_size=30))
def test_anything_is_a_value_or_is_told(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert set(settings(PARAMETERS, ["ra=1", text])) == set(PARAMETERS)


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ([], "missing: ra (Right ascension)"),
        (["ra"], "'ra' is not NAME=VALUE"),
        (["ar=1"], "there is no parameter 'ar', but ra, k, algorithm, name"),
        (["algorithms=1"], "; did you mean algorithm?"),
        (["ra=1", "ra=2"], "ra is given twice"),
        (["ra=north"], "ra=north: that is no number"),
        (["ra=nan"], "that is no number that can be compared"),
        (["ra=inf"], "that is no number that can be compared"),
        (["ra=361"], "ra=361 is out of 0..360"),
        (["ra=1", "k=0"], "k=0 is out of 1.."),
        (["ra=1", "k=1.5"], "k=1.5: that is no integer"),
        (["ra=1", "algorithm=Zobov"], "algorithm=Zobov is none of VIDE, ZOBOV"),
        (["ra=1", "name=a\0b"], "name holds a NUL byte"),
    ],
)
def test_what_is_wrong_is_told(given_: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        settings(PARAMETERS, given_)
