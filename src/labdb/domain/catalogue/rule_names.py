"""Whether a table's rules and plots name what there is: columns, tables, words of expressions."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from labdb.domain.catalogue.expression import parse
from labdb.spec.check import (
    Histogram,
    InRange,
    OneOf,
    Present,
    Refers,
    RowCount,
    Rule,
    Statistic,
    Unique,
)  # fmt: skip


def refuse_wrong(
    table: str,
    rules: Sequence[Rule],
    plots: Sequence[Histogram],
    columns: Mapping[str, Collection[str]],
) -> None:
    """Go through the rules and plots of *table*; *columns* are those of each table of the model.

    Raises:
        ValueError: one names what is not there; the message tells table and rule.
    """
    twice = [name for name, count in Counter(rule.name for rule in rules).items() if count > 1]
    if twice:
        raise ValueError(f"table {table} has two rules called {twice[0]}")
    for rule in rules:
        try:
            _refuse(rule, table, columns)
        except ValueError as error:
            raise ValueError(f"table {table}, rule {rule.name}: {error}") from error
    for plot in plots:
        try:
            for place in (table, *plot.beside):
                _refuse_plot(plot, _of(place, columns))
        except ValueError as error:
            raise ValueError(f"table {table}, plot {plot.title}: {error}") from error


def _refuse(rule: Rule, table: str, columns: Mapping[str, Collection[str]]) -> None:
    own = columns[table]
    _there(_named(rule), own)
    if isinstance(rule, Refers):
        _there(rule.to, _of(rule.table, columns))
    for text in _expressions(rule):
        parse(text, own)


def _refuse_plot(plot: Histogram, own: Collection[str]) -> None:
    _there((plot.by,) if plot.by else (), own)
    for text in filter(None, (plot.of, plot.where)):
        parse(text, own)


def _named(rule: Rule) -> Iterator[str]:
    match rule:
        case RowCount(by=str(by)) | Statistic(by=str(by)):
            yield by
        case OneOf():
            yield rule.column
        case InRange() | Present() | Unique() | Refers():
            yield from rule.columns
        case _:
            return


def _expressions(rule: Rule) -> Iterator[str]:
    given = [rule.where]
    if isinstance(rule, Statistic):
        given += [rule.of, rule.over]
    return filter(None, given)


def _there(names: Collection[str] | Iterator[str], columns: Collection[str]) -> None:
    for name in names:
        if name not in columns:
            raise ValueError(f"there is no column {name}")


def _of(table: str, columns: Mapping[str, Collection[str]]) -> Collection[str]:
    if table not in columns:
        raise ValueError(f"the model has no table {table}")
    return columns[table]
