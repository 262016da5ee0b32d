"""What becomes of each view when a release is promoted, and everything that stands against it.

A view can be replaced in place as long as its columns keep their names, types and order; new ones
may follow. That is what PostgreSQL asks (CREATE OR REPLACE VIEW), and what keeps alive whatever
people built on the view.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Column:
    """A column, with its type in PostgreSQL's words."""

    name: str
    sql_type: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Offered:
    """A table of the release that is to be promoted, as the ledger of loads tells of it."""

    name: str
    columns: Sequence[Column]
    models: Sequence[str] = ()
    versions: Sequence[str] = ()
    unfinished: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """A relation in the schema of the views.

    *source* is the table behind it, schema and name. *ours* says that a promotion made it, and
    *in_place* names what would be lost if it were made anew.
    """

    name: str
    kind: str
    columns: Sequence[Column]
    source: tuple[str, str] | None = None
    invoker: bool = True
    ours: bool = True
    dependents: Sequence[str] = ()
    in_place: Sequence[str] = ()


class Act(StrEnum):
    """What is done to a view."""

    CREATE = "create"
    REPLACE = "replace"
    RECREATE = "drop and create"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Step:
    """One view, and the columns that it will have."""

    name: str
    act: Act
    columns: Sequence[Column] = ()
    added: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of a promotion, and all that stands against it."""

    steps: Sequence[Step] = ()
    problems: Sequence[str] = field(default=())


def unfit(offered: Sequence[Offered]) -> list[str]:
    """Return why tables are no release: loads that are not complete, versions that are mixed."""
    told = [
        f"{one.name}: not loaded yet: {', '.join(one.unfinished)}"
        for one in offered
        if one.unfinished
    ]
    told += [
        f"{one.name}: its files were loaded by different models: {', '.join(one.models)}"
        for one in offered
        if len(one.models) > 1
    ]
    versions: dict[str, dict[str, list[str]]] = {}
    for one in offered:
        for model in one.models:
            for version in one.versions:
                versions.setdefault(model, {}).setdefault(version, []).append(one.name)
    for model, found in versions.items():
        if len(found) > 1:
            parts = [f"{version} in {', '.join(names)}" for version, names in found.items()]
            told.append(f"model {model} has {len(found)} versions: {'; '.join(parts)}")
    return told


def plan(
    release: str, offered: Sequence[Offered], standing: Sequence[Standing], *, anew: bool
) -> Plan:
    """Return what becomes of the views; *anew* lets those be made anew that nobody depends on."""
    tables = {one.name: one for one in offered}
    there = {one.name: one for one in standing}
    steps: list[Step] = []
    problems: list[str] = []
    for name, table in tables.items():
        if name not in there:
            steps.append(Step(name, Act.CREATE, table.columns))
            continue
        view = there[name]
        if view.kind != "v" or not view.ours:
            what = "a view that no promotion made" if view.kind == "v" else "no view"
            problems.append(f"{name}: what stands there under that name is {what}")
            continue
        wrong = _wrong(release, view, table)
        if wrong:
            _make_anew(view, wrong, Step(name, Act.RECREATE, table.columns), anew, steps, problems)
        elif _differs(release, view, _ordered(view, table)):
            columns = _ordered(view, table)
            added = [one.name for one in columns[len(view.columns) :]]
            steps.append(Step(name, Act.REPLACE, columns, added))
    for view in standing:
        if view.kind == "v" and view.ours and view.name not in tables:
            wrong = [f"{release} has no table of that name"]
            _make_anew(view, wrong, Step(view.name, Act.DROP), anew, steps, problems)
    return Plan(steps, problems)


def _wrong(release: str, view: Standing, table: Offered) -> list[str]:
    types: Mapping[str, str] = {one.name: one.sql_type for one in table.columns}
    told = []
    for one in view.columns:
        if one.name not in types:
            told.append(f"{release} has no column {one.name}")
        elif types[one.name] != one.sql_type:
            told.append(f"column {one.name} is {types[one.name]} in {release}, {one.sql_type} now")
    return told


def _make_anew(  # noqa: PLR0913 - two lists that it adds to
    view: Standing,
    wrong: Sequence[str],
    step: Step,
    anew: bool,
    steps: list[Step],
    problems: list[str],
) -> None:
    """Add *step* where it does no harm, else add what it would break to *problems*."""
    if anew and not view.dependents and not view.in_place:
        steps.append(step)
        return
    problems += [f"{view.name}: {one}" for one in wrong]
    problems += [f"{view.name}: {one} depends on it" for one in view.dependents]
    problems += [f"{view.name}: {one}" for one in view.in_place]


def _ordered(view: Standing, table: Offered) -> list[Column]:
    """Return the table's columns, those of the view first, in its order."""
    found = {one.name: one for one in table.columns}
    kept = [found[one.name] for one in view.columns]
    return [*kept, *(one for one in table.columns if one not in kept)]


def _differs(release: str, view: Standing, columns: Sequence[Column]) -> bool:
    return (
        view.source != (release, view.name)
        or not view.invoker
        or [one.name for one in view.columns] != [one.name for one in columns]
    )
