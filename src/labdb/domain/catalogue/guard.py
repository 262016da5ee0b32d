"""What the plans of canonical queries must be, and who is to blame where they are not.

A plan is judged by its shape (an index is asked, no large table is read whole, few partitions are
touched) and by the pages that it read, against a bound that is computed from the rows that it
found. Times are not judged: they tell more of the machine than of the table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from labdb.domain.catalogue import pages, plan
from labdb.domain.catalogue.identifier import quoted
from labdb.domain.catalogue.layout import Index as Planned
from labdb.domain.catalogue.layout import after_load
from labdb.domain.catalogue.observed import LARGE, Index, Observed, covers
from labdb.domain.catalogue.order import WINDOW
from labdb.domain.catalogue.plan import Node
from labdb.domain.catalogue.table import Table
from labdb.report import Finding

PAIRS = 5_000_000
"""So many pairs of rows are compared in a few seconds; a plan that means to compare more is told,
and not run."""
FEW = 0.01
"""Share of the rows below which an index must be asked."""
PLACES = 2
"""Partitions that a cone may touch."""
FIXED = 16
"""Pages that any query may read besides: catalogues, visibility maps."""
STALE = 0.2
"""Share of the rows that may have been written since the last ANALYZE."""
ASKED, SAMPLED = "m", "l"
"""How the queries call the table that is judged, and the sample that it is matched with."""


class Kind(StrEnum):
    """What a canonical query asks."""

    CONE = "cone"
    MATCH = "cross-match"
    SLICE = "slice"
    NIGHT = "night"
    MEMBERS = "members"


@dataclass(frozen=True, slots=True)
class Subject:
    """A table that is judged: as its model has it, and as the database has it."""

    table: Table
    seen: Observed

    @property
    def title(self) -> str:
        """Its name for a reader."""
        return f"{self.seen.schema}.{self.seen.name}"

    @property
    def sql(self) -> str:
        """Its name in a statement that is shown."""
        return quoted(self.seen.schema, self.seen.name)


@dataclass(frozen=True, slots=True)
class Question:
    """A canonical query: *column* is the one that it has a condition on, where it is one."""

    name: str
    kind: Kind
    subject: Subject
    column: str = ""

    def asks(self, index: Index) -> bool:
        """Tell whether *index* is one that the query should be answered by."""
        if self.kind in (Kind.CONE, Kind.MATCH):
            return index.spherical
        if self.kind is Kind.MEMBERS:
            return index.keys[-1:] == (self.column,) or index.keys[:1] == (self.column,)
        return index.keys[:1] == (self.column,)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a query; without *faults* its plan is as it must be."""

    question: Question
    faults: tuple[str, ...]
    buffers: int | None = None
    bound: int | None = None
    rows: float | None = None
    indexes: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    partitions: int = 0
    slow: bool = False

    @property
    def excessive(self) -> bool:
        """Tell whether more pages were read than are enough, by an index."""
        return not self.whole and (self.buffers or 0) > (self.bound or 0)


def catastrophe(planned: Node) -> str:
    """Return why a plan must not be run; empty for one that may."""
    pairs = plan.compared(planned)
    if pairs <= PAIRS:
        return ""
    return f"it would compare {pairs:.2g} pairs of rows one by one: not run"


def shape(question: Question, planned: Node) -> list[str]:
    """Return what is wrong with the shape of a plan."""
    seen = question.subject.seen
    faults = []
    touched = plan.relations(planned) & (seen.relations - {seen.name})
    most = 1 if question.kind is Kind.NIGHT else PLACES
    if seen.partitioned_by and question.kind is not Kind.MATCH and len(touched) > most:
        faults.append(f"it touches {len(touched)} partitions, not {most}")
    if not _must_ask(question, planned):
        return faults
    whole = plan.read_whole(_without_sample(planned), seen.relations)
    if whole:
        faults.append(f"it reads the whole of {', '.join(whole)}")
    wanted = {name for index in seen.indexes if question.asks(index) for name in index.names}
    if not wanted & plan.indexes(planned):
        faults.append("it asks no index on the " + (question.column or "sky"))
    return faults


