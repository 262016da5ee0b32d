"""The command line of catalogue checks, without a database."""

from pathlib import Path

import pytest

from labdb.cli import check
from labdb.cli.app import run


def test_a_report_without_matplotlib_is_told_before_anything_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(check, "find_spec", lambda name: None)
    assert run(["catalogue", "check", "--html", str(tmp_path / "a.html")]) == 2
    assert "astro-labdb[plot]" in capsys.readouterr().err


def test_a_password_on_the_command_line_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["catalogue", "check", "--conninfo", "host=x password=secret"]) == 2
    assert "secret" not in capsys.readouterr().err


def test_a_model_with_a_bad_expression_is_refused_before_anything_is_asked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "m.yaml").write_text(
        """
name: m
version: "1"
tables:
- name: t
  columns:
  - {name: a, datatype: double}
  - {name: source_id, datatype: int}
""",
        encoding="utf-8",
    )
    (tmp_path / "m.labdb.yaml").write_text(
        """
tables:
  t:
    files: x
    rules:
    - {name: evil, kind: present, columns: [a], where: "pg_terminate_backend(1)"}
""",
        encoding="utf-8",
    )
    assert run(["catalogue", "check", "--model", str(tmp_path / "m.yaml")]) == 3
    told = capsys.readouterr().err
    assert "rule evil" in told
    assert "pg_terminate_backend" in told
