"""A restore drill: which moment it goes to, its verdict, and its figures for monitoring."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from labdb.domain.recovery.exposition import Gauge, exposition
from labdb.report import Finding

Verdict = Literal["passed", "unproven", "failed", "refused"]
RECOVERING = ("restore", "replay to the record", "replay to the target")
"""The phases that somebody who waits for the data would wait for."""


@dataclass(frozen=True, slots=True)
class Drill:
    """One drill, as a line of the ledger; times in seconds, *size* in bytes.

    *rpo* is the age of the oldest commit that could have been lost at its beginning. A drill that
    was *refused* restored nothing, and its finding says why.
    """

    begin: str
    stanza: str
    findings: Sequence[Finding]
    set: str = ""
    kind: str = ""
    stop: str = ""
    repository: int = 0
    target: str = ""
    record: str = ""
    size: int = 0
    rpo: float = 0.0
    phases: Mapping[str, float] = field(default_factory=dict)
    refused: bool = False

    @property
    def verdict(self) -> Verdict:
        """Return whether the backup proved itself."""
        if self.refused:
            return "refused"
        worst = {finding.severity for finding in self.findings}
        if "critical" in worst:
            return "failed"
        return "unproven" if "warning" in worst else "passed"

    @property
    def rto(self) -> float:
        """Return the seconds from nothing to an open server, checks left out."""
        return round(sum(self.phases.get(name, 0.0) for name in RECOVERING), 3)

    def line(self) -> dict[str, Any]:
        """Return the ledger's line."""
        return asdict(self) | {"verdict": self.verdict, "rto": self.rto}


def random_moment(first: datetime, last: datetime, seed: int) -> datetime:
    """Return a moment from *first* to *last*, by the random number *seed*."""
    span = max((last - first).total_seconds(), 0.0)
    return first + timedelta(seconds=random.Random(seed).uniform(0, span))  # noqa: S311  # no secret


def metrics(lines: Sequence[Mapping[str, Any]]) -> str:
    """Return the figures of the newest of the ledger's *lines*, as node_exporter reads them."""
    newest = lines[-1]
    good = [line for line in lines if line["verdict"] == "passed"]
    stanza = {"stanza": newest["stanza"]}
    told = (
        ("last_timestamp_seconds", "When the newest drill began.", _epoch(newest)),
        (
            "last_success_timestamp_seconds",
            "When the newest drill that passed began; 0 when none has.",
            _epoch(good[-1]) if good else 0,
        ),
        ("passed", "Whether the newest drill passed.", newest["verdict"] == "passed"),
        ("rto_seconds", "From nothing to an open server.", newest["rto"]),
        ("rpo_seconds", "Age of commits that could have been lost.", newest["rpo"]),
        ("restored_bytes", "Size of the restored files.", newest["size"]),
    )
    gauges = [Gauge(f"labdb_drill_{name}", why, stanza, value) for name, why, value in told]
    gauges += [
        Gauge("labdb_drill_phase_seconds", "What each phase took.", stanza | {"phase": name}, took)
        for name, took in newest["phases"].items()
    ]
    return exposition(gauges)


def _epoch(line: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(line["begin"]).timestamp()