def _must_ask(question: Question, planned: Node) -> bool:
    """Tell whether the table is large enough, and the answer small enough, for an index."""
    seen = question.subject.seen
    if not seen.large:
        return False
    if question.kind in (Kind.CONE, Kind.MATCH):
        return True
    parts = max(len(seen.relations) - 1, 1)
    expected = sum(node.planned_rows for node in planned.walk() if node.is_of(ASKED))
    rows = seen.rows / parts
    return rows >= LARGE and expected < FEW * rows


def _without_sample(planned: Node) -> Node:
    """Return the plan without the sample that is matched: of that some pages are read in order."""
    return Node(
        planned.kind,
        planned.relation,
        children=tuple(
            _without_sample(child) for child in planned.children if not child.is_of(SAMPLED)
        ),
    )


def bound(question: Question, ran: Node, files: int) -> int:
    """Return the pages that the query may have read, by the rows that it found in so many *files*.

    Twice what is computed (:data:`labdb.domain.catalogue.pages.SLACK`), and a few pages besides.
    """
    seen = question.subject.seen
    asked = plan.looked_up(ran, ASKED)
    lookups = max(plan.repeated(ran, ASKED), 1)
    index = pages.of_index(asked, seen.rows, lookups * _ranges(question))
    if question.kind is Kind.CONE:
        runs = files + seen.rows // WINDOW
        heap = pages.of_region(asked, pages.per_page(seen.rows, seen.pages), runs, seen.pages)
    elif question.kind is Kind.MATCH:
        heap = asked + sum(node.rows * node.loops for node in ran.walk() if node.is_of(SAMPLED))
    else:
        found = max((node.rows * node.loops for node in ran.walk() if node.is_of(ASKED)), default=0)
        heap = pages.scattered(found, seen.pages) + lookups
    return int(pages.SLACK * (heap + index)) + FIXED


def _ranges(question: Question) -> int:
    return pages.COVER if question.kind in (Kind.CONE, Kind.MATCH) else 1


def judge(question: Question, ran: Node, files: int = 1) -> Verdict:
    """Return the verdict on a query that was run; *files* are those that its rows came from.

    Each file is sorted by itself: a cone has its rows in so many places.
    """
    faults = shape(question, ran)
    seen = question.subject.seen
    most = bound(question, ran, files)
    whole = plan.read_whole(_without_sample(ran), seen.relations)
    if ran.buffers > most and not whole:
        faults.append(f"it reads {ran.buffers:,} pages; {most:,} are enough for its rows")
    return Verdict(
        question,
        tuple(faults),
        buffers=ran.buffers,
        bound=most,
        rows=max((node.rows * node.loops for node in ran.walk() if node.is_of(ASKED)), default=0),
        indexes=tuple(sorted(plan.indexes(ran))),
        whole=whole,
        partitions=len(plan.relations(ran) & (seen.relations - {seen.name})),
    )


def findings(subject: Subject, verdicts: Sequence[Verdict]) -> list[Finding]:
    """Return what is to be said of a table: each culprit with the statement that mends it."""
    found = [*_culprits(subject, verdicts)]
    wrong = [one for one in verdicts if one.faults]
    if wrong and not any(finding.severity == "critical" for finding in found):
        found += _unexplained(subject, wrong)
    if verdicts and not any(finding.is_problem for finding in found):
        small = "" if subject.seen.large else f"; below {LARGE:,} rows no index is asked for"
        what = f"{subject.title}: all plans as they must be{small}"
        found.append(Finding("plans", "ok", what))
    return found


def _hit(verdicts: Sequence[Verdict], kinds: Sequence[Kind]) -> str:
    """Return the faults of the queries that a culprit can have spoilt."""
    told = [
        f"{one.question.name}: {fault}"
        for one in verdicts
        for fault in one.faults
        if one.question.kind in kinds
    ]
    return "\n".join(dict.fromkeys(told))


