"""Restore drills: make one now, and what the server's ledger says of the earlier ones."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from labdb.adapters import shell
from labdb.adapters.inventory import Declaration
from labdb.errors import RefusedError, RunError
from labdb.operations import jobs
from labdb.operations.provision import Watcher
from labdb.report import Finding, Phase, Report

UNIT = "labdb-drill.service"
LEDGER = "/var/lib/labdb/drills.jsonl"


def drill(
    declaration: Declaration,
    watcher: Watcher,
    *,
    label: str = "",
    repository: int = 0,
    seed: int | None = None,
) -> Report:
    """Restore a set to scratch, prove it, and return the verdict.

    Raises:
        RefusedError: the drill was not begun: no set, no space, or the folder is not its own.
        RunError: one is under way already, or it ended without a verdict.
        UnreachableError: the guest does not answer.
    """
    before = len(ledger(declaration))
    request = {"label": label, "repository": repository, "seed": seed}
    wanted = request if label or repository or seed is not None else {}
    ended = jobs.run(declaration, UNIT, watcher, command="drill", request=wanted)
    lines = ledger(declaration)
    if len(lines) == before:
        raise RunError(
            "the drill ended without a verdict",
            why="; ".join(ended.lines[-3:]),
            hint=f"journalctl -u {UNIT} has all of it",
        )
    line = lines[-1]
    findings = tuple(Finding(**item) for item in line["findings"])
    if line["refused"]:
        raise RefusedError(findings[0].what, why=findings[0].why, hint=findings[0].hint)
    phases = tuple(Phase(name, seconds) for name, seconds in line["phases"].items())
    return Report(
        "drill",
        declaration.server.name,
        f"{line['verdict']}: {line['set']}, RTO {line['rto']:.1f} s, RPO {line['rpo']:.1f} s",
        findings=findings,
        phases=phases,
        data={"drill": _without_findings(line)},
    )


def history(declaration: Declaration) -> Report:
    """Return what the server's ledger says, oldest first.

    Raises:
        UnreachableError: the guest does not answer.
    """
    lines = ledger(declaration)
    findings: tuple[Finding, ...] = ()
    if not lines:
        what = "no drill was made yet"
        findings = (Finding("drill", "warning", what, hint="labdb drill makes one"),)
    elif lines[-1]["verdict"] != "passed":
        what = f"the newest drill, of {lines[-1]['begin']}, is {lines[-1]['verdict']}"
        why = "; ".join(item["what"] for item in lines[-1]["findings"] if _is_bad(item))
        hint = "docs/how-to/prove-a-backup.md, When a drill fails; labdb drill makes the next one"
        findings = (Finding("drill", "critical", what, why, hint),)
    passed = sum(line["verdict"] == "passed" for line in lines)
    return Report(
        "drill",
        declaration.server.name,
        f"{passed} of {len(lines)} drills passed",
        findings=findings,
        data={"drills": lines},
    )


def ledger(declaration: Declaration) -> list[dict[str, Any]]:
    """Return the lines of the server's ledger, oldest first."""
    seen = shell.probe(shell.guest_of(declaration), {"texts": [LEDGER]})
    return lines_of(seen["texts"].get(LEDGER, ""))


def lines_of(text: str) -> list[dict[str, Any]]:
    """Return the drills that a ledger's *text* holds."""
    return [json.loads(line) for line in text.splitlines()]


def _without_findings(line: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name != "findings"}


def _is_bad(item: Mapping[str, Any]) -> bool:
    return item["severity"] in ("warning", "critical")


def newest(lines: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the newest drill that was not refused; None where there is none."""
    return next((line for line in reversed(lines) if not line["refused"]), None)
