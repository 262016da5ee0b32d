"""Ask a database the canonical queries, and judge their plans."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import psycopg
from psycopg.sql import Composed

from labdb.adapters.catalogue import questions
from labdb.adapters.catalogue.connection import connect, told
from labdb.adapters.catalogue.loaded import Loaded, catalogues
from labdb.adapters.catalogue.observed import observed
from labdb.adapters.catalogue.questions import Sky
from labdb.domain.catalogue import guard, plan
from labdb.domain.catalogue.guard import Kind, Question, Subject, Verdict
from labdb.operations.catalogue.known import table_of
from labdb.report import Finding, Phase, Report

COMMAND = "doctor"
CONES = (("cone of 1 arcmin", 1 / 60), ("cone of 1 degree", 1.0))
SLICE = 1 / 10_000
"""Share of the range of redshifts that is asked for."""
REDSHIFT = "src.redshift"
SETTINGS = {
    # The shape is judged of one process; compiling would only add time.
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "lock_timeout": "3s",
    "application_name": "labdb doctor",
}
STOPPED = (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a single query may take."""

    seconds: float = 10.0


def guard_plans(conninfo: str, limits: Limits) -> Report:
    """Explain and run the canonical queries of all catalogues that a database holds.

    Everything happens in one transaction, which is read only.

    Raises:
        UnreachableError: PostgreSQL does not answer.
        RefusedError: a right is missing.
    """
    begin = time.monotonic()
    findings: list[Finding] = []
    verdicts: list[Verdict] = []
    with connect(conninfo) as connection, told("the plans"):
        connection.read_only = True
        for name, value in {**SETTINGS, "statement_timeout": f"{limits.seconds:g}s"}.items():
            connection.execute("SELECT set_config(%s, %s, false)", [name, value])
        have = questions.sky(connection)
        held = [(one, table_of(one)) for one in catalogues(connection)]
        findings += [_unknown(one) for one, table in held if table is None]
        known = [(one, table) for one, table in held if table is not None]
        subjects: dict[Loaded, Subject] = {}
        for one, table in known:
            try:
                with connection.transaction():
                    seen = observed(connection, one.target, table.position)
            except STOPPED as error:
                findings.append(_locked(one, error))
            else:
                subjects[one] = Subject(table, seen)
        if have is None and any(one.table.position for one in subjects.values()):
            findings.append(_without_q3c())
        for one, subject in subjects.items():
            if not subject.seen.rows:
                continue
            try:
                with connection.transaction():
                    mine = [
                        _ask(connection, asked, limits)
                        for asked in _questions(connection, have, one, subject, subjects)
                    ]
            except STOPPED as error:
                findings.append(_locked(one, error))
                continue
            verdicts += mine
            findings += guard.findings(subject, mine)
        database = connection.info.dbname
    wrong = sum(bool(one.faults) for one in verdicts)
    return Report(
        COMMAND,
        database,
        f"{len(verdicts)} queries on {len(subjects)} catalogue tables: "
        + (f"{wrong} have a plan that they must not have" if wrong else "all plans as they must be")
        if subjects
        else "this database holds no catalogue that was loaded by labdb",
        findings=findings,
        phases=(Phase("plans", round(time.monotonic() - begin, 3)),),
        data={"plans": [_row(one) for one in verdicts]},
    )


def _unknown(one: Loaded) -> Finding:
    return Finding(
        "plans.model",
        "info",
        f"{one.target} was not judged: its model {one.model} is not one of labdb's",
    )


def _locked(one: Loaded, error: psycopg.Error) -> Finding:
    return Finding(
        "plans.locked",
        "warning",
        f"{one.target} could not be judged",
        why=error.diag.message_primary or str(error),
        hint="somebody holds a lock on it (a CLUSTER, an index): run this again when that is done",
    )


