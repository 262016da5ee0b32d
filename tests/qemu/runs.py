"""The playbook run on the machine by labdb's own runner, told while it runs."""

import logging
import time
from dataclasses import dataclass
from typing import Any

from labdb.adapters import vault
from labdb.adapters.inventory import Declaration
from labdb.adapters.runner import PlaybookRun, run
from labdb.events import RunFinished, TaskFinished

SLOW_SECONDS = 5.0
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ran:
    """The tasks of one run, in order."""

    tasks: tuple[TaskFinished, ...]

    @property
    def changed(self) -> list[str]:
        return [f"{task.role}: {task.task}" for task in self.tasks if task.status == "changed"]

    def status(self, role: str, task: str) -> str:
        """Return how the only task of that name went."""
        (found,) = [item for item in self.tasks if (item.role, item.task) == (role, task)]
        return found.status


def play(declaration: Declaration, **variables: Any) -> Ran:
    """Run the playbook that production runs; a failure tells the task and its reason."""
    wanted = PlaybookRun(
        "server",
        declaration.inventory,
        declaration.server.name,
        vault_key=vault.key(declaration),
        variables=variables,
    )
    begin, tasks, end = time.monotonic(), [], None
    for event in run(wanted):
        if isinstance(event, TaskFinished):
            tasks.append(event)
            _tell(event)
        elif isinstance(event, RunFinished):
            end = event
    seconds = time.monotonic() - begin
    assert end is not None
    assert end.rc == 0, "\n".join([end.message, *_failures(tasks)])
    ran = Ran(tuple(tasks))
    log.info("%d of %d tasks changed, %.0f s", len(ran.changed), len(tasks), seconds)
    return ran


def _tell(task: TaskFinished) -> None:
    if task.seconds > SLOW_SECONDS:
        log.info("%s: %s, %.0f s", task.role, task.task, task.seconds)


def _failures(tasks: list[TaskFinished]) -> list[str]:
    bad = [task for task in tasks if task.status in ("failed", "unreachable")]
    return [f"{task.role}: {task.task} {task.status}: {task.message}" for task in bad]
