"""Advice on tables that are planned, and on what is found in those that are there."""

from dataclasses import replace
from typing import Any

import pytest

from labdb.adapters.catalogue import models
from labdb.domain.catalogue.advice import Advice, State, Topic, advise
from labdb.domain.catalogue.guard import Subject
from labdb.domain.catalogue.identifier import quoted
from labdb.domain.catalogue.observed import Index, Observed, Statistics

SKY = Index("t_q3c", "btree", ("q3c_ang2ipix(ra, dec)",), spherical=True, scans=9)
KEY = Index("t_pkey", "btree", ("targetid",), unique=True, primary=True)


def _subject(model: str = "fastspecfit", rows: int = 6_000_000, **seen: Any) -> Subject:
    table = models.load(model).tables[0]
    given: dict[str, Any] = {
        "indexes": (SKY, KEY),
        "relations": frozenset({"t"}),
        "unseen": 0,
    } | seen
    return Subject(table, Observed("dr1", "t", rows, rows // 40, rows * 200, **given))


def _with(subject: Subject, *indexes: Index) -> Subject:
    return replace(subject, seen=replace(subject.seen, indexes=(SKY, KEY, *indexes)))


def _about(advice: list[Advice], text: str) -> Advice:
    (found,) = [one for one in advice if text in one.what]
    return found


def test_a_planned_catalogue_is_one_sorted_table_with_an_index_of_the_sky() -> None:
    advice = advise(_subject(indexes=()), there=False)
    sky = _about(advice, "q3c_ang2ipix")
    assert sky.state is State.DO
    assert sky.statement.endswith("ON dr1.t (q3c_ang2ipix(ra, dec));")
    assert "not 16" in _about(advice, "no partitions").why
    assert _about(advice, "no index that holds both ra, dec").state is State.NOTE
    assert not [one for one in advice if "BRIN" in one.what]


def test_every_piece_of_advice_has_a_reason_with_a_figure() -> None:
    for model in models.names():
        for table in models.load(model).tables:
            subject = replace(_subject(indexes=()), table=table)
            for one in advise(subject, there=False):
                assert one.why
                if one.state is State.DO:
                    assert one.statement
                    assert any(letter.isdigit() for letter in one.why + one.what), one


def test_a_time_series_is_partitioned() -> None:
    one = _about(advise(_subject("exposures", indexes=()), there=False), "partitions by range")
    assert one.topic is Topic.PARTITIONS
    parted = _subject(
        "exposures", partitioned_by="RANGE (night)", relations=frozenset({"t", "t_1", "t_2"})
    )
    there = _about(advise(parted), "partitions by range")
    assert there.state is State.KEEP
    assert "about 3,000,000 of 6,000,000 rows" in there.why


def test_a_partitioned_sky_is_urgent() -> None:
    names = frozenset(["t", *(f"t_{n}" for n in range(34))])
    one = _about(advise(_subject(partitioned_by="LIST (pixel)", relations=names)), "one table")
    assert one.state is State.URGENT
    assert "with 34 of them" in one.why


def test_a_small_table_needs_no_index_of_the_sky() -> None:
    one = _about(advise(_subject(rows=700, indexes=())), "q3c_ang2ipix")
    assert one.state is State.NOTE
    assert "reading the table is as fast" in one.why


@pytest.mark.parametrize(
    ("index", "text", "state", "statement"),
    [
        (Index("bad", "btree", ("ra", "dec")), "without bad", State.URGENT, "DROP INDEX dr1.bad;"),
        (Index("b", "brin", ("dec",)), "on block ranges of positions", State.DO,
         "DROP INDEX dr1.b;"),
        (Index("half", "btree", ("z",), valid=False), "half built again", State.URGENT,
         "REINDEX INDEX dr1.half;"),
        (Index("Twin", "btree", ("targetid",)), "without Twin", State.DO,
         'DROP INDEX dr1."Twin";'),
        (Index("idle", "btree", ("zwarn",), size=1 << 25), "idle was never used", State.DO,
         "DROP INDEX dr1.idle;"),
        (Index("idle", "btree", ("z",), size=1 << 25), "idle was never used", State.NOTE, ""),
    ],
)  # fmt: skip
def test_indexes_that_should_not_be_there(
    index: Index, text: str, state: State, statement: str
) -> None:
    one = _about(advise(_with(_subject(), index)), text)
    assert (one.state, one.statement) == (state, statement)


def test_of_two_indexes_that_are_equal_one_stays() -> None:
    twins = (Index("a", "btree", ("z",), scans=1), Index("b", "btree", ("z",), scans=1))
    dropped = [one.what for one in advise(_with(_subject(), *twins)) if "without" in one.what]
    assert dropped == ["without b"]


def test_a_shorter_index_goes_and_a_unique_one_stays() -> None:
    short = Index("short", "btree", ("z",), scans=1)
    long = Index("long", "btree", ("z", "sfr"), scans=1)
    assert _about(advise(_with(_subject(), short, long)), "without").what == "without short"
    unique = replace(short, unique=True)
    assert not [o for o in advise(_with(_subject(), unique, long)) if "without" in o.what]


def test_a_sorted_column_of_a_large_table_is_offered_block_ranges() -> None:
    mjd = Index("t_mjd", "btree", ("mjd",), scans=1, size=1 << 27)
    known = {"mjd": Statistics(6e6, correlation=0.999, low=59000, high=60000)}
    one = _about(advise(_with(_subject("exposures", column_statistics=known), mjd)), "mjd in place")
    assert "128.0 MB" in one.why
    assert "USING brin (mjd)" in one.statement
    shuffled = {"mjd": replace(known["mjd"], correlation=0.3)}
    subject = _with(_subject("exposures", column_statistics=shuffled), mjd)
    assert not [o for o in advise(subject) if "in place of" in o.what]


def test_statistics_of_more_values_for_large_tables_only() -> None:
    one = _about(advise(_subject()), "statistics of 500 values")
    assert "60,000 rows" in one.why
    assert "ALTER INDEX dr1.t_q3c ALTER 1 SET STATISTICS 500;" in one.statement
    done = {name: Statistics(1, target=500) for name in ("ra", "dec", "z", "logmstar", "t_q3c")}
    kept = _about(advise(_subject(column_statistics=done)), "statistics of 500 values")
    assert (kept.state, kept.statement) == (State.KEEP, "")
    assert not [o for o in advise(_subject(rows=50_000)) if "of 500 values" in o.what]


def test_groups_that_are_overestimated_ask_for_extended_statistics() -> None:
    known = {"z": Statistics(6e6, low=0.0, high=1.5)}
    one = _about(advise(_subject(column_statistics=known)), "floor(z * 100)")
    assert "6,000,000 groups; it cannot give more than about 151" in one.why
    has = _subject(column_statistics=known, expressions=("floor((z * (100)))",))
    assert _about(advise(has), "floor(z * 100)").state is State.KEEP
    few = {"z": Statistics(160, low=0.0, high=1.5)}
    assert not [o for o in advise(_subject(column_statistics=few)) if "floor" in o.what]


@pytest.mark.parametrize(
    ("name", "text"),
    [("dec", "dec"), ("order", '"order"'), ("Z", '"Z"'), ('a"b; DROP', '"a""b; DROP"')],
)
def test_names_in_statements_are_quoted_where_they_must_be(name: str, text: str) -> None:
    assert quoted(name) == text
