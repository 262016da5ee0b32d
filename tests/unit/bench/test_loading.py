"""The figures of loads: which goals are met, and what the cores allow."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from bench import published
from bench.catalogue import report

RESULT: dict[str, Any] = {
    "date": "2026-01-01", "machine": "2 cores", "cores": 2, "load": "0", "rounds": 1, "files": 2,
    "bytes": 1 << 20, "rows": 1000, "columns": 3, "largest": 600,
    "ways": {
        "limit": {"copy": 8.0, "server_cpu": 8.0},
        "one job": {"look": 0.5, "rows": 10.0, "indexes": 1.5, "copy": 9.0, "client_cpu": 5.0,
                    "server_cpu": 11.0, "memory_mb": 180.0},
        "two jobs": {"look": 0.5, "rows": 8.0, "indexes": 1.5, "copy": 14.0, "client_cpu": 5.0,
                     "server_cpu": 11.0, "memory_mb": 260.0},
        "one job, one core": {"look": 0.5, "rows": 15.0, "indexes": 2.0},
        "two jobs, two cores": {"look": 0.5, "rows": 8.0, "indexes": 1.5},
        "adbc": {"copy": 9.5},
        "pandas": {"rows": 70.0, "indexes": 2.0},
        "orm": {"rows": 60.0, "count": 100},
    },
}  # fmt: skip


def test_a_goal_is_met_or_said_not_to_be() -> None:
    figures = {name: (round(figure, 2), met) for name, figure, _, met in report.goals(RESULT)}
    assert list(figures.values()) == [
        (0.89, True),  # 8 of 9 seconds
        (6.0, True),  # 72 of 12
        (60.0, True),  # 0.6 of 0.01 seconds a row
        (1.25, False),  # 10 of 8
        (1.88, True),  # 15 of 8
        (260.0, True),
    ]


def test_the_cores_limit_what_more_jobs_can_give() -> None:
    assert report.bound(RESULT) == 12 / 8
    unknown = copy.deepcopy(RESULT)
    unknown["ways"]["one job"]["server_cpu"] = 0.0
    assert report.bound(unknown) is None
    assert len(report.goals(unknown)) == len(report.goals(RESULT)) - 1, "nor what its cores do"


def test_tables_go_between_the_page_s_marks_and_nothing_else_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.md"
    page.write_text(report.PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(report, "PAGE", page)
    for _ in range(2):
        report.write(RESULT, tmp_path / "result.json")
    text = page.read_text(encoding="utf-8")
    assert text.count("**not met**") == 1
    assert text.count("1.50 times the rate") == 1
    assert text.endswith(report.PAGE.read_text(encoding="utf-8").split(published.END)[1])
    assert json.loads((tmp_path / "result.json").read_text(encoding="utf-8")) == RESULT
