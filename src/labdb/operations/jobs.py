"""Start one of the server's scheduled jobs now, and watch it to its end."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labdb.adapters import shell
from labdb.adapters.inventory import Declaration
from labdb.operations.provision import Watcher, play_alone
from labdb.report import Phase

POLL_SECONDS = 2.0
_CLOCK = re.compile(r"^\S+ \S+ P\d+\s+(?:INFO: )?")
_OPTIONS = re.compile(r": --\S.*$")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a job ended: systemd's word for it, its exit code, what it said, and the phases."""

    result: str
    exit_code: int
    lines: tuple[str, ...]
    phases: tuple[Phase, ...]

    @property
    def succeeded(self) -> bool:
        """Tell whether systemd calls it a success."""
        return self.result == "success"


def plain(line: str) -> str:
    """Return a line of a job's journal without pgBackRest's clock, process and options.

    >>> plain("2026-11-25 12:29:57.218 P00   INFO: backup command begin 2.55.1: --stanza=x")
    'backup command begin 2.55.1'
    """
    return _OPTIONS.sub("", _CLOCK.sub("", line))


def run(
    declaration: Declaration,
    unit: str,
    watcher: Watcher,
    *,
    command: str,
    request: Mapping[str, Any] | None = None,
) -> Ended:
    """Start *unit* as its timer would, tell what it says, and return how it ended.

    An interruption ends the watching alone: the job goes on.

    Raises:
        RunError: the job runs already, or is not on the server.
        UnreachableError: the guest does not answer.
    """
    started = play_alone(
        declaration,
        command,
        {"job_start_unit": unit, "job_start_request": dict(request or {})},
        watcher,
        command=command,
        summary=lambda _: f"{unit} was started",
    )
    begin = time.monotonic()
    guest = shell.guest_of(declaration)
    heard = 0
    while True:
        seen = shell.probe(guest, {"units": [unit], "journals": [unit]})
        lines = seen["journals"][unit]
        for line in lines[heard:]:
            watcher.say(plain(line))
        heard = len(lines)
        state = seen["units"][unit]
        if state.get("ActiveState") not in ("activating", "active", "deactivating"):
            break
        time.sleep(POLL_SECONDS)
    return Ended(
        state.get("Result", ""),
        int(state.get("ExecMainStatus", 0) or 0),
        tuple(lines),
        (*started.phases, Phase(unit.partition(".")[0], round(time.monotonic() - begin, 3))),
    )
