"""What a table's answer to a rule means."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from labdb.domain.catalogue.check import LEDGER, Answer, Figure, Question
from labdb.spec.check import (
    InRange,
    Interval,
    OneOf,
    Present,
    Refers,
    RowCount,
    Statistic,
    Unique,
)  # fmt: skip

Status = Literal["passed", "failed", "warning", "skipped"]
WHOLE = ""
MANY = 1e4
"""From here on, what follows the point is nothing to read."""
MOST_GROUPS = 3
"""Groups that are named in a line; the data have all."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of a question: what was seen, what was wanted, and a sentence for people."""

    question: Question
    status: Status
    observed: str
    wanted: str
    sentence: str
    examples: tuple[Mapping[str, Any], ...] = field(default=())
    query: str = ""


def skipped(question: Question, why: str) -> Verdict:
    """Return the verdict of a question that was not asked."""
    return Verdict(question, "skipped", "", wanted(question), why)


def wanted(question: Question) -> str:
    """Return what a rule wants, in one line."""
    rule = question.rule
    match rule:
        case RowCount() if rule.name == LEDGER:
            text = "as the ledger says"
        case RowCount():
            text = _interval(rule.count) if rule.count is not None else _groups(rule.groups)
        case Statistic():
            text = _interval(rule.between) if rule.between else _groups(rule.groups)
        case InRange():
            parts = (("≥", rule.minimum), ("≤", rule.maximum), ("<", rule.below))
            text = " and ".join(f"{sign} {number(end)}" for sign, end in parts if end is not None)
        case OneOf():
            text = "one of " + ", ".join(rule.values)
        case Present():
            text = "no NULL"
        case Unique():
            text = "no duplicates"
        case Refers():
            text = f"a row of {rule.table}"
    return text


def judge(question: Question, answer: Answer, labels: Mapping[str, str] | None = None) -> Verdict:
    """Return the verdict of *question*; *labels* are what groups are called for people."""
    rule = question.rule
    if answer.trouble:
        return _verdict(question, False, "no answer", f"cannot be computed: {answer.trouble}")
    match rule:
        case RowCount() | Statistic():
            return _figures(question, answer, labels or {})
        case Unique() if answer.enforced_by:
            text = f"the unique index {answer.enforced_by} lets none in"
            return _verdict(question, True, "no duplicates", text)
    figure = answer.figures[WHOLE]
    bad = int(figure.value or 0)
    return _verdict(question, not bad, *_of_rows(question, figure, bad))


def _of_rows(question: Question, figure: Figure, bad: int) -> tuple[str, str]:
    """Return what was observed, and the sentence, of a rule that each row fulfils or not."""
    rule, rows = question.rule, _rows(bad)
    match rule:
        case InRange():
            seen = "no value"
            if figure.low is not None and figure.high is not None:
                seen = f"{_short(figure.low)} to {_short(figure.high)}"
            text = f"{rows} of {question.column} outside of {wanted(question)}"
            return seen, text if bad else f"{question.column} is {seen}"
        case OneOf():
            return rows if bad else "as wanted", f"{rows} with another {question.column}"
        case Present():
            text = f"{rows} without {question.column}"
            return f"{bad:,} NULL", text if bad else f"no row without {question.column}"
        case Unique():
            text = f"{rows} share {', '.join(rule.columns)} with another"
            return (rows if bad else "no duplicates"), text if bad else "no duplicates"
        case Refers():
            text = f"{rows} whose {', '.join(rule.columns)} is not in {rule.table}"
            return f"{bad:,} orphans", text if bad else f"each has its row in {rule.table}"
        case _:
            raise TypeError(f"{type(rule).__name__} is not about single rows")


