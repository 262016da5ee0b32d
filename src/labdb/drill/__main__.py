"""``labdb-drill run | record | clear``: what the server's timers start."""

import argparse
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import NoReturn

from labdb.domain.recovery.drill import Drill, metrics
from labdb.drill.instance import Instance, folder_is_free
from labdb.drill.ledger import keep
from labdb.drill.record import record
from labdb.drill.settings import Settings, Wanted
from labdb.drill.trial import Trial
from labdb.errors import LabdbError, RefusedError, RunError, UnreachableError
from labdb.report import Finding

SETTINGS = Path("/etc/labdb/drill.json")


def main() -> int:
    """Run one command and return its exit code: 0 proven, 1 not, 5 broken, 6 refused."""
    parser = argparse.ArgumentParser(prog="labdb-drill", description=__doc__)
    parser.add_argument("command", choices=["run", "record", "clear"])
    parser.add_argument("--settings", type=Path, default=SETTINGS)
    given = parser.parse_args()
    settings = Settings.read(given.settings)
    signal.signal(signal.SIGTERM, _end)
    try:
        if given.command == "record":
            _say(f"fingerprints recorded: {record(settings)}")
            return 0
        if given.command == "clear":
            if folder_is_free(settings.directory):
                Instance(settings).clear()
            return 0
        return _drill(settings)
    except LabdbError as error:
        _say("; ".join(part for part in (error.what, error.why, error.hint) if part))
        return error.exit_code


def _drill(settings: Settings) -> int:
    begin = datetime.now(tz=UTC).isoformat(timespec="seconds")
    try:
        drill = Trial(settings, Wanted.taken(settings.request), _say).run()
    except RefusedError as error:
        finding = Finding("drill", "critical", error.what, error.why, error.hint)
        _keep(settings, Drill(begin, settings.stanza, (finding,), refused=True))
        raise
    except (RunError, UnreachableError) as error:
        finding = Finding("repository", "critical", error.what, error.why, error.hint)
        drill = Drill(begin, settings.stanza, (finding,))
    _keep(settings, drill)
    for finding in drill.findings:
        _say(f"{finding.severity}: {finding.what}" + (f"; {finding.why}" if finding.why else ""))
    _say(f"{drill.verdict}: {drill.set}, RTO {drill.rto:.1f} s, RPO {drill.rpo:.1f} s")
    return int(drill.verdict != "passed")


def _keep(settings: Settings, drill: Drill) -> None:
    keep(settings.ledger, drill.line(), settings.metrics, metrics)


def _say(what: str) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    """Take SIGTERM as an exception: the scratch instance is taken away in order."""
    raise SystemExit(1)


if __name__ == "__main__":
    sys.exit(main())
