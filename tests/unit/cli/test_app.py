"""Each kind of error has its exit code, its three lines of text, and its JSON."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from labdb import errors
from labdb.cli import app
from labdb.cli.app import cli, run

INVENTORIES = Path(__file__).parents[3] / "inventories"
LAB = str(INVENTORIES / "lab")


def _failing(error: BaseException) -> click.Command:
    @click.command()
    @click.option("--json", "as_json", is_flag=True)
    def fail(*, as_json: bool) -> None:
        del as_json
        raise error

    return fail


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    def call(error: BaseException, *options: str) -> int:
        monkeypatch.setattr(app.LazyGroup, "get_command", lambda *_: _failing(error))
        return run(["fail", *options])

    return call


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.UsageError, 2),
        (errors.DeclarationError, 3),
        (errors.UnreachableError, 4),
        (errors.RunError, 5),
        (errors.RefusedError, 6),
        (errors.LabdbError, 70),
    ],
)
def test_every_error_has_its_exit_code_and_three_lines(
    fail: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    kind: type[errors.LabdbError],
    code: int,
) -> None:
    assert fail(kind("it broke", why="the reason", hint="the remedy")) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines() == ["error: it broke", "  why  the reason", "   do  the remedy"]


def test_an_error_is_json_when_json_was_asked_for(
    fail: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert fail(errors.RefusedError("no", why="because", hint="ask"), "--json") == 6
    answer = json.loads(capsys.readouterr().out)
    assert answer["version"] == 1
    assert answer["error"] == {"code": "refused", "what": "no", "why": "because", "hint": "ask"}


def test_a_defect_says_so_and_keeps_its_trace(
    fail: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert fail(ZeroDivisionError("division by zero")) == 70
    shown = capsys.readouterr().err
    assert "this is a defect of labdb" in shown
    assert "Traceback" in shown


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["plan"],
        ["plan", "proj-pg01"],
        ["plan", "proj-pg01", "-i", LAB, "--nonsense"],
        ["provision", "proj-pg01", "-i", LAB, "--check", "--verbose=x"],
    ],
)
def test_a_wrong_command_line_is_usage(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LABDB_INVENTORY", raising=False)
    assert run(arguments) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_the_missing_inventory_names_its_option_and_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LABDB_INVENTORY", raising=False)
    assert run(["plan", "proj-pg01"]) == 2
    shown = capsys.readouterr().err
    assert "--inventory" in shown
    assert "LABDB_INVENTORY" in shown


def test_the_inventory_may_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LABDB_INVENTORY", LAB)
    assert run(["plan", "proj-pg01", "--offline"]) == 0
    assert "shared_buffers" in capsys.readouterr().out


def test_an_unknown_server_is_a_wrong_declaration(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "proj-pg1", "-i", LAB, "--offline"]) == 3
    assert "did you mean proj-pg01?" in capsys.readouterr().err


def test_a_pipe_without_yes_is_refused_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labdb = Path(sys.executable).parent / "labdb"
    monkeypatch.setenv("LABDB_STATE", str(tmp_path))
    done = subprocess.run(
        [labdb, "provision", "proj-pg01", "-i", LAB],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_offline_plan_is_the_envelope_as_documented(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["plan", "proj-pg01", "-i", LAB, "--offline", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert set(answer) == {
        "version", "command", "server", "summary", "changes", "findings", "phases", "data", "error",
    }  # fmt: skip
    assert answer["command"] == "plan"
    assert answer["error"] is None
    parameters = {row["name"]: row for row in answer["data"]["parameters"]}
    assert all(row["reason"] for row in parameters.values())
    assert parameters["listen_addresses"]["value"] == "localhost,198.18.20.8"


def test_the_space_of_a_repository_host_is_planned_without_asking_anybody(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["plan", "proj-bak01", "-i", LAB, "--offline", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [item["check"] for item in answer["findings"]] == ["space.repository"]
    assert [row["part"] for row in answer["data"]["space"]] == [
        "full backups", "differential backups", "archived WAL",
    ]  # fmt: skip


def test_the_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema"]) == 0
    assert "guest" in json.loads(capsys.readouterr().out)["properties"]


def test_a_first_inventory_can_be_planned_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path / "mylab")
    asked = [
        "init", folder, "db1", "--address", "10.1.2.3/24", "--node", "pve1", "--vmid", "120",
        "--storage", "local-lvm", "--api-host", "pve1.example.org",
    ]  # fmt: skip
    assert run(asked) == 0
    assert run(["plan", "db1", "-i", folder, "--offline"]) == 0
    assert run(asked) == 6
    assert "exists already" in capsys.readouterr().err


def test_a_second_server_is_added_and_the_environment_is_kept(tmp_path: Path) -> None:
    shutil.copytree(LAB, tmp_path / "lab", ignore=shutil.ignore_patterns("vault.yml"))
    environment = tmp_path / "lab" / "group_vars" / "all" / "environment.yml"
    before = environment.read_text(encoding="utf-8")
    asked = [
        "init", str(tmp_path / "lab"), "db2", "--address", "198.18.20.18/24", "--node", "node06",
        "--vmid", "2018", "--storage", "nvmethin01", "--api-host", "127.0.0.1", "--vlan", "20",
    ]  # fmt: skip
    assert run(asked) == 0
    assert environment.read_text(encoding="utf-8") == before
    hosts = (tmp_path / "lab" / "hosts.yml").read_text(encoding="utf-8")
    assert "proj-pg01:" in hosts
    assert "db2:" in hosts


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--address", "10.1.2.3", "no prefix"),
        ("--address", "ten", "not an address with prefix"),
        ("--vmid", "12", "guest.vmid"),
        ("--node", "Node 1", "guest.node"),
    ],
)
def test_a_first_inventory_with_an_impossible_value_is_not_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, value: str, said: str
) -> None:
    asked = {
        "--address": "10.1.2.3/24", "--node": "pve1", "--vmid": "120",
        "--storage": "local-lvm", "--api-host": "pve1.example.org",
    } | {option: value}  # fmt: skip
    words = [word for pair in asked.items() for word in pair]
    assert run(["init", str(tmp_path / "mylab"), "db1", *words]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "mylab").exists()


def test_help_imports_nothing_slow() -> None:
    program = (
        "import sys; from labdb.cli.app import run; run(['--help']);"
        "print([name for name in ('ansible', 'ansible_runner', 'proxmoxer', 'psycopg', 'docker')"
        " if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_every_command_shows_an_example_in_its_help() -> None:
    def walk(command: click.Command, name: str) -> None:
        assert "Examples:" in (command.help or ""), name
        if isinstance(command, click.Group):
            context = click.Context(command, info_name=name)
            for child in command.list_commands(context):
                sub = command.get_command(context, child)
                assert sub is not None
                walk(sub, f"{name} {child}")

    walk(cli, "labdb")
