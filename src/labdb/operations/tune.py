"""Compute postgresql.conf for a declared server or for a what-if, and explain it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from labdb.adapters.inventory import Declaration
from labdb.domain import comparison
from labdb.domain.conf_file import write
from labdb.domain.memory_finding import memory_findings
from labdb.domain.mistakes import mistakes
from labdb.domain.overrides import checked
from labdb.domain.parameters import lookup
from labdb.domain.peers import peers
from labdb.domain.storage_budget import too_small
from labdb.domain.tuning import Inputs, Setting, Tuning
from labdb.domain.tuning import tune as compute
from labdb.domain.tuning.inputs import Load, Machine
from labdb.domain.tuning.space import data_budget
from labdb.errors import DeclarationError, UsageError
from labdb.report import Finding, Report
from labdb.size import Size, format_size
from labdb.spec import Declared, WorkloadKind


class WhatIf(Declared):
    """A machine and a load given by flags; what is absent is taken from the declaration."""

    cores: int = Field(default=8, ge=1, le=1024)
    memory: Size = Field(default=8 << 30, ge=1 << 30, le=8 << 40, validate_default=False)
    disk: Size = Field(default=250 << 30, ge=10 << 30, validate_default=False)
    medium: Literal["nvme", "ssd", "hdd"] = "nvme"
    wal_disk: Size | None = Field(default=None, ge=1 << 30)
    backup_disk: Size | None = Field(default=None, ge=1 << 30)
    workload: WorkloadKind = WorkloadKind.MIXED
    connections: int = Field(default=200, ge=1, le=10_000)
    analysts: int = Field(default=4, ge=1, le=1000)
    data: Size = Field(default=60 << 30, ge=0, validate_default=False)
    wal_rate: Size | None = Field(default=None, ge=1)
    recovery_seconds: int = Field(default=180, ge=30, le=3600)
    major: Literal[16, 17, 18] = 16

    @model_validator(mode="after")
    def _analysts_connect(self) -> Self:
        if self.analysts > self.connections:
            raise ValueError(f"{self.analysts} analysts need as many connections")
        return self


FLAGS = tuple(WhatIf.model_fields)


def inputs_for(
    declaration: Declaration | None,
    flags: Mapping[str, Any],
    by_hand: Sequence[str],
    *,
    accept_risk: bool = False,
) -> Inputs:
    """Return what to tune for: the declaration, with *flags* and *by_hand* in place of its own.

    Args:
        declaration: the declared server; None for a machine made of flags alone.
        flags: what was given on the command line, by the names of :class:`WhatIf`.
        by_hand: parameters as ``NAME=VALUE``.
        accept_risk: a memory budget that does not hold is no reason to refuse.

    Raises:
        DeclarationError: a flag's value is absurd, or a parameter set by hand is refused.
        UsageError: something given by hand is not of the form ``NAME=VALUE``.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    start = _declared(declaration) if declaration else {}
    try:
        wanted = WhatIf.model_validate(start | given)
    except ValidationError as error:
        raise _absurd(error) from error
    inputs = Inputs(
        machine=Machine(
            cores=wanted.cores,
            memory=wanted.memory,
            disk=wanted.disk,
            medium=wanted.medium,
            wal_disk=wanted.wal_disk,
            backup_disk=wanted.backup_disk,
        ),
        load=Load(
            kind=wanted.workload,
            connections=wanted.connections,
            analysts=wanted.analysts,
            data=wanted.data,
            wal_rate=wanted.wal_rate,
            recovery=wanted.recovery_seconds,
        ),
        major=wanted.major,
        by_hand=dict(Inputs.of(declaration.server).by_hand) if declaration else {},
        subject=declaration.server.name if declaration else "this machine",
        accept_risk=accept_risk or bool(declaration and declaration.server.postgresql.accept_risk),
    )
    return replace(inputs, by_hand={**inputs.by_hand, **checked(_pairs(by_hand), wanted.major)})