def _figures(question: Question, answer: Answer, labels: Mapping[str, str]) -> Verdict:
    rule = question.rule
    if not isinstance(rule, RowCount | Statistic):
        raise TypeError(f"{type(rule).__name__} has no figures")
    whole = rule.count if isinstance(rule, RowCount) else rule.between
    groups: Mapping[str, int | Interval] = rule.groups if whole is None else {WHOLE: whole}
    what = "rows" if isinstance(rule, RowCount) else rule.statistic
    least = rule.rows if isinstance(rule, Statistic) else 0
    wrong: list[str] = []
    few: list[str] = []
    for key, accepted in groups.items():
        figure = answer.figures.get(key, Figure(0 if isinstance(rule, RowCount) else None))
        name = f"{labels.get(key, key)}: " if key else ""
        if figure.rows < least:
            few.append(f"{name}{_rows(figure.rows)}, {least:,} are needed")
        elif figure.value is None or not _inside(figure.value, accepted):
            wrong.append(f"{name}{what} {_value(figure)} in place of {_interval(accepted)}")
    if isinstance(rule, RowCount):
        odd = [key for key in answer.figures if key not in groups]
        wrong += [f"{labels.get(key, key)}: {_rows(answer.figures[key].rows)}, none are expected"
                  for key in odd]  # fmt: skip
    seen = _seen(groups, answer, labels)
    if rule.name == LEDGER:
        seen = f"{_rows(sum(one.rows for one in answer.figures.values()))} of {len(groups):,} files"
    if wrong:
        return _verdict(question, False, seen, _listed(wrong))
    if few and len(few) == len(groups):
        return Verdict(question, "skipped", seen, wanted(question), _listed(few))
    return _verdict(question, True, seen, f"{what} as wanted: {seen}")


def _seen(groups: Mapping[str, Any], answer: Answer, labels: Mapping[str, str]) -> str:
    keys = [*groups, *(key for key in answer.figures if key not in groups)]
    if keys == [WHOLE]:
        return _value(answer.figures.get(WHOLE, Figure(0)))
    found = [f"{labels.get(key, key)} {_value(answer.figures.get(key, Figure(0)))}" for key in keys]
    return _shortened(found, "groups")


def _groups(groups: Mapping[str, int | Interval]) -> str:
    ends = {_interval(accepted) for accepted in groups.values()}
    if len(ends) == 1 and len(groups) > 1:
        return f"each {ends.pop()}"
    if len(groups) > 2 * MOST_GROUPS:
        return f"{len(groups):,} groups, each its own"
    return ", ".join(f"{key} {_interval(accepted)}" for key, accepted in groups.items())


def _shortened(found: list[str], what: str) -> str:
    if len(found) <= 2 * MOST_GROUPS:
        return ", ".join(found)
    return f"{len(found):,} {what}: {', '.join(found[:MOST_GROUPS])}, ..."


def _listed(found: list[str]) -> str:
    more = f"; and {len(found) - MOST_GROUPS:,} more" if len(found) > MOST_GROUPS else ""
    return "; ".join(found[:MOST_GROUPS]) + more


def _verdict(question: Question, good: bool, observed: str, sentence: str) -> Verdict:
    bad: Status = "warning" if question.rule.severity == "warning" else "failed"
    return Verdict(question, "passed" if good else bad, observed, wanted(question), sentence)


def _inside(value: float, accepted: int | Interval) -> bool:
    if isinstance(accepted, int):
        return value == accepted
    low, high = accepted.minimum, accepted.maximum
    return (low is None or value >= low) and (high is None or value <= high)


def _interval(accepted: int | Interval) -> str:
    if isinstance(accepted, int):
        return f"{accepted:,}"
    low, high = accepted.minimum, accepted.maximum
    if low is None or high is None:
        return f"≤ {number(high)}" if low is None else f"≥ {number(low)}"
    return f"{number(low)} to {number(high)}"


def _value(figure: Figure) -> str:
    return "unknown" if figure.value is None else number(figure.value)


def number(value: float | None) -> str:
    """Return *value* as people read it: whole numbers whole, others with four digits."""
    if value is None:
        return ""
    whole = float(value).is_integer() or abs(value) >= MANY
    return f"{value:,.0f}" if whole else f"{value:.4g}"


def _short(text: str) -> str:
    """Return a number as PostgreSQL writes it, with eight digits at most; whole ones stay."""
    return text if text.lstrip("-").isdigit() else f"{float(text):.8g}"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
