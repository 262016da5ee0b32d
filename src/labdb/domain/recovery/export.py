"""A logical export: its verdict, how long it is kept, and its figures for monitoring."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from labdb.domain.recovery.exposition import Gauge, exposition
from labdb.report import Finding

Verdict = Literal["passed", "failed"]
NAMED = "%Y%m%dT%H%M%SZ"
"""How an export's folder is called: the moment of its beginning, in UTC."""


@dataclass(frozen=True, slots=True)
class Export:
    """One export of one database, as a line of the ledger; times in seconds, *size* in bytes."""

    begin: str
    database: str
    path: str
    size: int
    phases: Mapping[str, float]
    findings: Sequence[Finding] = field(default=())

    @property
    def verdict(self) -> Verdict:
        """Return whether the export gave back what the database held."""
        return "failed" if any(item.is_problem for item in self.findings) else "passed"

    def line(self) -> dict[str, Any]:
        """Return the ledger's line."""
        return asdict(self) | {"verdict": self.verdict}


def is_expired(name: str, days: int, now: datetime) -> bool:
    """Tell whether the export in the folder *name* is older than so many *days*.

    A folder of another name is nobody's to remove.

    >>> is_expired("20260101T040000Z", 90, datetime(2026, 5, 1, tzinfo=UTC))
    True
    """
    with suppress(ValueError):
        made = datetime.strptime(name, NAMED).replace(tzinfo=UTC)
        return now - made > timedelta(days=days)
    return False


def newest(lines: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return the newest of the ledger's *lines* of each database."""
    return {line["database"]: line for line in lines}


def metrics(lines: Sequence[Mapping[str, Any]]) -> str:
    """Return the figures of each database's newest export, as node_exporter reads them."""
    good = newest([line for line in lines if line["verdict"] == "passed"])
    gauges: list[Gauge] = []
    for database, line in newest(lines).items():
        labels = {"database": database}
        success = _epoch(good[database]) if database in good else 0
        gauges += [
            Gauge("labdb_export_last_timestamp_seconds", "When it began.", labels, _epoch(line)),
            Gauge(
                "labdb_export_last_success_timestamp_seconds",
                "When the newest that passed began; 0 when none has.",
                labels,
                success,
            ),
            Gauge(
                "labdb_export_passed",
                "Whether the newest gave back what the database held.",
                labels,
                line["verdict"] == "passed",
            ),
            Gauge("labdb_export_bytes", "Size of the newest.", labels, line["size"]),
        ]
    return exposition(gauges)


def _epoch(line: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(line["begin"]).timestamp()
