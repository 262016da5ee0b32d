"""``labdb tune --lint`` as an operator meets it."""

import io
import json
from pathlib import Path

import pytest

from labdb.cli.app import run

INVENTORIES = Path(__file__).parents[3] / "inventories"


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    return tmp_path / "postgresql.conf"


def test_a_problem_is_exit_code_one_and_names_its_line(
    conf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conf.write_text("ssl = on\nfsync = off\n", encoding="utf-8")
    assert run(["tune", "--lint", str(conf)]) == 1
    shown = capsys.readouterr().out
    assert "critical line 2: fsync is off" in shown
    assert "parameter " not in shown.splitlines()[0]


def test_what_is_merely_worth_knowing_is_exit_code_zero(conf: Path) -> None:
    conf.write_text("ssl = on\nwork_mem = 4MB\n", encoding="utf-8")
    assert run(["tune", "--lint", str(conf), "--memory", "8GB"]) == 0


def test_json_has_line_parameter_and_check_of_every_finding(
    conf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conf.write_text("ssl = on\nfsync = off\n", encoding="utf-8")
    run(["tune", "--lint", str(conf), "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert len(answer["data"]["lines"]) == len(answer["findings"])
    assert answer["data"]["lines"][0] == {
        "line": 2,
        "parameter": "fsync",
        "check": "conf.durability",
    }


def test_flags_say_what_it_is_judged_against(
    conf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conf.write_text("ssl = on\nmax_connections = 500\nwork_mem = 8MB\n", encoding="utf-8")
    assert run(["tune", "--lint", str(conf), "--memory", "64GB"]) == 0
    assert run(["tune", "--lint", str(conf), "--memory", "4GB"]) == 1
    assert run(["tune", "--lint", str(conf), "--memory", "4GB", "--major", "15"]) == 3
    assert "--major" in capsys.readouterr().err


def test_a_declared_server_demands_what_it_declares(
    conf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conf.write_text("ssl = on\n", encoding="utf-8")
    inventory = str(INVENTORIES / "production")
    assert run(["tune", "proj-pg01", "-i", inventory, "--lint", str(conf)]) == 1
    assert "the declaration of proj-pg01 has backups" in capsys.readouterr().out


def test_standard_input_is_a_file_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("ssl = on\nwork_mem = 8gb\n"))
    assert run(["tune", "--lint", "-"]) == 1
    assert "tune standard input: 2 settings" in capsys.readouterr().out


def test_what_cannot_be_read_is_a_wrong_use(conf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["tune", "--lint", str(conf)]) == 2
    conf.write_bytes(b"work_mem = \xff\n")
    assert run(["tune", "--lint", str(conf)]) == 2
    assert "UTF-8" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--conf"], ["--set", "work_mem=8MB"], ["--explain", "jit"]])
def test_a_file_is_judged_as_it_is(conf: Path, option: list[str]) -> None:
    conf.write_text("ssl = on\n", encoding="utf-8")
    assert run(["tune", "--lint", str(conf), *option]) == 2
