"""``labdb-export``: what the server's timer starts; every declared database in turn."""

import argparse
import sys
from pathlib import Path

from labdb.domain.recovery.export import Export, metrics
from labdb.drill.instance import Instance, folder_is_free
from labdb.drill.ledger import keep
from labdb.errors import LabdbError, RefusedError
from labdb.export.dump import export
from labdb.export.settings import Settings

SETTINGS = Path("/etc/labdb/export.json")


def main() -> int:
    """Export everything and return the exit code: 0 all proven, 1 not, 5 broken, 6 refused."""
    parser = argparse.ArgumentParser(prog="labdb-export", description=__doc__)
    parser.add_argument("command", choices=["run", "clear"])
    parser.add_argument("--settings", type=Path, default=SETTINGS)
    given = parser.parse_args()
    settings = Settings.read(given.settings)
    try:
        if not folder_is_free(settings.drill.directory):
            raise RefusedError(
                f"{settings.drill.directory} holds files that no export left there",
                hint="move them away; nothing was changed",
            )
        if given.command == "clear":
            Instance(settings.drill).clear()
            return 0
        made = [_one(settings, database) for database in settings.databases]
    except LabdbError as error:
        _say("; ".join(part for part in (error.what, error.why, error.hint) if part))
        return error.exit_code
    return int(any(item.verdict != "passed" for item in made))


def _one(settings: Settings, database: str) -> Export:
    made = export(settings, database, _say)
    keep(settings.ledger, made.line(), settings.metrics, metrics)
    for finding in made.findings:
        _say(f"{finding.severity}: {finding.what}" + (f"; {finding.why}" if finding.why else ""))
    return made


def _say(what: str) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
