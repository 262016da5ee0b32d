"""Logical exports: make them now, and what the server's ledger says of the earlier ones."""

from typing import Any

from labdb.adapters import shell
from labdb.adapters.inventory import Declaration
from labdb.domain.recovery.ledger import lines
from labdb.errors import DeclarationError, RunError
from labdb.operations import jobs
from labdb.operations.provision import Watcher
from labdb.report import Finding, Report

UNIT = "labdb-export.service"
LEDGER = "/var/lib/labdb/exports.jsonl"


def export(declaration: Declaration, watcher: Watcher) -> Report:
    """Export every declared database now, prove each export, and return the verdicts.

    Raises:
        DeclarationError: no exports are declared.
        RunError: they are being made already, or ended without a verdict.
        UnreachableError: the guest does not answer.
    """
    _must_be_declared(declaration)
    before = len(ledger(declaration))
    ended = jobs.run(declaration, UNIT, watcher, command="export")
    made = ledger(declaration)[before:]
    if not made:
        raise RunError(
            "the exports ended without a verdict",
            why="; ".join(ended.lines[-3:]),
            hint=f"journalctl -u {UNIT} has all of it",
        )
    findings = tuple(Finding(**item) for line in made for item in line["findings"])
    passed = sum(line["verdict"] == "passed" for line in made)
    return Report(
        "export",
        declaration.server.name,
        f"{passed} of {len(made)} databases exported and proven",
        findings=findings,
        phases=ended.phases,
        data={"exports": made},
    )


def history(declaration: Declaration) -> Report:
    """Return what the server's ledger says, oldest first.

    Raises:
        UnreachableError: the guest does not answer.
    """
    made = ledger(declaration)
    newest = {line["database"]: line for line in made}
    findings = tuple(
        Finding(**item)
        for line in newest.values()
        for item in line["findings"]
        if item["severity"] != "ok"
    )
    passed = sum(line["verdict"] == "passed" for line in made)
    return Report(
        "export",
        declaration.server.name,
        f"{passed} of {len(made)} exports are proven",
        findings=findings,
        data={"exports": made},
    )


def ledger(declaration: Declaration) -> list[dict[str, Any]]:
    """Return the lines of the server's ledger, oldest first."""
    seen = shell.probe(shell.guest_of(declaration), {"texts": [LEDGER]})
    return lines(seen["texts"].get(LEDGER, ""))


def _must_be_declared(declaration: Declaration) -> None:
    if declaration.server.backup.export is None:
        raise DeclarationError(
            f"{declaration.server.name} has no exports",
            why="backup.export is not declared",
            hint="declare backup: {export: {}} and provision",
        )
