"""Tell what a catalogue will cost before anybody downloads it: disk, WAL, backups, time."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from labdb.adapters.inventory import Declaration
from labdb.domain.catalogue.growth import MANY, Asked, DataPlan, TablePlan, plan
from labdb.domain.catalogue.row_count import row_count
from labdb.domain.catalogue.table import Model, Table
from labdb.domain.storage_budget import backup_budget, too_small
from labdb.domain.tuning import Inputs
from labdb.domain.tuning.space import SpaceLine
from labdb.errors import DeclarationError, UsageError
from labdb.operations.tune import inputs_for
from labdb.report import Finding, Report
from labdb.size import human_size

COMMAND = "plan-data"


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be loaded: rows as given, ``N`` or ``TABLE=N``; *table* is the only one."""

    model: Model
    rows: Sequence[str]
    table: str | None = None
    rate: float | None = None


def plan_data(request: Request, declaration: Declaration | None, disk: str | None) -> Report:
    """Return what the rows take, and whether the data disk has room for them.

    Args:
        request: the model and the rows.
        declaration: the server; None for one of 250 GB.
        disk: size of the data disk, in place of the declared one.

    Raises:
        UsageError: there is no such table, or a number of rows is none.
        DeclarationError: the disk is absurd, or PostgreSQL has no room for such rows.
    """
    inputs = inputs_for(declaration, {"disk": disk}, ())
    asked = _asked(request)
    try:
        found = plan(asked, inputs, request.rate)
    except ValueError as error:
        raise DeclarationError(
            f"model {request.model.name} cannot be planned",
            why=str(error),
            hint="split a wide table into several; a large one into partitions",
        ) from error
    return Report(
        COMMAND,
        inputs.subject,
        f"{sum(one.rows for one in asked):,} rows of {request.model.name}: "
        f"{human_size(found.size)} in the database, {_releases(found)}",
        findings=_findings(found, declaration),
        data=_data(found, request, inputs),
    )


def _asked(request: Request) -> list[Asked]:
    model = request.model
    known = {table.name: table for table in model.tables}
    given: dict[str, str] = {}
    for text in request.rows:
        left, equals, right = text.rpartition("=")
        name = left if equals else request.table or _only(model)
        if name in given:
            raise UsageError(f"the rows of {name} are given twice", hint="give them once")
        given[name] = right
    named = [*given, *([request.table] if request.table else [])]
    if strange := next((name for name in named if name not in known), None):
        raise UsageError(
            f"model {model.name} has no table {strange!r}",
            why=f"it has {', '.join(known)}",
            hint=f"labdb catalogue show {model.name}",
        )
    chosen = {name: text for name, text in given.items() if request.table in (None, name)}
    return [Asked(known[name], _name(model, known[name]), _count(chosen[name])) for name in chosen]


def _only(model: Model) -> str:
    if len(model.tables) > 1:
        names = [table.name for table in model.tables]
        raise UsageError(
            f"of which table of model {model.name} are these rows?",
            why=f"it has {', '.join(names)}",
            hint=f"choose one with --table, or write --rows {names[0]}=N --rows {names[1]}=M",
        )
    return model.tables[0].name


def _name(model: Model, table: Table) -> str:
    return table.name if table.name == model.name else f"{model.name}_{table.name}"


def _count(text: str) -> int:
    try:
        return row_count(text)
    except ValueError as error:
        raise UsageError(
            "that cannot be planned", why=str(error), hint="for example 6.4M"
        ) from error


def _releases(found: DataPlan) -> str:
    if found.releases == 0:
        return "which does not fit"
    if found.releases >= MANY:
        return f"which fits more than {MANY} times"
    several = found.releases > 1
    return f"room for {found.releases} release{'s' if several else ''} side by side"


def _findings(found: DataPlan, declaration: Declaration | None) -> list[Finding]:
    findings = []
    if found.releases == 0:
        hint = "a larger data disk (storage.data.size), fewer tables, or fewer rows"
        findings.append(too_small(found.budget, hint))
    else:
        free = found.budget.size - found.budget.needed
        findings.append(
            Finding("space.data", "ok", f"it fits; {human_size(free)} of the data disk stay free")
        )
    if declaration is None:
        return findings
    server = declaration.server
    workload = server.workload.model_copy(update={"expected_data": found.size})
    backup = backup_budget(server.model_copy(update={"workload": workload}))
    if not backup.fits:
        findings.append(too_small(backup, "a larger storage.backup.size, or fewer full backups"))
    if found.size > server.workload.expected_data:
        findings.append(
            Finding(
                "workload.expected_data",
                "warning",
                f"workload.expected_data is {human_size(server.workload.expected_data)}",
                why=f"this alone takes {human_size(found.size)}; parameters and budgets are "
                "computed for less",
                hint="declare what will be there, then labdb plan",
            )
        )
    return findings


def _data(found: DataPlan, request: Request, inputs: Inputs) -> dict[str, Any]:
    return {
        "model": request.model.name,
        "model_version": request.model.version,
        "tables": [_table(one) for one in found.tables],
        "bytes": found.size,
        "wal_bytes": found.wal,
        "wal_later_bytes": found.later,
        "backup_full_bytes": found.full,
        "backup_wal_bytes": found.archived,
        "temporary_bytes": found.temporary,
        "seconds": found.seconds,
        "rows_per_second": request.rate,
        "fits": found.releases > 0,
        "releases": found.releases,
        "disk_bytes": inputs.machine.disk,
        "disk": [_line(line) for line in found.budget.lines],
    }


def _line(line: SpaceLine) -> dict[str, Any]:
    formula = "what stands above" if line.name == "databases" else line.formula
    return asdict(line) | {"formula": formula}


def _table(one: TablePlan) -> dict[str, Any]:
    size = one.size
    return {
        "table": one.name,
        "rows": size.rows,
        "row_bytes": size.row,
        "heap_bytes": size.heap,
        "toast_bytes": size.toast,
        "maps_bytes": size.maps,
        "indexes": [{"name": index.name, "bytes": index.size} for index in size.indexes],
        "bytes": size.total,
        "wal_rows_bytes": one.rows_wal,
        "wal_indexes_bytes": one.indexes_wal,
        "temporary_bytes": one.temporary,
        "seconds": one.seconds,
    }