def _without_q3c() -> Finding:
    return Finding(
        "plans.q3c",
        "critical",
        "the extension q3c is not in this database: every cone reads whole tables",
        hint="CREATE EXTENSION q3c; then run labdb catalogue load again, which makes the indexes",
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question, the query that asks it, and for a cone the one for the files of its rows."""

    question: Question
    query: Composed
    files: Composed | None = None


Asked: TypeAlias = Iterator[_Asked]


def _questions(
    connection: psycopg.Connection,
    have: Sky | None,
    one: Loaded,
    subject: Subject,
    all_of_them: dict[Loaded, Subject],
) -> Asked:
    if have is not None and subject.table.position:
        yield from _of_the_sky(connection, have, one, subject)
    yield from _slices(connection, one, subject)
    if subject.table.partition:
        yield from _nights(connection, one, subject, subject.table.partition.column)
    yield from _members(connection, one, subject, all_of_them)


def _of_the_sky(connection: psycopg.Connection, have: Sky, one: Loaded, subject: Subject) -> Asked:
    position, target = subject.table.position, one.target
    assert position is not None  # noqa: S101 - the caller has looked
    for centre in questions.somewhere(connection, target, position, _pages(subject)):
        for name, radius in CONES:
            within = questions.cone(have, position, (centre[0], centre[1]), radius)
            yield _Asked(
                Question(name, Kind.CONE, subject),
                questions.counted(target, within),
                questions.files(target, within),
            )
    yield _Asked(
        Question("cross-match", Kind.MATCH, subject),
        questions.cross_match(have, target, position),
    )
    if have.functions:
        yield _Asked(
            Question("cross-match by labdb.crossmatch_all", Kind.MATCH, subject),
            questions.lateral_match(have, target, position),
        )


def _pages(subject: Subject) -> int:
    """Return the pages of a table, or those of one of its partitions on average."""
    return subject.seen.pages // max(len(subject.seen.relations) - 1, 1)


def _slices(connection: psycopg.Connection, one: Loaded, subject: Subject) -> Asked:
    for column in subject.table.columns:
        known = subject.seen.column_statistics.get(column.name)
        indexed = any(index[0] == column.name for index in subject.table.indexes)
        if column.ucd != REDSHIFT or not indexed or known is None or known.low is None:
            continue
        width = ((known.high or known.low) - known.low) * SLICE
        middle = questions.somewhere(connection, one.target, (column.name,), _pages(subject))
        for (low,) in middle[:1]:
            yield _Asked(
                Question("redshift slice", Kind.SLICE, subject, column.name),
                questions.between(one.target, column.name, low, low + width),
            )


def _nights(connection: psycopg.Connection, one: Loaded, subject: Subject, column: str) -> Asked:
    for (value,) in questions.somewhere(connection, one.target, (column,), 0)[:1]:
        yield _Asked(
            Question(f"one {column}", Kind.NIGHT, subject, column),
            questions.equal(one.target, column, value),
        )


def _members(
    connection: psycopg.Connection,
    one: Loaded,
    subject: Subject,
    all_of_them: dict[Loaded, Subject],
) -> Asked:
    """Yield the query for the members of a void, where galaxies and zones are both there."""
    if (one.model, one.model_table) != ("desivast", "galzone"):
        return
    for other, zones in all_of_them.items():
        here = (other.target.schema, other.model, other.model_table)
        if here != (one.target.schema, one.model, "zonevoid"):
            continue
        columns = ("algorithm", "galactic_cap", "void0")
        for row in questions.somewhere(connection, other.target, columns, zones.seen.pages)[:1]:
            yield _Asked(
                Question("members of a void", Kind.MEMBERS, subject, "zone"),
                questions.members(other.target, one.target, (row[0], row[1], row[2])),
            )


def _ask(connection: psycopg.Connection, asked: _Asked, limits: Limits) -> Verdict:
    """Explain a query, run it where that is no catastrophe, and judge."""
    question = asked.question
    planned = plan.read(questions.explain(connection, asked.query, run=False))
    if reason := guard.catastrophe(planned):
        return _not_run(question, planned, reason)
    try:
        with connection.transaction():
            ran = plan.read(questions.explain(connection, asked.query, run=True))
            verdict = guard.judge(question, ran)
            if verdict.excessive and asked.files is not None:
                row = connection.execute(asked.files).fetchone()
                verdict = guard.judge(question, ran, row[0] if row else 1)
            return verdict
    except psycopg.errors.QueryCanceled:
        return _not_run(question, planned, f"it was stopped after {limits.seconds:g} s", slow=True)


def _not_run(question: Question, planned: plan.Node, reason: str, *, slow: bool = False) -> Verdict:
    return Verdict(
        question,
        (*guard.shape(question, planned), reason),
        indexes=tuple(sorted(plan.indexes(planned))),
        whole=plan.read_whole(planned, question.subject.seen.relations),
        slow=slow,
    )


def _row(one: Verdict) -> dict[str, Any]:
    return {
        "query": one.question.name,
        "table": one.question.subject.title,
        "faults": list(one.faults),
        "rows": one.rows,
        "pages": one.buffers,
        "bound": one.bound,
        "indexes": list(one.indexes),
        "read_whole": list(one.whole),
        "partitions": one.partitions,
    }
