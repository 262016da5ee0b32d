"""Write the report of a check as one HTML file."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import labdb
from labdb.adapters.catalogue import page
from labdb.report import Report

ORDER = ("failed", "warning", "passed", "skipped")


def write(report: Report, path: Path, moment: datetime | None = None) -> None:
    """Write *report* to *path*; what needs attention stands first in each table.

    Raises:
        UsageError: the file cannot be written.
    """
    data = report.data
    status = "failed" if data["failed"] else "warning" if data["warnings"] else "passed"
    page.write(
        path,
        page.html(
            {
                "database": data["database"],
                "expected": data["expected"],
                "moment": (moment or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC"),
                "status": status,
                "summary": report.summary,
                "version": labdb.__version__,
                "tables": [_table(one) for one in data["tables"]],
            }
        ),
    )


def _table(one: Mapping[str, Any]) -> dict[str, Any]:
    rules = [rule for rule in one["rules"] if not unasked(rule)]
    problems = [
        {"status": "failed", "rule": "table", "why": "", "sentence": text, "examples": [],
         "query": "", "observed": "", "wanted": ""}
        for text in one["problems"]
    ]  # fmt: skip
    files = f"{one['files']:,} file{'s' if one['files'] != 1 else ''}"
    return {
        "table": one["table"],
        "description": one["description"],
        "rows": f"{one['rows']:,}",
        "files": files,
        "model": f"{one['model']} {one['model_version']}",
        "shown": problems + sorted(rules, key=lambda rule: ORDER.index(rule["status"])),
        "unasked": sum(map(unasked, one["rules"])),
        "plots": one["plots"],
    }


def unasked(rule: Mapping[str, Any]) -> bool:
    """Tell whether a rule was left out because it holds for the whole survey alone."""
    return bool(rule["status"] == "skipped" and rule["scale"] == "full" and not rule["observed"])
