"""What can go wrong, one class per exit code; each error says what, why and what to do."""

from typing import ClassVar


class LabdbError(Exception):
    """Base of every error that labdb reports to its user.

    ``what`` is one line of what happened, ``why`` one line of the reason (often the
    other side's own words), ``hint`` one line of what to do about it.
    """

    exit_code: ClassVar[int] = 70
    code: ClassVar[str] = "internal"

    def __init__(self, what: str, *, why: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.hint = hint

    def __str__(self) -> str:
        """Return the three lines, without the empty ones."""
        return "\n".join(part for part in (self.what, self.why, self.hint) if part)

    def to_dict(self) -> dict[str, str]:
        """Return the error as the ``error`` member of the JSON envelope."""
        return {"code": self.code, "what": self.what, "why": self.why, "hint": self.hint}


class UsageError(LabdbError):
    """The command line itself is wrong."""

    exit_code = 2
    code = "usage"


class DeclarationError(LabdbError):
    """The declaration cannot be read, or asks for something that cannot be."""

    exit_code = 3
    code = "declaration"


class UnreachableError(LabdbError):
    """The Proxmox API, the guest or PostgreSQL does not answer, or refuses who we are."""

    exit_code = 4
    code = "unreachable"


class RunError(LabdbError):
    """A run was started and did not reach its end; what was done stays as it is."""

    exit_code = 5
    code = "run-failed"


class RefusedError(LabdbError):
    """labdb could, but will not: the change is forbidden, or somebody else is at work."""

    exit_code = 6
    code = "refused"
