"""Rules as SQL: what is asked of a table, and which rows break a rule."""

from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from labdb.adapters.catalogue.expressions import expression
from labdb.adapters.catalogue.tables import Target
from labdb.domain.catalogue.check import Question, Reading
from labdb.domain.catalogue.table import SOURCE_ID, Table
from labdb.spec.check import (
    InRange,
    OneOf,
    Present,
    Refers,
    RowCount,
    Statistic,
    Unique,
)  # fmt: skip

GROUPS = 10_000
"""Groups that are read at most: a column of identities has as many as rows."""
NONE = SQL("NULL::text")
STATISTICS = {
    "mean": SQL("avg({of}::float8)"),
    "median": SQL("percentile_cont(0.5) WITHIN GROUP (ORDER BY {of}::float8)"),
    "stddev": SQL("stddev_samp({of}::float8)"),
    "fraction": SQL("avg(CASE WHEN {of} THEN 1::float8 WHEN NOT {of} THEN 0 END)"),
    "slope": SQL("regr_slope({of}::float8, {on}::float8)"),
    "correlation": SQL("corr({of}::float8, {on}::float8)"),
}


def statement(
    reading: Reading, target: Target, table: Table, others: dict[str, Target]
) -> Composed:
    """Return the statement that answers *reading*: a row a group, four columns a question.

    *others* are the tables that rules refer to, by their names in the model.
    """
    first = reading.questions[0]
    if isinstance(first.rule, Unique):
        return SQL(
            "SELECT NULL::text, coalesce(sum(rows), 0)::float8, count(*), {none}, {none}"
            " FROM ({duplicates}) AS duplicate"
        ).format(none=NONE, duplicates=_duplicates(first.rule, target, table))
    if isinstance(first.rule, Refers):
        return SQL(
            "SELECT NULL::text, count(*)::float8, count(*), {none}, {none} FROM {table} WHERE {bad}"
        ).format(none=NONE, table=_from(target), bad=broken(first, table, others))
    figures = SQL(", ").join(figure for one in reading.questions for figure in _figures(one, table))
    if reading.by is None:
        return SQL("SELECT NULL::text, {} FROM {}").format(figures, _from(target))
    return SQL("SELECT {}::text, {} FROM {} GROUP BY 1 ORDER BY 1 LIMIT {}").format(
        Identifier(reading.by), figures, _from(target), Literal(GROUPS)
    )


def _from(target: Target) -> Composed:
    return SQL("{} AS checked").format(target.sql)


def _figures(question: Question, table: Table) -> tuple[Composable, ...]:
    """Return value, rows, least and largest, as aggregates."""
    rule = question.rule
    kept = _kept(expression(rule.where, table)) if rule.where else SQL("")
    if isinstance(rule, RowCount):
        count = SQL("count(*){}").format(kept)
        return SQL("({})::float8").format(count), count, NONE, NONE
    if isinstance(rule, Statistic):
        of = expression(rule.of, table)
        on = expression(rule.over, table) if rule.over else SQL("1")
        value = STATISTICS[rule.statistic].format(of=of, on=on)
        there = [expression(rule.where, table)] if rule.where else []
        there += [SQL("{} IS NOT NULL").format(one) for one in ((of, on) if rule.over else (of,))]
        return value + kept, SQL("count(*)") + _kept(SQL(" AND ").join(there)), NONE, NONE
    bad = SQL("(count(*) FILTER (WHERE {}))::float8").format(broken(question, table, {}))
    ends: tuple[Composable, ...] = (NONE, NONE)
    if isinstance(rule, InRange):
        column = Identifier(question.column or "")
        ends = (
            SQL("(min({}){})::text").format(column, kept),
            SQL("(max({}){})::text").format(column, kept),
        )
    return bad, SQL("count(*){}").format(kept), *ends


def _kept(meant: Composable) -> Composed:
    return SQL(" FILTER (WHERE {})").format(meant)


def broken(question: Question, table: Table, others: dict[str, Target]) -> Composed:
    """Return the condition of the rows that break a rule about single rows."""
    rule = question.rule
    column = Identifier(question.column or "")
    match rule:
        case InRange():
            ends = (
                (SQL("{} < {}"), rule.minimum),
                (SQL("{} > {}"), rule.maximum),
                (SQL("{} >= {}"), rule.below),
            )
            terms = [how.format(column, Literal(end)) for how, end in ends if end is not None]
            bad = SQL("({})").format(SQL(" OR ").join(terms))
        case OneOf():
            bad = SQL("NOT {}::text = ANY ({})").format(column, Literal(list(rule.values)))
        case Present():
            bad = SQL("{} IS NULL").format(column)
        case Refers():
            bad = _orphan(rule, others[rule.table])
        case _:
            raise TypeError(f"{type(rule).__name__} is not about single rows")
    return SQL("{} AND {}").format(expression(rule.where, table), bad) if rule.where else bad


def _orphan(rule: Refers, other: Target) -> Composed:
    there = [SQL("checked.{} IS NOT NULL").format(Identifier(name)) for name in rule.columns]
    same = [
        SQL("other.{} = checked.{}").format(Identifier(to), Identifier(name))
        for name, to in zip(rule.columns, rule.to, strict=True)
    ]
    return SQL("{} AND NOT EXISTS (SELECT FROM {} AS other WHERE {})").format(
        SQL(" AND ").join(there), other.sql, SQL(" AND ").join(same)
    )


def _duplicates(rule: Unique, target: Target, table: Table) -> Composed:
    columns = SQL(", ").join(map(Identifier, rule.columns))
    there = SQL(" AND ").join(SQL("{} IS NOT NULL").format(Identifier(c)) for c in rule.columns)
    return SQL(
        "SELECT {columns}, count(*) AS rows, array_agg(DISTINCT {source}) AS {source}"
        " FROM {table} WHERE {there} GROUP BY {columns} HAVING count(*) > 1"
    ).format(
        columns=columns,
        source=Identifier(SOURCE_ID),
        table=_from(target),
        there=SQL("{} AND {}").format(expression(rule.where, table), there)
        if rule.where
        else there,
    )


def offenders(
    question: Question, target: Target, table: Table, others: dict[str, Target]
) -> tuple[tuple[str, ...], Composed] | None:
    """Return the query of all rows that break a rule, with its columns; None for figures."""
    rule = question.rule
    if isinstance(rule, RowCount | Statistic):
        return None
    if isinstance(rule, Unique):
        return (*rule.columns, "rows", SOURCE_ID), _duplicates(rule, target, table)
    named = (question.column,) if question.column else getattr(rule, "columns", ())
    columns = tuple(dict.fromkeys((*table.key, *(name for name in named if name), SOURCE_ID)))
    query = SQL("SELECT {} FROM {} WHERE {}").format(
        SQL(", ").join(map(Identifier, columns)), _from(target), broken(question, table, others)
    )
    return columns, query
