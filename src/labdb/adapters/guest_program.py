"""The files of labdb that run on the server itself: drill, export, and what decides them."""

import hashlib
from pathlib import Path

from labdb.adapters.content import PACKAGE

PARTS = (
    "__init__.py",
    "errors.py",
    "report.py",
    "domain/__init__.py",
    "domain/recovery/__init__.py",
    "domain/recovery/archive.py",
    "domain/recovery/choice.py",
    "domain/recovery/clock.py",
    "domain/recovery/drill.py",
    "domain/recovery/evidence.py",
    "domain/recovery/export.py",
    "domain/recovery/exposition.py",
    "domain/recovery/fingerprint.py",
    "domain/recovery/ledger.py",
    "domain/recovery/records.py",
    "domain/recovery/space.py",
    "domain/recovery/target.py",
    "drill/__init__.py",
    "drill/__main__.py",
    "drill/instance.py",
    "drill/ledger.py",
    "drill/process.py",
    "drill/record.py",
    "drill/settings.py",
    "drill/trial.py",
    "export/__init__.py",
    "export/__main__.py",
    "export/dump.py",
    "export/settings.py",
    "sql/archiver.sql",
    "sql/databases.sql",
    "sql/extensions.sql",
    "sql/fingerprint.sql",
    "sql/relation_files.sql",
)
"""Whatever they import is among them or comes with Python: tests/contract/test_guest_program.py."""


def files(destination: str) -> list[dict[str, str]]:
    """Return each part's *source* here, its *path* below *destination*, and its *sha256*."""
    return [
        {
            "source": str(PACKAGE / part),
            "path": str(Path(destination, "labdb", part)),
            "sha256": hashlib.sha256((PACKAGE / part).read_bytes()).hexdigest(),
        }
        for part in PARTS
    ]
