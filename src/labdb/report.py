"""What happened, or would happen: changes, findings, and the report that holds them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Literal

ENVELOPE_VERSION = 1


class Effect(StrEnum):
    """When a change takes effect."""

    CREATE = "create"
    LIVE = "live"
    NEXT_SESSION = "next session"
    RELOAD = "reload"
    RESTART = "restart"
    NEXT_BOOT = "next boot"
    CLOUD_INIT = "cloud-init re-run"
    FORBIDDEN = "forbidden"


Severity = Literal["ok", "info", "warning", "critical"]


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs: *subject* (guest, disk, parameter ...), *before* and *after*."""

    subject: str
    field: str
    before: str | None
    after: str | None
    effect: Effect
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that is not as declared, in each place that has a say in it.

    The places are the declaration, the files that PostgreSQL reads, what runs now, and what
    Proxmox VE has configured; None where a place has nothing. *effect* is when the declared
    value would be in force.
    """

    subject: str
    field: str
    effect: Effect
    declared: str | None = None
    file: str | None = None
    running: str | None = None
    hypervisor: str | None = None
    reason: str = ""

    @property
    def change(self) -> Change:
        """What mending it changes: *before* is what the first place has that differs."""
        there = [at for at in (self.running, self.file, self.hypervisor) if at is not None]
        now = next((at for at in there if at != self.declared), there[0] if there else None)
        return Change(self.subject, self.field, now, self.declared, self.effect, self.reason)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: *check* is its stable name, *what* a sentence."""

    check: str
    severity: Severity
    what: str
    why: str = ""
    hint: str = ""

    @property
    def is_problem(self) -> bool:
        """Tell whether somebody has to act on it."""
        return self.severity in ("warning", "critical")


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of a run and the seconds it took."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """The answer of an operation; the command line renders it and takes its exit code."""

    command: str
    server: str
    summary: str
    changes: Sequence[Change] = ()
    findings: Sequence[Finding] = ()
    phases: Sequence[Phase] = ()
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """Return 6 for a forbidden change, 1 when something needs attention, else 0."""
        if any(change.effect is Effect.FORBIDDEN for change in self.changes):
            return 6
        return int(any(finding.is_problem for finding in self.findings))

    def to_dict(self) -> dict[str, Any]:
        """Return the versioned JSON envelope."""
        return {
            "version": ENVELOPE_VERSION,
            "command": self.command,
            "server": self.server,
            "summary": self.summary,
            "changes": [asdict(change) for change in self.changes],
            "findings": [asdict(finding) for finding in self.findings],
            "phases": [asdict(phase) for phase in self.phases],
            "data": self.data,
            "error": None,
        }
