"""Restore drills: make one now, and what the server's ledger says of the earlier ones."""

from collections.abc import Mapping, Sequence
from typing import Any

from labdb.adapters import shell
from labdb.adapters.inventory import Declaration
from labdb.domain.recovery.ledger import lines
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
    made = ledger(declaration)
    if len(made) == before:
        raise RunError(
            "the drill ended without a verdict",
            why="; ".join(ended.lines[-3:]),
            hint=f"journalctl -u {UNIT} has all of it",
        )
    line = made[-1]
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
    made = ledger(declaration)
    findings: tuple[Finding, ...] = ()
    if not made:
        what = "no drill was made yet"
        findings = (Finding("drill", "warning", what, hint="labdb drill makes one"),)
    elif made[-1]["verdict"] != "passed":
        what = f"the newest drill, of {made[-1]['begin']}, is {made[-1]['verdict']}"
        why = "; ".join(item["what"] for item in made[-1]["findings"] if _is_bad(item))
        hint = "docs/how-to/prove-a-backup.md, When a drill fails; labdb drill makes the next one"
        findings = (Finding("drill", "critical", what, why, hint),)
    passed = sum(line["verdict"] == "passed" for line in made)
    return Report(
        "drill",
        declaration.server.name,
        f"{passed} of {len(made)} drills passed",
        findings=findings,
        data={"drills": made},
    )


def ledger(declaration: Declaration) -> list[dict[str, Any]]:
    """Return the lines of the server's ledger, oldest first."""
    seen = shell.probe(shell.guest_of(declaration), {"texts": [LEDGER]})
    return lines(seen["texts"].get(LEDGER, ""))


def _without_findings(line: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name != "findings"}


def _is_bad(item: Mapping[str, Any]) -> bool:
    return item["severity"] in ("warning", "critical")


def newest(made: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the newest drill that was not refused; None where there is none."""
    return next((line for line in reversed(made) if not line["refused"]), None)
