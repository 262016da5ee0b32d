"""What becomes of views, and where a rollback goes."""

from itertools import count, islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labdb.adapters.catalogue.tables import Target
from labdb.domain.releases.history import Done, current, previous, standing
from labdb.domain.releases.views import Act, Column, Offered, Standing, plan, unfit
from labdb.operations.releases import turned

A, B, C = Column("a", "real"), Column("b", "text"), Column("c", "bigint")


def _view(*columns: Column, **how: Any) -> Standing:
    return Standing("t", "v", columns, ("dr1", "t"), **how)


def test_a_table_without_a_view_gets_one() -> None:
    found = plan("dr1", [Offered("t", [A, B])], [], anew=False)
    assert [(one.act, one.columns) for one in found.steps] == [(Act.CREATE, [A, B])]
    assert not found.problems


def test_columns_keep_their_places_and_new_ones_follow() -> None:
    found = plan("dr2", [Offered("t", [C, B, A])], [_view(A, B)], anew=False)
    (step,) = found.steps
    assert (step.act, step.columns, step.added) == (Act.REPLACE, [A, B, C], ["c"])


def test_a_view_that_shows_the_release_already_is_left_alone() -> None:
    offered = [Offered("t", [B, A])]
    assert not plan("dr1", offered, [_view(A, B)], anew=False).steps
    assert plan("dr2", offered, [_view(A, B)], anew=False).steps
    assert plan("dr1", offered, [_view(A, B, invoker=False)], anew=False).steps


def test_columns_that_are_gone_or_of_another_type_are_all_told() -> None:
    retyped = Column("b", "integer")
    found = plan("dr2", [Offered("t", [retyped])], [_view(A, B, dependents=["view x"])], anew=True)
    assert found.problems == [
        "t: dr2 has no column a", "t: column b is integer in dr2, text now",
        "t: view x depends on it",
    ]  # fmt: skip
    assert not found.steps


@pytest.mark.parametrize(
    ("how", "made"),
    [({}, True), ({"dependents": ["view x"]}, False), ({"in_place": ["trigger y"]}, False)],
)
def test_a_view_is_made_anew_only_where_nobody_loses_anything(
    how: dict[str, list[str]], made: bool
) -> None:
    offered, view = [Offered("t", [B])], _view(A, **how)
    assert not plan("dr2", offered, [view], anew=False).steps
    found = plan("dr2", offered, [view], anew=True)
    assert [one.act for one in found.steps] == ([Act.RECREATE] if made else [])
    assert bool(found.problems) is not made
    gone = plan("dr2", [], [view], anew=True)
    assert [one.act for one in gone.steps] == ([Act.DROP] if made else [])


def test_what_labdb_did_not_make_is_not_touched() -> None:
    table = Standing("t", "r", [A], ours=False)
    mine = Standing("u", "v", [A], ours=False)
    found = plan("dr1", [Offered("t", [A]), Offered("u", [A])], [table, mine], anew=True)
    assert len(found.problems) == 2
    assert not found.steps
    assert not plan("dr1", [], [table, mine], anew=True).steps


def test_a_release_must_be_complete_and_of_one_version() -> None:
    good = Offered("t", [A], ["m"], ["1"])
    assert unfit([good, Offered("u", [A], ["m"], ["1"]), Offered("v", [A], ["n"], ["2"])]) == []
    assert unfit([good, Offered("u", [A], ["m"], ["2"])]) == [
        "model m has 2 versions: 1 in t; 2 in u"
    ]
    assert unfit([Offered("t", [A], ["m"], ["1", "2"])]) == [
        "model m has 2 versions: 1 in t; 2 in t"
    ]
    assert unfit([Offered("t", [A], ["m", "n"], ["1"], ["f.fits"])]) == [
        "t: not loaded yet: f.fits", "t: its files were loaded by different models: m, n",
    ]  # fmt: skip


def test_a_rollback_goes_to_the_release_before_however_often() -> None:
    past = [Done(name, "promote") for name in ("dr1", "dr2", "dr3")]
    assert (current(past), previous(past)) == ("dr3", "dr2")
    past.append(Done("dr2", "rollback"))
    assert (current(past), previous(past)) == ("dr2", "dr1")
    past.append(Done("dr1", "rollback"))
    assert (current(past), previous(past)) == ("dr1", None)
    past.append(Done("dr3", "rollback"))  # named, though it was rolled back
    assert (current(past), previous(past)) == ("dr3", "dr1")
    assert (current([]), previous([])) == (None, None)


@given(
    st.lists(
        st.builds(
            Done, st.sampled_from(["dr1", "dr2", "dr3"]), st.sampled_from(["promote", "rollback"])
        ),
        min_size=1,
    )
)
def test_what_is_shown_is_what_was_done_last(past: list[Done]) -> None:
    assert standing(past)[-1] == current(past) == past[-1].release
    assert previous(past) != current(past)


def test_each_try_takes_the_views_in_another_order() -> None:
    views = [Target("catalogs", name) for name in "abc"]
    orders = ["".join(one.name for one in turned(views, turn)) for turn in islice(count(), 6)]
    assert sorted(orders) == sorted({"abc", "cba", "bca", "acb", "cab", "bac"})
    assert turned([], 3) == []
