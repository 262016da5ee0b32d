"""What indexes, order, partitions and statistics a table should have, and why: a pure function.

The policy is that of the explanation page "Indexes and partitions". Each piece of advice says what
it would be good for in this table: pages, rows or groups, never only a rule.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from labdb.domain.catalogue import pages
from labdb.domain.catalogue.guard import Subject, create_index
from labdb.domain.catalogue.identifier import quoted
from labdb.domain.catalogue.kind import Kind
from labdb.domain.catalogue.layout import Index as Planned
from labdb.domain.catalogue.layout import after_load, index_name, primary_key_name
from labdb.domain.catalogue.observed import LARGE, Index, covers
from labdb.domain.catalogue.size import PAGE
from labdb.domain.catalogue.table import Column
from labdb.size import human_size

MANY = 1_000_000
"""Rows from which statistics of 100 values are too coarse, and an index on block ranges pays."""
TARGET = 500
"""Values that ANALYZE keeps of a column of a large table (default_statistics_target is 100)."""
SORTED = 0.95
"""Correlation with the order on disk from which an index on block ranges is worth it."""
SHUFFLED = 0.1
"""Correlation below which rows may not lie in the order of the sky.

It proves nothing by itself: labdb sorts by HEALPix, q3c numbers the sky in another order, and a
small piece of sky may have any correlation. The pages that a cone reads are the proof.
"""
OVERESTIMATE = 10
"""So many times too many groups make PostgreSQL choose another way to group."""
BINS = {
    "src.redshift": ("floor({} * 100)", 100.0, "redshifts in bins of 0.01"),
    "phys.mass": ("floor({} * 10)", 10.0, "masses in bins of 0.1 dex"),
    "time.epoch": ("floor({})", 1.0, "days"),
}
"""By UCD: the expression that people group by, its bins in a unit, and what it is called."""
UNUSED_BYTES = 1 << 20
BLOCKS = 128
"""Pages of a block range of BRIN (its default, pages_per_range)."""


class Topic(StrEnum):
    """What a piece of advice is about."""

    INDEX = "index"
    ORDER = "order"
    PARTITIONS = "partitions"
    STATISTICS = "statistics"


class State(StrEnum):
    """Whether there is something to do."""

    KEEP = "as it should be"
    DO = "to do"
    URGENT = "to do now"
    NOTE = "good to know"


@dataclass(frozen=True, slots=True)
class Advice:
    """One piece of advice: *what* should be, *why* with its figure, and the *statement* to run."""

    topic: Topic
    state: State
    what: str
    why: str
    statement: str = ""


def advise(subject: Subject, *, there: bool = True) -> list[Advice]:
    """Return all advice on a table; without *there* it is one that is only planned."""
    return [
        *_sky(subject, there=there),
        *_wanted(subject, there=there),
        *_found(subject),
        *_order(subject, there=there),
        *_partitions(subject, there=there),
        *_targets(subject),
        *_groups(subject),
    ]


def _sky(subject: Subject, *, there: bool) -> Iterator[Advice]:
    seen, table = subject.seen, subject.table
    if table.position is None:
        return
    (wanted,) = [one for one in after_load(table, seen.name) if one.spherical]
    has = any(one.spherical for one in seen.indexes)
    needed = seen.rows >= LARGE
    depth = pages.COVER * (pages.levels(seen.rows) + 1)
    yield Advice(
        Topic.INDEX,
        _state(has=has, there=there, urgent=needed) if needed or has else State.NOTE,
        "an index on q3c_ang2ipix of the position",
        f"a cone asks it for four ranges, about {depth} pages, in place of the table's"
        f" {seen.pages:,}"
        + ("" if needed else f"; below {LARGE:,} rows reading the table is as fast"),
        "" if has else create_index(subject, wanted),
    )
    columns = ", ".join(table.position)
    yield Advice(
        Topic.INDEX,
        State.NOTE,
        f"no index that holds both {columns}, in whatever order, INCLUDEd ones too",
        "it finds no cone, and by an index-only scan of it PostgreSQL would compare each row of a"
        " cross-match with every other",
    )


def _state(*, has: bool, there: bool, urgent: bool = False) -> State:
    if has:
        return State.KEEP
    return State.URGENT if urgent and there else State.DO


def _wanted(subject: Subject, *, there: bool) -> Iterator[Advice]:
    """Yield advice on the indexes of the model, and on the primary key."""
    seen, table = subject.seen, subject.table
    if table.key:
        name = primary_key_name(seen.name)
        has = any(one.primary for one in seen.indexes)
        columns = ", ".join(map(quoted, table.key))
        yield Advice(
            Topic.INDEX,
            _state(has=has, there=there, urgent=True),
            f"a primary key on ({', '.join(table.key)})",
            "a row that comes twice is found, and one row by its number is"
            f" {pages.levels(seen.rows) + 1} pages away",
            "" if has else f"ALTER TABLE {subject.sql} ADD CONSTRAINT {quoted(name)}"
            f" PRIMARY KEY ({columns});",
        )  # fmt: skip
    for wanted in after_load(table, seen.name):
        if wanted.spherical:
            continue
        has = any(_serves(one, wanted) for one in seen.indexes)
        yield Advice(
            Topic.INDEX,
            _state(has=has, there=there),
            f"an index on ({', '.join(wanted.columns)})"
            + (", on block ranges (BRIN)" if wanted.brin else ""),
            _brin_reason(seen.pages, seen.rows)
            if wanted.brin
            else f"of {seen.rows:,} rows a few are found by {pages.levels(seen.rows)} pages of it",
            "" if has else create_index(subject, wanted),
        )


def _brin_reason(table_pages: int, rows: int) -> str:
    tree = human_size(int(rows / pages.ENTRIES) * PAGE)
    ranges = table_pages // BLOCKS + 1
    return (
        f"each file's rows are sorted by it: {ranges:,} block ranges say where its values are, in"
        f" place of a B-tree of about {tree}; for ranges of values, never for cones"
    )


def _serves(one: Index, wanted: Planned) -> bool:
    method = "brin" if wanted.brin else "btree"
    return one.method == method and one.keys[: len(wanted.columns)] == wanted.columns


def _found(subject: Subject) -> Iterator[Advice]:
    """Yield advice on the indexes that are there: harmful, broken, twice, of the wrong kind."""
    seen, table = subject.seen, subject.table
    wanted = after_load(table, seen.name)
    for index in seen.indexes:
        name = quoted(seen.schema, index.name)
        drop = f"DROP INDEX {name};"
        if covers(index, table.position):
            yield Advice(
                Topic.INDEX,
                State.URGENT,
                f"without {index.name}",
                f"it holds both coordinates ({', '.join((*index.keys, *index.included))}): it"
                " leads cross-matches away from q3c",
                drop,
            )
        elif not index.valid:
            yield Advice(
                Topic.INDEX,
                State.URGENT,
                f"{index.name} built again",
                "it is invalid: it costs each write and answers nothing",
                f"REINDEX INDEX {name};",
            )
        elif index.method == "brin" and _of_sky(index, table.position):
            yield Advice(
                Topic.INDEX,
                State.DO,
                f"without {index.name}, which is on block ranges of positions",
                "a cone is in nearly every block range: it would read"
                f" most of {seen.pages:,} pages",
                drop,
            )
        elif twin := _twin(index, seen.indexes):
            yield Advice(
                Topic.INDEX,
                State.DO,
                f"without {index.name}",
                f"{twin.name} begins with the same columns; it has"
                f" {human_size(index.size)} and costs each write",
                drop,
            )
        elif not (index.unique or index.scans) and index.size > UNUSED_BYTES:
            mine = index.spherical or any(_serves(index, one) for one in wanted)
            yield Advice(
                Topic.INDEX,
                State.NOTE if mine else State.DO,
                f"{index.name} was never used",
                f"{human_size(index.size)} since the server's counters were last reset"
                + ("; the model wants it" if mine else ""),
                "" if mine else drop,
            )
        elif index.method == "btree" and not index.unique and not index.spherical:
            yield from _as_brin(subject, index)


def _of_sky(index: Index, position: tuple[str, str] | None) -> bool:
    return position is not None and (index.spherical or bool(set(position) & set(index.keys)))


def _twin(index: Index, others: tuple[Index, ...]) -> Index | None:
    """Return another index that does all that *index* does."""
    if index.unique or index.partial:
        return None
    for other in others:
        same = other.keys == index.keys
        if (
            other.name != index.name
            and other.valid
            and not other.partial
            and other.method == index.method == "btree"
            and other.keys[: len(index.keys)] == index.keys
            and set(index.included) <= other.columns
            # Of two that are equal the one with the later name goes.
            and (not same or other.unique or other.name < index.name)
        ):
            return other
    return None


def _as_brin(subject: Subject, index: Index) -> Iterator[Advice]:
    """Yield the advice that a B-tree on a sorted column of a large table could be much smaller."""
    seen = subject.seen
    known = seen.column_statistics.get(index.keys[0])
    if len(index.keys) > 1 or known is None or seen.rows < MANY:
        return
    if known.correlation is None or abs(known.correlation) < SORTED:
        return
    column = index.keys[0]
    brin = Planned(index_name(seen.name, column, "brin"), (column,), brin=True)
    if any(_serves(one, brin) for one in seen.indexes):
        return
    yield Advice(
        Topic.INDEX,
        State.NOTE,
        f"an index on block ranges of {column} in place of {index.name}, where ranges are asked",
        f"the correlation of {column} with the order on disk is {known.correlation:.2f};"
        f" {index.name} has {human_size(index.size)}",
        f"{create_index(subject, brin)} DROP INDEX {quoted(seen.schema, index.name)};",
    )


def _order(subject: Subject, *, there: bool) -> Iterator[Advice]:
    seen, table = subject.seen, subject.table
    rows = pages.per_page(seen.rows, seen.pages)
    if table.position:
        sky = next((one for one in seen.indexes if one.spherical), None)
        known = seen.column_statistics.get(sky.name) if sky else None
        correlation = known.correlation if known else None
        doubtful = correlation is not None and abs(correlation) < SHUFFLED and seen.large
        measured = "" if correlation is None else f"; its correlation is {correlation:.2f}"
        yield Advice(
            Topic.ORDER,
            State.DO if doubtful else State.KEEP if there else State.NOTE,
            "rows in the order of the sky",
            f"neighbours then share pages of {rows:.0f} rows: 1,000 rows of a region are on about"
            f" {pages.of_region(1000, rows, 1, max(seen.pages, 1)):.0f} pages, not on"
            f" {min(1000, max(seen.pages, 1))}{measured}. labdb catalogue load sorts by itself",
            "labdb doctor --plans counts the pages of cones; if they are too many:"
            f" CLUSTER {subject.sql} USING {quoted(sky.name)};"
            if doubtful and sky
            else "",
        )
    elif table.order:
        first = table.order[0]
        known = seen.column_statistics.get(first)
        measured = (
            ""
            if known is None or known.correlation is None
            else f"; the correlation of {first} is {known.correlation:.2f}"
        )
        yield Advice(
            Topic.ORDER,
            State.KEEP if there else State.NOTE,
            f"rows in the order of {', '.join(table.order)}",
            f"a range of {first} is then on neighbouring pages of {rows:.0f} rows{measured}."
            " labdb catalogue load sorts by itself",
        )


def _partitions(subject: Subject, *, there: bool) -> Iterator[Advice]:
    seen, table = subject.seen, subject.table
    count = max(len(seen.relations) - 1, 1)
    again = f"labdb catalogue load FILES --model {table.model} --table {table.name} --as NEW_NAME"
    if table.partition:
        column, step = table.partition.column, table.partition.step
        parted = seen.partitioned_by is not None
        yield Advice(
            Topic.PARTITIONS,
            _state(has=parted, there=there),
            f"partitions by range of {column}, {step} each",
            f"a query of one {column} touches one of them"
            + (f", about {seen.rows // count:,} of {seen.rows:,} rows" if parted else "")
            + "; old ones are detached, archived and dropped without a DELETE",
            "" if parted else again,
        )
    elif table.position:
        known = seen.partitioned_by
        depth = pages.COVER * (pages.levels(seen.rows / count) + 1)
        yield Advice(
            Topic.PARTITIONS,
            State.URGENT if known else State.KEEP if there else State.NOTE,
            "one table, no partitions",
            f"q3c leaves no partition out: with {count if known else 48} of them a cone reads"
            f" about {depth * (count if known else 48)} pages of indexes, not {depth}",
            again if known else "",
        )
    else:
        yield Advice(
            Topic.PARTITIONS,
            State.NOTE if seen.partitioned_by else State.KEEP if there else State.NOTE,
            "no partitions" if not seen.partitioned_by else f"partitions by {seen.partitioned_by}",
            "its model names no column by which it grows",
        )


def _targets(subject: Subject) -> Iterator[Advice]:
    seen, table = subject.seen, subject.table
    if seen.rows < MANY:
        return
    wanted = [column.name for column in table.columns if column.ucd in BINS]
    wanted = list(dict.fromkeys([*(table.position or ()), *wanted]))
    low = [name for name in wanted if _target(subject, name) < TARGET]
    sky = next((one for one in seen.indexes if one.spherical), None)
    statements = [
        f"ALTER TABLE {subject.sql} "
        + ", ".join(f"ALTER {quoted(name)} SET STATISTICS {TARGET}" for name in low)
        + ";"
    ] if low else []  # fmt: skip
    if sky and _target(subject, sky.name) < TARGET:
        statements.append(
            f"ALTER INDEX {quoted(seen.schema, sky.name)} ALTER 1 SET STATISTICS {TARGET};"
        )
    if not wanted:
        return
    yield Advice(
        Topic.STATISTICS,
        State.DO if statements else State.KEEP,
        f"statistics of {TARGET} values for {', '.join(wanted)}"
        + (" and the index of the sky" if table.position else ""),
        f"with {seen.default_target} of them each stands for {seen.rows // seen.default_target:,}"
        " rows: a narrow cone or slice is misjudged by as many",
        " ".join([*statements, f"ANALYZE {subject.sql};"]) if statements else "",
    )


def _target(subject: Subject, name: str) -> int:
    known = subject.seen.column_statistics.get(name)
    if known is None or known.target < 0:
        return subject.seen.default_target
    return known.target


def _groups(subject: Subject) -> Iterator[Advice]:
    """Yield advice on expressions that people group by, where PostgreSQL expects far more groups.

    Without statistics on an expression it takes the number of distinct values of the columns in
    it (section 14.2.2 of its manual, "Extended Statistics").
    """
    seen = subject.seen
    for column in subject.table.columns if seen.large else ():
        known = seen.column_statistics.get(column.name)
        if column.ucd not in BINS or column.kind not in (Kind.FLOAT, Kind.DOUBLE) or known is None:
            continue
        if known.low is None or known.high is None:
            continue
        text, per_unit, called = BINS[column.ucd]
        groups = int((known.high - known.low) * per_unit) + 1
        if known.distinct < OVERESTIMATE * groups:
            continue
        has = any(_mentions(expression, column) for expression in seen.expressions)
        expression = text.format(quoted(column.name))
        name = index_name(seen.name, column.name, "bins", suffix="stat")
        yield Advice(
            Topic.STATISTICS,
            State.KEEP if has else State.DO,
            f"extended statistics on {expression}",
            f"GROUP BY {expression} ({called}) is expected to give {known.distinct:,.0f} groups;"
            f" it cannot give more than about {groups:,}",
            ""
            if has
            else f"CREATE STATISTICS {quoted(seen.schema, name)} ON ({expression})"
            f" FROM {subject.sql}; ANALYZE {subject.sql};",
        )


def _mentions(expression: str, column: Column) -> bool:
    return quoted(column.name) in expression
