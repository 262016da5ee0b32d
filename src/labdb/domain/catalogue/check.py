"""Which questions a table's rules ask, and which of them one reading of the table answers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from labdb.domain.catalogue.table import SOURCE_ID, Table
from labdb.spec.check import (
    InRange,
    OneOf,
    Present,
    Refers,
    RowCount,
    Rule,
    Statistic,
    Unique,
)  # fmt: skip

Expected = Literal["any", "full"]
LEDGER = "rows-of-each-file"
SINGLE = (Unique, Refers)
"""Rules that are not sums over the rows: each reads the table by itself."""


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A rule, or what it says of one of its columns; each question is like itself alone."""

    rule: Rule
    column: str | None = None

    @property
    def name(self) -> str:
        """The rule's name, with the column where there are several."""
        several = isinstance(self.rule, InRange | Present) and len(self.rule.columns) > 1
        return f"{self.rule.name}: {self.column}" if several else self.rule.name

    @property
    def by(self) -> str | None:
        """The column whose values are asked about one by one."""
        return self.rule.by if isinstance(self.rule, RowCount | Statistic) else None


@dataclass(frozen=True, slots=True)
class Reading:
    """Questions that one statement answers."""

    questions: tuple[Question, ...]
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """What a table answers: the *value*, of so many *rows*, and the least and largest of them."""

    value: float | None
    rows: int = 0
    low: str | None = None
    high: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The figures by group, ``""`` where there are no groups; or why there are none."""

    figures: Mapping[str, Figure]
    trouble: str = ""
    enforced_by: str = ""
    """The index that makes duplicates impossible, where there is one."""


def rules(table: Table) -> tuple[Rule, ...]:
    """Return the rules of *table*: those that follow from key and position, and its own."""
    found: list[Rule] = []
    if table.key:
        found.append(
            Unique(kind="unique", name="key", columns=table.key, why="The model's primary key.")
        )
    if table.position:
        ra, dec = table.position
        why = "Positions on the sky, in degrees."
        found += [
            InRange(kind="range", name="right-ascension", columns=(ra,), minimum=0, below=360,
                    why=why),
            InRange(kind="range", name="declination", columns=(dec,), minimum=-90, maximum=90,
                    why=why),
        ]  # fmt: skip
    own = {rule.name for rule in table.rules}
    return (*(rule for rule in found if rule.name not in own), *table.rules)


def of_ledger(loaded: Mapping[int, int]) -> Rule:
    """Return the rule that each file has the rows that the ledger says, by ``source_id``."""
    return RowCount(
        kind="rows",
        name=LEDGER,
        by=SOURCE_ID,
        groups={str(source): rows for source, rows in loaded.items()},
        why="What load_ledger says was loaded from each file.",
    )


def questions(given: Iterable[Rule]) -> tuple[Question, ...]:
    """Return the questions of the rules: one a column, where a rule is about each of several."""
    found: list[Question] = []
    for rule in given:
        if isinstance(rule, InRange | Present):
            found += [Question(rule, column) for column in rule.columns]
        else:
            found.append(Question(rule, rule.column if isinstance(rule, OneOf) else None))
    return tuple(found)


def asked(rule: Rule, expected: Expected) -> bool:
    """Tell whether *rule* can be judged, when the database holds all of a survey or any part."""
    return rule.scale == "any" or expected == "full"


def readings(given: Iterable[Question]) -> tuple[Reading, ...]:
    """Return *given* in as few readings of their table as will do.

    Sums without a group are one reading, and so are those of the same group. Medians sort what
    they read, and PostgreSQL sorts for them with one process: they stand apart, so that they do
    not keep the sums from being made in parallel (PostgreSQL 16, Parallel Aggregation).
    """
    together: dict[tuple[str | None, bool], list[Question]] = {}
    alone = []
    for question in given:
        if isinstance(question.rule, SINGLE):
            alone.append(Reading((question,)))
            continue
        sorts = isinstance(question.rule, Statistic) and question.rule.statistic == "median"
        together.setdefault((question.by, sorts), []).append(question)
    shared = [Reading(tuple(each), by) for (by, _), each in together.items()]
    return (*shared, *alone)