def _culprits(subject: Subject, verdicts: Sequence[Verdict]) -> list[Finding]:
    seen, table = subject.seen, subject.table
    found = []
    for index in seen.indexes:
        name = quoted(seen.schema, index.name)
        if covers(index, table.position):
            told = _hit(verdicts, [Kind.MATCH])
            found.append(
                Finding(
                    "plans.bad-index",
                    "critical" if told else "warning" if seen.large else "info",
                    f"index {index.name} of {subject.title} leads cross-matches away from q3c",
                    why=told
                    or "it holds both coordinates: a query that needs nothing else would"
                    " compare every row with every other",
                    hint=f"DROP INDEX {name};",
                )
            )
        if not index.valid:
            found.append(
                Finding(
                    "plans.invalid-index",
                    "critical",
                    f"index {index.name} of {subject.title} is invalid: no query asks it",
                    why="building it was broken off",
                    hint=f"REINDEX INDEX {name};",
                )
            )
    found += _missing(subject, verdicts)
    if seen.large and (seen.unseen is None or seen.unseen > STALE * seen.rows):
        found.append(
            Finding(
                "plans.statistics",
                "warning",
                f"the statistics of {subject.title} are old",
                why="it was never analysed"
                if seen.unseen is None
                else f"{seen.unseen:,} of {seen.rows:,} rows were written since the last ANALYZE",
                hint=f"ANALYZE {subject.sql};",
            )
        )
    return found


def _missing(subject: Subject, verdicts: Sequence[Verdict]) -> list[Finding]:
    """Return the indexes that the model wants and that are not there, where rows are many."""
    seen = subject.seen
    found = []
    for wanted in after_load(subject.table, seen.name):
        if wanted.brin or any(_same(wanted, there) for there in seen.indexes):
            continue
        kinds = (
            [Kind.CONE, Kind.MATCH] if wanted.spherical else [Kind.SLICE, Kind.NIGHT, Kind.MEMBERS]
        )
        what = "the sky" if wanted.spherical else f"({', '.join(wanted.columns)})"
        found.append(
            Finding(
                "plans.missing-index",
                "critical" if seen.large else "info",
                f"{subject.title} has no index on {what}",
                why=_hit(verdicts, kinds) or f"its model wants one, and it has {seen.rows:,} rows",
                hint=f"{create_index(subject, wanted)} ANALYZE {subject.sql};",
            )
        )
    return found


def _same(wanted: Planned, there: Index) -> bool:
    if wanted.spherical:
        return there.spherical
    return there.method == "btree" and there.keys[: len(wanted.columns)] == wanted.columns


def create_index(subject: Subject, wanted: Planned) -> str:
    """Return the statement that makes an index while others go on reading and writing."""
    columns = ", ".join(quoted(column) for column in wanted.columns)
    what = f"q3c_ang2ipix({columns})" if wanted.spherical else columns
    how = "" if subject.seen.partitioned_by else "CONCURRENTLY "
    using = " USING brin" if wanted.brin else ""
    return f"CREATE INDEX {how}{quoted(wanted.name)} ON {subject.sql}{using} ({what});"


def _unexplained(subject: Subject, wrong: Sequence[Verdict]) -> list[Finding]:
    """Return findings on plans that no index is to blame for."""
    seen = subject.seen
    sky = next((index for index in seen.indexes if index.spherical), None)
    disordered = [one for one in wrong if one.question.kind is Kind.CONE and one.excessive]
    if disordered and sky and not seen.partitioned_by:
        known = seen.column_statistics.get(sky.name)
        how = (
            f"\nthe correlation of {sky.name} with the order on disk is {known.correlation:.2f}"
            if known and known.correlation is not None
            else ""
        )
        return [
            Finding(
                "plans.order",
                "critical",
                f"the rows of {subject.title} do not lie in the order of the sky any more",
                why=_hit(disordered, [Kind.CONE]) + how,
                hint=f"CLUSTER {subject.sql} USING {quoted(sky.name)}; ANALYZE {subject.sql};"
                " (the table is locked meanwhile)",
            )
        ]
    if seen.partitioned_by and subject.table.position and any(
        one.question.kind is Kind.CONE and one.partitions > PLACES for one in wrong
    ):  # fmt: skip
        return [
            Finding(
                "plans.partitions",
                "critical",
                f"{subject.title} is partitioned, and a cone asks every partition",
                why=_hit(wrong, [Kind.CONE]) + f"\n{seen.partitioned_by} says nothing of the sky",
                hint=f"load it into one table (labdb catalogue load --as {seen.name}_whole), or"
                " give the range of the partitions' key with each cone",
            )
        ]
    return [
        Finding(
            "plans.slow" if any(one.slow for one in wrong) else "plans.shape",
            "critical",
            f"plans of {subject.title} are not what they must be",
            why=_hit(wrong, list(Kind)),
            hint=f"ANALYZE {subject.sql}; if that does not help: labdb catalogue advise"
            f" {subject.title}",
        )
    ]
