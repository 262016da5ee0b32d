"""Rules: what they ask, how few readings answer, and what an answer means."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from labdb.adapters.catalogue import models
from labdb.domain.catalogue import check
from labdb.domain.catalogue.check import Answer, Figure, Question
from labdb.domain.catalogue.rule_names import refuse_wrong
from labdb.domain.catalogue.verdict import WHOLE, judge, number
from labdb.spec.check import Rule

ONE: TypeAdapter[Rule] = TypeAdapter(Rule)


def rule(kind: str, **given: Any) -> Rule:
    return ONE.validate_python({"kind": kind, "name": "a", **given})


def verdict(one: Rule, figures: dict[str, Figure]) -> tuple[str, str]:
    (question, *_) = check.questions([one])
    found = judge(question, Answer(figures))
    return found.status, found.sentence


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "rows"},
        {"kind": "rows", "count": 3, "groups": {"a": 3}, "by": "x"},
        {"kind": "rows", "groups": {"a": 3}},
        {"kind": "range", "columns": ["a"]},
        {"kind": "range", "columns": [], "minimum": 0},
        {"kind": "refers", "columns": ["a", "b"], "table": "t", "to": ["a"]},
        {"kind": "statistic", "statistic": "mean", "of": "a"},
        {"kind": "statistic", "statistic": "slope", "of": "a", "between": {"minimum": 0}},
        {"kind": "statistic", "statistic": "mean", "of": "a", "over": "b",
         "between": {"minimum": 0}},
        {"kind": "statistic", "statistic": "mean", "of": "a",
         "between": {"minimum": 2, "maximum": 1}},
        {"kind": "unique", "columns": ["a"], "severity": "fatal"},
        {"kind": "sql", "query": "SELECT 1"},
    ],
)  # fmt: skip
def test_a_rule_that_says_too_little_or_too_much_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ONE.validate_python({"name": "a", **wrong})


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (rule("present", columns=["b"]), "no column b"),
        (rule("refers", columns=["a"], table="u", to=["a"]), "no table u"),
        (rule("refers", columns=["a"], table="t", to=["c"]), "no column c"),
        (rule("rows", by="b", groups={"x": 1}), "no column b"),
        (rule("one-of", column="b", values=["x"]), "no column b"),
        (rule("unique", columns=["a"], where="b > 0"), "b is no column"),
    ],
)
def test_a_rule_about_what_is_not_there_is_named(one: Rule, told: str) -> None:
    with pytest.raises(ValueError, match=f"table t, rule a: .*{told}"):
        refuse_wrong("t", [one], [], {"t": {"a"}})


def test_two_rules_of_one_name_are_refused() -> None:
    one = rule("present", columns=["a"])
    with pytest.raises(ValueError, match="two rules called a"):
        refuse_wrong("t", [one, one], [], {"t": {"a"}})


def test_all_sums_of_a_table_are_one_reading() -> None:
    (table,) = models.load("fastspecfit").tables
    questions = check.questions(check.rules(table))
    shared, *alone = check.readings(questions)
    assert [one.name for reading in alone for one in reading.questions] == ["key"]
    assert len(shared.questions) == len(questions) - 1


def test_medians_and_groups_have_readings_of_their_own() -> None:
    voids = models.load("desivast").tables[0]
    found = check.readings(check.questions(check.rules(voids)))
    kinds = {(each.by, each.questions[0].rule.kind) for each in found}
    assert kinds == {
        (None, "range"), ("algorithm", "rows"), ("algorithm", "statistic"), (None, "unique"),
    }  # fmt: skip
    assert len(found) == len(kinds)


@pytest.mark.parametrize("name", models.names())
def test_every_shipped_table_has_rules(name: str) -> None:
    for table in models.load(name).tables:
        assert check.rules(table), table.name


def test_a_rule_of_the_whole_survey_is_not_asked_of_a_part() -> None:
    whole, each = rule("rows", count=3, scale="full"), rule("rows", count=3)
    assert not check.asked(whole, "any")
    assert check.asked(whole, "full")
    assert check.asked(each, "any")


def test_groups_are_judged_one_by_one_and_strangers_are_told() -> None:
    one = rule("rows", by="algorithm", groups={"VIDE": 2, "ZOBOV": 3, "REVOLVER": 1})
    seen = {"VIDE": Figure(2, 2), "ZOBOV": Figure(2, 2), "NULL": Figure(1, 1)}
    assert verdict(one, seen) == (
        "failed",
        (
            "ZOBOV: rows 2 in place of 3; REVOLVER: rows 0 in place of 1;"
            " NULL: 1 row, none are expected"
        ),
    )


def test_too_few_rows_are_not_judged() -> None:
    one = rule("statistic", statistic="mean", of="a", between={"minimum": 5}, rows=10)
    assert verdict(one, {WHOLE: Figure(1.0, 9)}) == ("skipped", "9 rows, 10 are needed")
    assert verdict(one, {WHOLE: Figure(1.0, 10)})[0] == "failed"


def test_a_statistic_without_a_value_fails() -> None:
    one = rule("statistic", statistic="mean", of="a", between={"minimum": 5}, rows=1)
    assert verdict(one, {WHOLE: Figure(None, 3)}) == ("failed", "mean unknown in place of ≥ 5")


def test_severity_warning_warns() -> None:
    one = rule("present", columns=["a"], severity="warning")
    assert verdict(one, {WHOLE: Figure(1, 5)}) == ("warning", "1 row without a")


def test_trouble_is_a_failure() -> None:
    question = Question(rule("present", columns=["a"]), "a")
    found = judge(question, Answer({}, trouble="division by zero"))
    assert (found.status, found.sentence) == ("failed", "cannot be computed: division by zero")


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_a_figure_passes_exactly_inside_of_its_interval(
    value: float, low: float, width: float
) -> None:
    between = {"minimum": low, "maximum": low + width}
    one = rule("statistic", statistic="mean", of="a", between=between)
    status, _ = verdict(one, {WHOLE: Figure(value, 5)})
    assert (status == "passed") == (low <= value <= low + width)


@pytest.mark.parametrize(
    ("value", "text"),
    [(6445927, "6,445,927"), (0.61432, "0.6143"), (17.0, "17"), (-19.47, "-19.47"),
     (123456.7, "123,457"), (None, "")],
)  # fmt: skip
def test_numbers_are_short(value: float | None, text: str) -> None:
    assert number(value) == text
