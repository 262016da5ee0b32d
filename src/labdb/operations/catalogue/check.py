"""Check loaded catalogues: ask each table what its model's rules want to know, and judge."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any, Protocol

import psycopg

from labdb.adapters.catalogue import check as asking
from labdb.adapters.catalogue import connection as connecting
from labdb.adapters.catalogue import models, partitions, tables
from labdb.adapters.catalogue.loaded import Loaded, catalogues
from labdb.adapters.catalogue.tables import Target
from labdb.domain.catalogue import check as plan
from labdb.domain.catalogue.check import Expected, Question
from labdb.domain.catalogue.table import Model, Table
from labdb.domain.catalogue.verdict import Verdict, judge, skipped
from labdb.errors import UsageError
from labdb.report import Finding, Report, Severity
from labdb.spec.check import Refers, Rule

SEVERITIES: Mapping[str, Severity] = {
    "passed": "ok", "failed": "critical", "warning": "warning", "skipped": "info",
}  # fmt: skip
FULL_ONLY = "true of the whole survey alone: --expect full asks it"


class Watcher(Protocol):
    """Whoever is told what is being done."""

    def say(self, what: str) -> None:
        """Take note of *what* is being done now."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to check, and how: *model* is one that labdb does not have, by the path of its file."""

    conninfo: str
    schema: str | None = None
    names: tuple[str, ...] = ()
    model: Model | None = None
    expected: Expected = "any"
    timeout: int = 600
    plots: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a table as a whole, and what to do."""

    what: str
    hint: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A table with its verdicts, and what is wrong with it as a whole."""

    loaded: Loaded
    table: Table
    verdicts: tuple[Verdict, ...]
    problems: tuple[Problem, ...] = ()
    remarks: tuple[str, ...] = ()
    pictures: tuple[Mapping[str, str], ...] = field(default=())


def check(request: Request, watcher: Watcher) -> Report:
    """Check the loaded tables that are asked for; nothing is changed.

    Raises:
        UsageError: there is nothing that could be checked.
        UnreachableError, RunError, RefusedError: PostgreSQL does not answer, or not in time.
    """
    with (
        connecting.connect(request.conninfo) as connection,
        asking.snapshot(connection, request.timeout),
    ):
        database = connection.info.dbname
        there = catalogues(connection, request.schema)
        chosen = _chosen(there, request)
        checked, unknown = [], []
        for loaded in chosen:
            model = _model(loaded, request.model)
            table = _table(loaded, model)
            if model is None or table is None:
                unknown.append(loaded)
                continue
            one = _check(connection, loaded, table, there, request, watcher)
            if request.plots:
                watcher.say(f"{loaded.target}: plots")
                one = replace(one, pictures=_pictures(connection, one, model, there))
            checked.append(one)
    if not checked:
        raise UsageError(
            f"no data model of {', '.join(str(one.target) for one in unknown)} is known",
            why=f"the ledger names {', '.join(sorted({one.model for one in unknown}))}",
            hint="give the path of its Felis file with --model",
        )
    return _report(database, checked, unknown, request)


def _chosen(there: Sequence[Loaded], request: Request) -> list[Loaded]:
    if not there:
        where = f"the schema {request.schema}" if request.schema else "this database"
        raise UsageError(
            f"there is no catalogue in {where}",
            why="no ledger of loads tells of a table that is there",
            hint="load one with labdb catalogue load, or look at --schema",
        )
    if not request.names:
        return list(there)
    found = [one for one in there if {one.target.name, str(one.target)} & set(request.names)]
    known = {one.target.name for one in found} | {str(one.target) for one in found}
    for name in request.names:
        if name not in known:
            names = [one.target.name for one in there]
            near = get_close_matches(name, names, n=1)
            raise UsageError(
                f"there is no catalogue {name}",
                why=f"there are {', '.join(names)}"
                + (f"; did you mean {near[0]}?" if near else ""),
                hint="name one of them",
            )
    return found


