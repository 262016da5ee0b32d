"""``labdb tune`` answers with one clear message, the right exit code, and readable output."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from labdb.cli.app import cli, run
from labdb.cli.options import PeerName
from labdb.domain.peers import PEERS

TOP = Path(__file__).parents[3]
PRODUCTION = str(TOP / "inventories" / "production")
WHAT_IF = ("--cores", "8", "--memory", "8GB")


@pytest.fixture(autouse=True)
def _no_inventory_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LABDB_INVENTORY", raising=False)


def _json(capsys: pytest.CaptureFixture[str], *options: str, code: int = 0) -> Any:
    assert run(["tune", *options, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_a_declared_server_and_a_what_if_are_tuned(capsys: pytest.CaptureFixture[str]) -> None:
    declared = _json(capsys, "proj-pg01", "-i", PRODUCTION)
    asked = _json(capsys, "proj-pg01", "-i", PRODUCTION, "--memory", "16GB")
    assert declared["server"] == asked["server"] == "proj-pg01"
    assert declared["data"]["memory"] == 8 << 30
    assert asked["data"]["memory"] == 16 << 30
    assert asked["data"]["inputs"]["load"] == declared["data"]["inputs"]["load"]


def test_json_is_the_versioned_envelope(capsys: pytest.CaptureFixture[str]) -> None:
    answer = _json(capsys, *WHAT_IF)
    assert (answer["version"], answer["command"], answer["error"]) == (1, "tune", None)
    assert set(answer["data"]) == {
        "inputs",
        "parameters",
        "budget",
        "budget_total",
        "memory",
        "roles",
        "role_settings",
    }
    assert sum(line["size"] for line in answer["data"]["budget"]) == answer["data"]["budget_total"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--memory", "8gb"), 3),
        (("--memory", "8 GiB"), 3),
        (("--memory", "8192"), 3),
        (("--memory", "-8GB"), 3),
        (("--memory", "512MB"), 3),
        (("--cores", "0"), 3),
        (("--cores", "eight"), 2),
        (("--workload", "olpa"), 3),
        (("--set", "wrk_mem=4MB"), 3),
        (("--set", "work_mem"), 2),
        (("--set", "work_mem=256MB"), 3),
        (("--connections", "2000", "--analysts", "100"), 3),
        (("--explain", "deadlock_timeout"), 2),
        (("--explain", "shard_buffers"), 3),
        (("--compare", "pgtunes"), 2),
        (("proj-pg01",), 2),
        (("--conf", "--explain", "work_mem"), 2),
        (("--conf", "--compare", "stock"), 2),
    ],
)
def test_bad_input_has_one_message_and_its_exit_code(
    capsys: pytest.CaptureFixture[str], options: tuple[str, ...], code: int
) -> None:
    assert run(["tune", *options]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Traceback" not in shown.err
    assert [line[:7] for line in shown.err.splitlines()].count("error: ") == 1
    error = _json(capsys, *options, code=code)["error"]
    assert error["code"] == {2: "usage", 3: "declaration"}[code]
    if "--conf" not in options:
        assert f"error: {error['what']}\n" in shown.err


def test_an_accepted_risk_goes_on_with_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    risky = (*WHAT_IF, "--set", "work_mem=256MB", "--accept-risk")
    assert run(["tune", *risky]) == 1
    text = capsys.readouterr().out
    assert "warning  the memory budget does not hold" in text
    assert "the risk was accepted" in text
    (finding,) = _json(capsys, *risky, code=1)["findings"]
    assert finding["severity"] == "warning"
    assert run(["tune", *risky, "--conf"]) == 1
    assert capsys.readouterr().out.splitlines()[1].startswith("# warning: the memory budget")


def test_the_file_is_all_that_conf_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["tune", *WHAT_IF, "--conf"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert "shared_buffers = '2GB'" in shown.out.splitlines()
    assert all(not line or line[0] == "#" or " = '" in line for line in shown.out.splitlines())


def test_an_explanation_is_shown_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["tune", *WHAT_IF, "--explain", "shared_buffers"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "shared_buffers = 2GB"
    assert lines[2].split(maxsplit=1)[0] == "formula"
    assert not any("maintenance_work_mem" in line for line in lines)


def test_a_comparison_is_a_table_that_marks_what_does_not_fit(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["tune", *WHAT_IF, "--compare", "stock", "--compare", "autobase"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["parameter", "labdb", "stock", "autobase"]
    (buffers,) = [line.split() for line in lines if line.startswith("shared_buffers ")]
    assert buffers == ["shared_buffers", "2GB", "(128MB)", "2GB"]
    (analysts,) = [line.split() for line in lines if line.startswith("work_mem of analysts")]
    assert analysts[-2:] == ["(4MB)", "64MB"]
    (worst,) = [line for line in lines if line.startswith("worst case, of 8GB")]
    assert worst.count("does not fit") == 1
    assert worst.rstrip().endswith("GB does not fit")


def test_what_does_not_fit_is_red_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    shown = CliRunner().invoke(cli, ["tune", *WHAT_IF, "--compare", "autobase"]).output
    assert "\x1b[31m" in shown
    plain = CliRunner().invoke(cli, ["tune", *WHAT_IF, "--compare", "autobase", "--no-color"])
    assert "\x1b[31m" not in plain.output


def test_all_tuners_fit_into_a_pipe_without_folding(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["tune", *WHAT_IF, "--compare", "all"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["parameter", "labdb", *PEERS]
    (longest,) = [line for line in lines if line.startswith("autovacuum_freeze_max_age")]
    assert len(longest.split()) == 2 + len(PEERS)


def test_a_comparison_is_in_the_envelope(capsys: pytest.CaptureFixture[str]) -> None:
    compared = _json(capsys, *WHAT_IF, "--compare", "all")["data"]["comparison"]
    assert compared["tuners"] == ["labdb", *PEERS]
    assert set(compared) == {"tuners", "parameters", "memory"}


def test_the_help_names_every_tuner_and_a_shell_completes_them() -> None:
    shown = " ".join(CliRunner().invoke(cli, ["tune", "--help"]).output.split())
    for name in PEERS:
        assert name in shown
    found = PeerName().shell_complete(None, None, "pgt")  # type: ignore[arg-type]
    assert [item.value for item in found] == ["pgtune", "pgtune-dw"]
