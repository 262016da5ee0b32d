"""What is happening while a playbook runs: a stream of small frozen values."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

TaskStatus = Literal["ok", "changed", "failed", "skipped", "unreachable"]


@dataclass(frozen=True, slots=True)
class TaskStarted:
    """A task has begun; *number* counts tasks from 1, *role* is empty outside roles."""

    number: int
    role: str
    task: str
    play: str = ""


@dataclass(frozen=True, slots=True)
class TaskFinished:
    """A task has ended on *host* with *status* after *seconds*.

    *error* is the ``code``, ``what``, ``why`` and ``hint`` of a module of ours that failed.
    """

    host: str
    role: str
    task: str
    status: TaskStatus
    seconds: float
    message: str = ""
    diff: tuple[dict[str, Any], ...] = field(default=())
    error: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The playbook has ended; *status* is ansible-runner's word, *rc* Ansible's exit code.

    *message* is what Ansible itself complained about, outside of any task.
    """

    status: str
    rc: int
    seconds: float
    message: str = ""


Event = TaskStarted | TaskFinished | RunFinished


def to_dict(event: Event) -> dict[str, Any]:
    """Return *event* as one line of ``events.jsonl``: its fields and its ``kind``."""
    return {"kind": type(event).__name__} | asdict(event)
