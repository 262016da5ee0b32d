"""Judge a postgresql.conf that somebody has: ``labdb tune --lint``."""

import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labdb.adapters.inventory import Declaration
from labdb.domain.conf_file import parse
from labdb.domain.conf_lint import ORDER
from labdb.domain.conf_lint import lint as judge
from labdb.domain.conf_values import Against
from labdb.errors import UsageError
from labdb.operations.tune import inputs_for
from labdb.report import Report

STANDARD_INPUT = Path("-")


def lint(path: Path, declaration: Declaration | None, flags: Mapping[str, Any]) -> Report:
    """Return what there is to say about the file at *path*; nothing is changed.

    Args:
        path: the file, or ``-`` for standard input.
        declaration: the server that it is for; None where flags say all that is known.
        flags: machine and major version, by the names of :class:`labdb.operations.tune.WhatIf`.

    Raises:
        DeclarationError: a flag's value is absurd.
        UsageError: the file cannot be read.
    """
    against = _against(declaration, flags)
    file = parse(_text(path))
    remarks = judge(file, against)
    counts = Counter(item.finding.severity for item in remarks)
    told = ", ".join(f"{counts[severity]} {severity}" for severity in ORDER if counts[severity])
    return Report(
        "tune",
        "standard input" if path == STANDARD_INPUT else str(path),
        f"{len(file.settings)} settings for PostgreSQL {against.major}; {told or 'nothing to say'}",
        findings=tuple(item.finding for item in remarks),
        data={
            "file": str(path),
            "lines": [
                {"line": item.line, "parameter": item.parameter, "check": item.finding.check}
                for item in remarks
            ],
        },
    )


def _against(declaration: Declaration | None, flags: Mapping[str, Any]) -> Against:
    """Return what is known of the machine: a default of the flags is no knowledge."""
    inputs = inputs_for(declaration, flags, ())

    def known(name: str) -> bool:
        return declaration is not None or flags.get(name) is not None

    name = declaration.server.name if declaration else ""
    return Against(
        major=inputs.major,
        memory=inputs.machine.memory if known("memory") else None,
        cores=inputs.machine.cores if known("cores") else None,
        analysts=inputs.load.analysts,
        archiving=f"the declaration of {name} has backups" if name else "",
    )


def _text(path: Path) -> str:
    try:
        if path == STANDARD_INPUT:
            return sys.stdin.read()
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path} cannot be read", why=str(error), hint="a postgresql.conf is UTF-8 text"
        ) from error
