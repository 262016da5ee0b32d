"""Compare an instance that was restored with the running one, table by table."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from labdb.adapters import shell
from labdb.adapters.content import query
from labdb.adapters.inventory import Declaration
from labdb.domain.health import answer
from labdb.domain.recovery.fingerprint import differences, fingerprints
from labdb.domain.recovery.target import RecoveryTarget, lsn_bytes, written
from labdb.domain.variables import restored_directory
from labdb.report import Finding

FINGERPRINT_SECONDS = 4 * 3600.0
"""Every row of every table of a database is read."""
AGAIN = "run the same command again; nothing is restored twice"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What recovery reached, the tables that differ, and what has to be said about both.

    *tables* is None where one of the two does not answer.
    """

    reached: Mapping[str, Any]
    tables: list[dict[str, Any]] | None
    findings: tuple[Finding, ...]


def compare(
    declaration: Declaration, target: RecoveryTarget, *, port: int, database: str = ""
) -> Comparison:
    """Compare every table of every database, or of *database* alone.

    Raises:
        UnreachableError: the guest does not answer.
    """
    path = f"{restored_directory(declaration.server)}/reached.json"
    known = {"databases": ("postgres", "databases")}
    running = _ask(declaration, declaration.server.postgresql.port, known)
    restored = _ask(declaration, port, known, texts=[path])
    told = json.loads(restored["texts"][path])
    findings = [_reached(told, target)]
    before, after = answer(restored, "databases"), answer(running, "databases")
    if before is None or after is None:
        error = (restored if before is None else running)["queries"]["databases"].get("error", "")
        what = "the two servers were not compared"
        findings.append(Finding("comparison", "warning", what, error, AGAIN))
        return Comparison(told["reached"], None, tuple(findings))
    names = [database] if database else sorted({*before, *after})
    sides = [
        _ask(declaration, at, {name: (name, "fingerprint") for name in names if name in there})
        for at, there in ((port, before), (declaration.server.postgresql.port, after))
    ]
    tables: list[dict[str, Any]] = []
    for name in names:
        errors = [side["queries"].get(name, {}).get("error") for side in sides]
        if any(errors):
            what = f"database {name} was not compared"
            why = next(error for error in errors if error)
            findings.append(Finding("comparison", "warning", what, why, AGAIN))
            continue
        found = differences(*(fingerprints(answer(side, name) or ()) for side in sides))
        tables += [{"database": name, "kind": item.kind, **asdict(item)} for item in found]
    return Comparison(told["reached"], tables, tuple(findings))


def _ask(
    declaration: Declaration,
    port: int,
    asked: Mapping[str, tuple[str, str]],
    *,
    texts: Sequence[str] = (),
) -> dict[str, Any]:
    """Ask the instance on *port*: by name of the answer, a database and a query."""
    queries = [
        {"name": name, "database": database, "sql": query(sql), "seconds": FINGERPRINT_SECONDS}
        for name, (database, sql) in asked.items()
    ]
    return shell.probe(
        shell.guest_of(declaration),
        {"port": port, "queries": queries, "texts": list(texts)},
        seconds=FINGERPRINT_SECONDS * max(1, len(queries)),
    )


def _reached(told: Mapping[str, Any], target: RecoveryTarget) -> Finding:
    """Say how far recovery came; the latest has to have all that was closed before it."""
    reached, closed = told["reached"], told["closed"]
    last = reached["time"]
    moment = written(datetime.fromtimestamp(last, tz=UTC)) if last else "none"
    what = f"recovered to LSN {reached['lsn']}, last commit {moment}"
    if target.kind == "latest" and closed:
        ends, wanted = lsn_bytes(reached["lsn"]), lsn_bytes(closed["lsn"])
        if ends < wanted:
            why = f"the running server had written up to {closed['lsn']}, and that is not archived"
            hint = "labdb status says whether archiving works; pgbackrest verify finds a gap"
            return Finding("recovery", "warning", what, why, hint)
    return Finding("recovery", "ok", f"{what}, timeline {int(reached['timeline'], 16)}")
