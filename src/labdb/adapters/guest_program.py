"""What of labdb runs on the server itself, as one file: drill, export, and what decides them."""

import io
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

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


def archive() -> bytes:
    """Return the parts as a ZIP file that Python imports from; the same parts, the same bytes."""
    written = io.BytesIO()
    with ZipFile(written, "w") as file:
        for part in PARTS:
            # A time of its own would make every one differ from the last.
            entry = ZipInfo(f"labdb/{part}")
            file.writestr(entry, (PACKAGE / part).read_bytes(), ZIP_DEFLATED)
    return written.getvalue()