def _model(loaded: Loaded, given: Model | None) -> Model | None:
    """Return the model of a table; a name in the ledger is never taken for the path of a file."""
    if given is not None and given.name == loaded.model:
        return given
    return models.load(loaded.model) if loaded.model in models.names() else None


def _table(loaded: Loaded, model: Model | None) -> Table | None:
    known = model.tables if model else ()
    return next((one for one in known if one.name == loaded.model_table), None)


def _pictures(
    connection: psycopg.Connection, one: Checked, model: Model, there: Sequence[Loaded]
) -> tuple[Mapping[str, str], ...]:
    if one.problems and not one.verdicts:
        return ()
    from labdb.operations.catalogue import check_plots  # noqa: PLC0415 - matplotlib is optional

    others = _known(_others(one.loaded, there))
    return check_plots.pictures(connection, one.loaded.target, one.table, model, others)


def _check(  # noqa: PLR0913 - the table, its surroundings, and who watches
    connection: psycopg.Connection,
    loaded: Loaded,
    table: Table,
    there: Sequence[Loaded],
    request: Request,
    watcher: Watcher,
) -> Checked:
    target = loaded.target
    odd = tables.differences(connection, target, table)
    if odd:
        text = f"its columns are not those of the model: {'; '.join(odd)}"
        hint = f"load it anew, or name the model {table.model} that it was made by with --model"
        return Checked(loaded, table, (), problems=(Problem(text, hint),))
    files = asking.files(connection, target)
    gone = partitions.taken_out(connection, target)
    done = {
        number: (one.rows_loaded or 0) - gone.get(number, 0)
        for number, one in files.items()
        if one.finished
    }
    labels = {str(number): one.file_name for number, one in files.items()}
    others = _others(loaded, there)
    rules = [plan.of_ledger(done), *plan.rules(table)] if done else [*plan.rules(table)]
    verdicts: dict[Question, Verdict] = {}
    questions = []
    for question in (every := plan.questions(rules)):
        if why := _unasked(question.rule, request.expected, others):
            verdicts[question] = skipped(question, why)
        else:
            questions.append(question)
    for reading in plan.readings(questions):
        watcher.say(f"{target}: {', '.join(one.name for one in reading.questions)}")
        given = asking.answers(connection, reading, target, table, _known(others))
        for question, answer in given.items():
            verdict = judge(question, answer, labels if question.rule.name == plan.LEDGER else None)
            if verdict.status in ("failed", "warning") and not answer.trouble:
                verdict = _shown(connection, verdict, target, table, others, labels)
            verdicts[question] = verdict
    unfinished = sum(not one.finished for one in files.values())
    problems = [
        Problem(
            f"{unfinished} of its files are not loaded to the end",
            "run the same labdb catalogue load again: it goes on where it was broken off",
        )
    ]
    remarks = []
    if loaded.model_version != table.model_version:
        old = f"loaded by version {loaded.model_version} of {table.model}"
        remarks.append(f"{old}, not {table.model_version}")
    if rows := sum(gone.values()):
        remarks.append(f"{rows:,} of the rows loaded left it with detached partitions")
    return Checked(
        loaded,
        table,
        tuple(verdicts[one] for one in every),
        problems=tuple(problems) if unfinished else (),
        remarks=tuple(remarks),
    )


def _others(loaded: Loaded, there: Sequence[Loaded]) -> dict[str, list[Target]]:
    """Return the tables of the same model in the same schema, by their names in the model."""
    found: dict[str, list[Target]] = {}
    for one in there:
        if (one.target.schema, one.model) == (loaded.target.schema, loaded.model):
            found.setdefault(one.model_table, []).append(one.target)
    return found


def _known(others: Mapping[str, list[Target]]) -> dict[str, Target]:
    return {name: found[0] for name, found in others.items() if len(found) == 1}


def _unasked(rule: Rule, expected: Expected, others: Mapping[str, list[Target]]) -> str:
    """Return why *rule* cannot be asked, or nothing."""
    if not plan.asked(rule, expected):
        return FULL_ONLY
    if isinstance(rule, Refers):
        found = others.get(rule.table, [])
        if not found:
            return f"{rule.table} is not loaded in this schema"
        if len(found) > 1:
            names = ", ".join(str(one) for one in found)
            return f"which {rule.table} is meant: {names}?"
    return ""


