"""Plans as EXPLAIN writes them: what is read out of them, and what is an alarm."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labdb.adapters.catalogue import models
from labdb.domain.catalogue import guard, pages, plan
from labdb.domain.catalogue.guard import Kind, Question, Subject
from labdb.domain.catalogue.observed import Index, Observed, covers

SKY = Index("g_q3c_idx", "btree", ("q3c_ang2ipix(ra, dec)",), spherical=True)
ROWS = st.floats(1, 1e9)


def _subject(rows: int = 1_000_000, *indexes: Index, **more: Any) -> Subject:
    (table,) = models.load("positions").tables
    seen = Observed(
        "dr1", "g", rows, rows // 50, rows * 160, indexes or (SKY,),
        relations=frozenset({"g"}), unseen=0, **more,
    )  # fmt: skip
    return Subject(table, seen)


def _node(kind: str, *children: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"Node Type": kind, "Plans": list(children), **fields}


def _scan(kind: str, rows: float, **fields: Any) -> dict[str, Any]:
    return _node(kind, **{"Relation Name": "g", "Alias": "m", "Plan Rows": rows,
                          "Actual Rows": rows, "Actual Loops": 1, **fields})  # fmt: skip


def _cone(candidates: float, buffers: int) -> plan.Node:
    below = _node("Bitmap Index Scan", **{"Index Name": "g_q3c_idx", "Actual Rows": candidates,
                                          "Actual Loops": 1})  # fmt: skip
    scan = _scan("Bitmap Heap Scan", candidates / 8, Plans=[below])
    return plan.read([{"Plan": _node("Aggregate", scan, **{"Shared Hit Blocks": buffers})}])


def test_a_cone_by_its_index_is_as_it_must_be() -> None:
    question = Question("cone", Kind.CONE, _subject())
    verdict = guard.judge(question, _cone(2000, 120))
    assert verdict.faults == ()
    assert guard.findings(question.subject, [verdict])[0].severity == "ok"


def test_a_cone_that_reads_a_page_for_each_row_is_out_of_order() -> None:
    question = Question("cone", Kind.CONE, _subject())
    verdict = guard.judge(question, _cone(2000, 2050))
    (fault,) = verdict.faults
    assert "2,050 pages" in fault
    (finding,) = guard.findings(question.subject, [verdict])
    assert finding.check == "plans.order"
    assert finding.hint.startswith("CLUSTER dr1.g USING g_q3c_idx;")


def test_a_large_table_that_is_read_whole_is_an_alarm_and_a_small_one_is_none() -> None:
    ran = plan.read([{"Plan": _scan("Seq Scan", 25)}])
    large = Question("cone", Kind.CONE, _subject())
    assert guard.shape(large, ran) == ["it reads the whole of g", "it asks no index on the sky"]
    small = Question("cone", Kind.CONE, _subject(500))
    assert guard.shape(small, ran) == []
    assert guard.judge(small, ran).faults == ()


def test_half_of_a_table_may_be_read_without_an_index() -> None:
    question = Question("slice", Kind.SLICE, _subject(), "z")
    half = plan.read([{"Plan": _scan("Seq Scan", 500_000)}])
    assert guard.shape(question, half) == []
    few = plan.read([{"Plan": _scan("Seq Scan", 5000)}])
    assert guard.shape(question, few) != []


def test_a_nested_loop_of_two_whole_tables_is_not_run() -> None:
    other = _node("Materialize", _scan("Seq Scan", 200, Alias="l"), **{"Plan Rows": 200})
    bad = plan.read([{"Plan": _node("Nested Loop", _scan("Seq Scan", 300_000), other)}])
    assert "6e+07 pairs" in guard.catastrophe(bad)
    index = _node("Bitmap Index Scan", **{"Index Name": "g_q3c_idx", "Plan Rows": 30_000})
    inner = _scan("Bitmap Heap Scan", 30_000, Plans=[index])
    good = plan.read([{"Plan": _node("Nested Loop", _scan("Seq Scan", 200, Alias="l"), inner)}])
    assert guard.catastrophe(good) == ""


@pytest.mark.parametrize(
    ("index", "harmful"),
    [
        (Index("i", "btree", ("ra", "dec")), True),
        (Index("i", "btree", ("dec", "z", "ra")), True),
        (Index("i", "btree", ("ra",), included=("dec",)), True),
        (Index("i", "btree", ("ra", "z")), False),
        (Index("i", "brin", ("ra", "dec")), False),
        (Index("i", "btree", ("ra", "dec"), partial=True), False),
        (SKY, False),
    ],
)
def test_which_index_leads_a_cross_match_away(index: Index, harmful: bool) -> None:
    assert covers(index, ("ra", "dec")) is harmful
    assert not covers(index, None)


def test_a_harmful_index_is_told_even_while_the_plan_is_still_good() -> None:
    subject = _subject(1_000_000, SKY, Index("bad idx", "btree", ("ra", "dec")))
    (finding,) = guard.findings(subject, [])
    assert (finding.severity, finding.hint) == ("warning", 'DROP INDEX dr1."bad idx";')


@given(candidates=ROWS, per_page=st.floats(1, 400), runs=st.integers(1, 100), total=ROWS)
def test_the_pages_of_a_region_are_at_least_those_that_its_rows_fill(
    candidates: float, per_page: float, runs: int, total: float
) -> None:
    found = pages.of_region(candidates, per_page, runs, total)
    assert found <= total
    assert found >= min(total, candidates / per_page)
    assert found <= pages.of_region(candidates, per_page, runs + 1, total)
    assert found <= pages.of_region(2 * candidates, per_page, runs, total)


@given(rows=ROWS)
def test_a_b_tree_of_more_rows_is_not_lower(rows: float) -> None:
    assert 1 <= pages.levels(rows) <= pages.levels(rows * 10) <= pages.levels(rows) + 1
    assert pages.levels(rows) >= math.log(rows, pages.ENTRIES) - 1
