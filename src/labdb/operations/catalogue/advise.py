"""Advise on indexes, order, partitions and statistics: of tables that are there, or are planned."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from labdb.adapters.catalogue import models
from labdb.adapters.catalogue.connection import connect, told
from labdb.adapters.catalogue.loaded import Loaded, catalogues
from labdb.adapters.catalogue.observed import observed
from labdb.adapters.catalogue.tables import Target
from labdb.domain.catalogue.advice import Advice, State, advise
from labdb.domain.catalogue.guard import Subject
from labdb.domain.catalogue.observed import Observed
from labdb.domain.catalogue.size import PAGE, table_size
from labdb.domain.catalogue.table import Table
from labdb.errors import UsageError
from labdb.operations.catalogue.known import table_of
from labdb.report import Finding, Report, Severity

COMMAND = "catalogue advise"
SETTINGS = {"lock_timeout": "3s", "application_name": "labdb catalogue advise"}
SEVERITY: dict[State, Severity] = {
    State.KEEP: "ok",
    State.NOTE: "info",
    State.DO: "info",
    State.URGENT: "warning",
}


def advise_planned(model: str, rows: int, schema: str, table: str | None = None) -> Report:
    """Return advice on the tables of a model with so many rows each, without a database.

    Raises:
        UsageError: there is no such model, or it has no such table.
    """
    found = models.load(model)
    chosen = [one for one in found.tables if table in (None, one.name)]
    if not chosen:
        raise UsageError(
            f"model {found.name} has no table {table!r}",
            why=f"it has {', '.join(one.name for one in found.tables)}",
            hint="leave --table out for all of them",
        )
    subjects = [Subject(one, _imagined(one, rows, schema)) for one in chosen]
    return _report(found.name, [(one, advise(one, there=False)) for one in subjects], planned=True)


def _imagined(table: Table, rows: int, schema: str) -> Observed:
    name = table.name if table.name == table.model else f"{table.model}_{table.name}"
    heap = max(table_size(table, rows, name).heap, PAGE)
    return Observed(schema, name, rows, heap // PAGE, heap)


def advise_loaded(conninfo: str, target: Target | None, model: str | None = None) -> Report:
    """Return advice on a table that was loaded, or on all of a database.

    Raises:
        UnreachableError: PostgreSQL does not answer.
        UsageError: the table was not loaded by labdb, or its model is not known.
    """
    with connect(conninfo) as connection, told("the tables"):
        connection.read_only = True
        for name, value in SETTINGS.items():
            connection.execute("SELECT set_config(%s, %s, false)", [name, value])
        there = catalogues(connection)
        chosen = [one for one in there if target in (None, one.target)]
        if target and not chosen:
            raise UsageError(
                f"{target} was not loaded by labdb",
                why="tables that were: " + (", ".join(str(one.target) for one in there) or "none"),
                hint="for a table that is planned give --model and --rows",
            )
        subjects, unknown = [], []
        for one in chosen:
            table = table_of(one, model)
            if table is None:
                unknown.append(one)
            else:
                subjects.append(Subject(table, observed(connection, one.target, table.position)))
        database = connection.info.dbname
    report = _report(database, [(one, advise(one)) for one in subjects], planned=False)
    return replace(report, findings=[*report.findings, *map(_unknown, unknown)])


def _unknown(one: Loaded) -> Finding:
    return Finding(
        "advice.model",
        "info",
        f"no advice on {one.target}: its model {one.model} is not one of labdb's",
        hint="name its Felis file with --model",
    )


def _report(where: str, found: Sequence[tuple[Subject, list[Advice]]], *, planned: bool) -> Report:
    every = [one for _, advice in found for one in advice]
    todo = sum(one.state in (State.DO, State.URGENT) for one in every)
    urgent = sum(one.state is State.URGENT for one in every)
    return Report(
        COMMAND,
        where,
        f"{len(every)} pieces of advice on {len(found)} tables, {todo} to do"
        + (f", {urgent} of them now" if urgent else ""),
        findings=[_finding(subject, one) for subject, advice in found for one in advice],
        data={
            "planned": planned,
            "tables": [
                {
                    "table": subject.title,
                    "rows": subject.seen.rows,
                    "bytes": subject.seen.size,
                    "advice": [_row(one) for one in advice],
                }
                for subject, advice in found
            ],
        },
    )


def _row(one: Advice) -> dict[str, Any]:
    return asdict(one)


def _finding(subject: Subject, one: Advice) -> Finding:
    return Finding(
        f"advice.{one.topic}",
        SEVERITY[one.state],
        f"{subject.title}: {one.what} ({one.state})",
        why=one.why,
        hint=one.statement,
    )