def tune(inputs: Inputs, *, explain: Sequence[str] = (), compare: Sequence[str] = ()) -> Report:
    """Return the computed parameters, their memory budget and the settings of roles.

    Args:
        inputs: what to compute from.
        explain: names of parameters to explain; all are listed when there is none.
        compare: names of other tuners whose parameters stand beside labdb's.

    Raises:
        DeclarationError: the memory budget does not hold, or a parameter to explain does
            not exist.
        UsageError: a parameter to explain is none that labdb computes, or labdb does not
            know a tuner to compare with.
    """
    others = peers(compare)
    found = compute(inputs)
    rows = [_row(setting, inputs.major) for setting in found.settings]
    if explain:
        rows = [_explained(name, rows, inputs.major) for name in explain]
    beside: dict[str, Any] = {}
    if others:
        only = [row["name"] for row in rows] if explain else ()
        compared = comparison.compare(others, found, inputs, only=only)
        beside["comparison"] = compared.to_dict()
    machine = inputs.machine
    summary = (
        f"{len(found.settings)} parameters of PostgreSQL {inputs.major} for {machine.cores} cores, "
        f"{format_size(machine.memory)}, {inputs.load.kind}"
    )
    return Report(
        "tune",
        inputs.subject,
        summary,
        findings=_findings(found, inputs),
        data={
            "inputs": _plain(inputs),
            "parameters": rows,
            "budget": [asdict(line) for line in found.budget.lines],
            "budget_total": found.budget.total,
            "memory": found.budget.memory,
            "roles": {kind: dict(settings) for kind, settings in found.roles.items()},
            "role_settings": [
                {"kind": kind} | asdict(setting) | {"comment": setting.comment}
                for kind, settings in found.role_settings.items()
                for setting in settings
            ],
            **beside,
        },
    )


def conf(report: Report) -> str:
    """Return *report* as a postgresql.conf file, every value with its reason."""
    lines = [f"# {report.server}: {report.summary}"]
    lines += [f"# {finding.severity}: {finding.what}" for finding in report.findings]
    for row in report.data["parameters"]:
        comment = f"# {row['comment']} ({row['context']})"
        lines += ["", comment, write(row["name"], row["value"])]
    return "\n".join(lines) + "\n"


def _declared(declaration: Declaration) -> dict[str, Any]:
    server = declaration.server
    load, tuned = server.workload, Inputs.of(server).load
    return {
        "cores": server.guest.cpu.total,
        "memory": format_size(server.guest.memory),
        "disk": format_size(server.storage.data.size),
        "medium": server.storage.kind,
        "backup_disk": format_size(server.storage.backup.size),
        "workload": load.kind,
        "connections": tuned.connections,
        "analysts": tuned.analysts,
        "data": format_size(load.expected_data),
        "wal_rate": format_size(load.wal_rate) if load.wal_rate else None,
        "recovery_seconds": load.crash_recovery_seconds,
        "major": server.postgresql.major,
    }


def _pairs(by_hand: Sequence[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in by_hand]
    wrong = [name for name, equals, _ in pairs if not equals or not name.strip()]
    if wrong:
        raise UsageError(
            f"--set {wrong[0]}: this is not NAME=VALUE", hint="for example: --set work_mem=16MB"
        )
    return {name.strip(): value.strip() for name, _, value in pairs}


def _absurd(error: ValidationError) -> DeclarationError:
    found = mistakes(error, WhatIf)
    return DeclarationError(
        "; ".join(_flag(item.key) + item.what for item in found),
        hint="; ".join(item.hint for item in found if item.hint),
    )


def _flag(key: str) -> str:
    return f"--{key.replace('_', '-')}: " if key else ""


def _row(setting: Setting, major: int) -> dict[str, Any]:
    parameter = lookup(setting.name, major)
    return asdict(setting) | {
        "comment": setting.comment,
        "context": parameter.context,
        "restart": parameter.needs_restart,
        "default": parameter.default,
        "unit": parameter.unit,
    }


def _explained(name: str, rows: Sequence[dict[str, Any]], major: int) -> dict[str, Any]:
    parameter = lookup(name, major)
    for row in rows:
        if row["name"] == parameter.name:
            low, high = parameter.minimum, parameter.maximum
            return row | {"minimum": low, "maximum": high, "values": list(parameter.values)}
    raise UsageError(
        f"labdb does not compute {parameter.name}",
        why=f"PostgreSQL's own default stands: {parameter.default or 'empty'}"
        + (f" {parameter.unit}" if parameter.unit else ""),
        hint="declare it in postgresql.parameters, or try it with --set",
    )


def _findings(found: Tuning, inputs: Inputs) -> tuple[Finding, ...]:
    space = data_budget(inputs)
    small = () if space.fits else (too_small(space, "a larger data disk, or less data"),)
    return (*memory_findings(found.budget), *small)


def _plain(inputs: Inputs) -> dict[str, Any]:
    return {
        "machine": asdict(inputs.machine),
        "load": asdict(inputs.load),
        "major": inputs.major,
        "by_hand": dict(inputs.by_hand),
    }