def _shown(  # noqa: PLR0913 - the table, its surroundings, and the names of its files
    connection: psycopg.Connection,
    verdict: Verdict,
    target: Target,
    table: Table,
    others: Mapping[str, list[Target]],
    labels: Mapping[str, str],
) -> Verdict:
    """Return *verdict* with some rows that it is about, and with the query of all of them."""
    rows, query = asking.examples(connection, verdict.question, target, table, _known(others))
    named = tuple(row | {"file": _files(row.get("source_id"), labels)} for row in map(dict, rows))
    return replace(verdict, examples=named, query=query)


def _files(source: str | None, labels: Mapping[str, str]) -> str:
    """Return the names of the files; duplicates may come from several: ``{1,2}``."""
    numbers = (source or "").strip("{}").split(",")
    return ", ".join(labels.get(number, number) for number in numbers)


def _report(
    database: str, checked: Sequence[Checked], unknown: Sequence[Loaded], request: Request
) -> Report:
    counts = Counter(verdict.status for one in checked for verdict in one.verdicts)
    failed = counts["failed"] + sum(len(one.problems) for one in checked)
    asked = counts["passed"] + counts["failed"] + counts["warning"]
    many = f"{len(checked)} table{'s' if len(checked) != 1 else ''}"
    parts = [f"{many}, {asked:,} rules: {counts['passed']:,} hold"]
    parts += [f"{counts['warning']:,} of warning do not"] if counts["warning"] else []
    parts += [f"{failed:,} FAILED"] if failed else []
    parts += [f"{counts['skipped']:,} not judged"] if counts["skipped"] else []
    return Report(
        "catalogue check",
        database,
        ", ".join(parts),
        findings=tuple(_findings(checked, unknown)),
        data={
            "database": database,
            "expected": request.expected,
            "passed": counts["passed"],
            "failed": failed,
            "warnings": counts["warning"],
            "not_judged": counts["skipped"],
            "tables": [_data(one) for one in checked],
        },
    )


def _findings(checked: Sequence[Checked], unknown: Sequence[Loaded]) -> Iterator[Finding]:
    for one in checked:
        name = str(one.loaded.target)
        for problem in one.problems:
            what = f"{name}: {problem.what}"
            yield Finding(f"{name}:table", "critical", what, hint=problem.hint)
        for remark in one.remarks:
            yield Finding(f"{name}:model", "info", f"{name}: {remark}")
        for verdict in one.verdicts:
            rule = verdict.question.name
            yield Finding(
                f"{name}:{rule}",
                SEVERITIES[verdict.status],
                f"{name}: {rule}: {verdict.sentence}",
                why=verdict.question.rule.why,
                hint=verdict.query,
            )
    for each in unknown:
        yield Finding(
            f"{each.target}:model",
            "info",
            f"{each.target} was not checked: its data model {each.model} is not known",
            hint="give the path of its Felis file with --model",
        )


def _data(one: Checked) -> dict[str, Any]:
    return {
        "table": str(one.loaded.target),
        "description": one.table.description,
        "model": one.table.model,
        "model_version": one.table.model_version,
        "model_table": one.table.name,
        "rows": one.loaded.rows,
        "files": one.loaded.files,
        "problems": [problem.what for problem in one.problems],
        "rules": [_rule(verdict) for verdict in one.verdicts],
        "plots": list(one.pictures),
    }


def _rule(verdict: Verdict) -> dict[str, Any]:
    rule = verdict.question.rule
    return {
        "rule": verdict.question.name,
        "kind": rule.kind,
        "severity": rule.severity,
        "scale": rule.scale,
        "status": verdict.status,
        "observed": verdict.observed,
        "wanted": verdict.wanted,
        "sentence": verdict.sentence,
        "why": rule.why,
        "examples": [dict(row) for row in verdict.examples],
        "query": verdict.query,
    }
