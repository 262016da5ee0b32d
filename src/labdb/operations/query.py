"""Run a query of the library: find its tables by the ledgers, bind its values, read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from labdb.adapters import research
from labdb.adapters.catalogue.loaded import Loaded, catalogues
from labdb.adapters.catalogue.tables import Target
from labdb.adapters.query_library import LibraryQuery
from labdb.domain.queries.settings import settings
from labdb.errors import RunError, UsageError
from labdb.report import Finding, Report

COMMAND = "query"


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask: *given* values, tables that are *used*, and how much and how long.

    *schema* is the release; *limit* None asks for all rows; *timeout* is seconds, 0 without end.
    """

    query: LibraryQuery
    given: Sequence[str] = ()
    schema: str | None = None
    used: Sequence[str] = ()
    limit: int | None = None
    timeout: float = 60
    explain: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    """The tables of a query, by the names that its text has for them."""

    targets: Mapping[str, Target]
    findings: list[Finding] = field(default_factory=list)


def query(request: Request, conninfo: str) -> Report:
    """Return the answer, or the plan where that is asked for.

    Raises:
        UsageError: a value is wrong or missing, or it is not clear which table is meant.
        RunError: a table or an extension is not there, the query failed or took too long.
        RefusedError: a right is missing.
        UnreachableError: there is no connection.
    """
    about = request.query.about
    try:
        values = settings(about.parameters, request.given)
    except ValueError as error:
        raise UsageError(
            f"query {request.query.name}: wrong parameters",
            why=str(error),
            hint=f"labdb query {request.query.name} --show tells them",
        ) from error
    with research.reading(conninfo, request.timeout) as connection:
        _extensions(connection, about.extensions)
        found = _tables(connection, request)
        more = None if request.limit is None else request.limit + 1
        text = research.statement(request.query.sql, found.targets, more)
        data: dict[str, Any] = {
            "query": request.query.name,
            "title": about.title,
            "parameters": values,
            "tables": {role: str(target) for role, target in found.targets.items()},
        }
        if request.explain:
            plan = research.explain(connection, text, values)
            sql = research.filled(connection, text, values)
            return Report(
                COMMAND,
                connection.info.dbname,
                f"the plan of {request.query.name}; it was not run",
                findings=found.findings,
                data=data | {"sql": sql, "plan": list(plan)},
            )
        answer = research.ask(connection, text, values, request.limit)
        database = connection.info.dbname
    columns = [{"name": name} | about.columns[name].model_dump() for name in answer.columns]
    first = "the first " if answer.more else ""
    return Report(
        COMMAND,
        database,
        f"{about.title}: {first}{len(answer.rows):,} rows",
        findings=found.findings,
        data=data
        | {
            "columns": columns,
            "rows": [dict(zip(answer.columns, row, strict=True)) for row in answer.rows],
            "more": answer.more,
        },
    )


def _extensions(connection: psycopg.Connection, wanted: Sequence[str]) -> None:
    for name in wanted:
        if not research.has_extension(connection, name):
            raise RunError(
                f"the query needs the extension {name}",
                why=f"it is not in the database {connection.info.dbname}",
                hint=f"as an administrator: CREATE EXTENSION {name} CASCADE; labdb provision does "
                "it for every declared database",
            )


def _tables(connection: psycopg.Connection, request: Request) -> _Found:
    there = catalogues(connection, request.schema)
    used = _used(request)
    found: dict[str, Target] = {}
    findings: list[Finding] = []
    for role, wanted in request.query.about.tables.items():
        model, _, table = wanted.partition(".")
        fit = [one for one in there if (one.model, one.model_table) == (model, table)]
        if role in used:
            fit = [one for one in fit if used[role] in (one.target.name, str(one.target))]
        one = _only(fit, role, wanted, request)
        found[role] = one.target
        if not one.complete:
            findings.append(
                Finding(
                    "query.incomplete",
                    "warning",
                    f"{one.target} is not complete: the answer is of what is there",
                    why="a file of it is not loaded yet",
                    hint="run the same labdb catalogue load again",
                )
            )
    return _Found(found, findings)


def _used(request: Request) -> dict[str, str]:
    roles = request.query.about.tables
    pairs = [text.partition("=") for text in request.used]
    for role, _, name in pairs:
        if role not in roles or not name:
            raise UsageError(
                f"--use {role}: the query has no such table",
                why=f"it has {', '.join(roles)}",
                hint=f"for example: --use {next(iter(roles))}=raw_catalogs.NAME",
            )
    return {role: name for role, _, name in pairs}


def _only(fit: Sequence[Loaded], role: str, wanted: str, request: Request) -> Loaded:
    model, _, table = wanted.partition(".")
    if not fit:
        where = f" in schema {request.schema}" if request.schema else ""
        raise RunError(
            f"the query needs table {table} of model {model}, and there is none{where}",
            why="no ledger of a load that this role may read tells of one",
            hint=f"labdb catalogue load FILES --model {model} --table {table}",
        )
    if len(fit) > 1:
        schemas = {one.target.schema for one in fit}
        hint = "choose one with --schema" if len(schemas) > 1 else f"choose one with --use {role}="
        raise UsageError(
            f"which {role} are meant?",
            why=f"there are {', '.join(str(one.target) for one in fit)}",
            hint=hint,
        )
    return fit[0]
