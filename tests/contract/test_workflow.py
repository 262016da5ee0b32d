"""The pipeline that the repository ships plans on a pull request and applies after the merge."""

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from labdb.cli.app import cli

TOP = Path(__file__).parents[2]
WORKFLOW = TOP / ".github" / "workflows" / "labdb.yml"


@pytest.fixture(scope="module")
def workflow() -> dict[Any, Any]:
    read: dict[Any, Any] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    return read


def _script(job: dict[str, Any]) -> str:
    return "\n".join(step.get("run", "") for step in job["steps"])


def _calls(job: dict[str, Any]) -> list[list[str]]:
    found = re.findall(r"\.venv/bin/labdb ([^>|\n]+)", _script(job))
    return [shlex.split(text) for text in found]


def test_a_pull_request_is_planned_and_a_merge_is_applied(workflow: dict[Any, Any]) -> None:
    # YAML 1.1 reads the key "on" as true.
    assert set(workflow[True]) == {"pull_request", "push"}
    assert workflow[True]["push"] == {"branches": ["main"]}
    jobs = workflow["jobs"]
    assert [call[0] for call in _calls(jobs["plan"])] == ["plan"]
    assert [call[0] for call in _calls(jobs["apply"])] == ["provision"]
    assert jobs["apply"]["if"] == "github.event_name == 'push'"
    assert jobs["apply"]["needs"] == "test"
    assert "make test" in _script(jobs["test"])


def test_every_call_is_one_that_the_command_takes(workflow: dict[Any, Any]) -> None:
    for job in workflow["jobs"].values():
        for verb, *rest in _calls(job):
            command = cli.get_command(click.Context(cli), verb)
            assert command is not None
            context = click.Context(command, **cli.context_settings)
            options, _, _ = command.make_parser(context).parse_args(list(rest))
            assert "no_color" in options
            assert verb != "provision" or "yes" in options


def test_the_code_of_a_fork_never_reaches_the_lab(workflow: dict[Any, Any]) -> None:
    condition = workflow["jobs"]["plan"]["if"]
    assert "head.repo.full_name == github.repository" in condition


def test_secrets_come_by_the_documented_variables(workflow: dict[Any, Any]) -> None:
    page = (TOP / "docs" / "reference" / "environment-variables.md").read_text(encoding="utf-8")
    given: set[str] = set()
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            for name, value in step.get("env", {}).items():
                assert f"| `{name}` |" in page
                # One declared token, one secret: another name could not be let in.
                assert value == "${{ secrets." + name + " }}"
                given.add(name)
    assert given == {"PROXMOX_TOKEN_SECRET", "LABDB_VAULT_KEY"}


def test_a_refused_plan_is_shown_and_fails(workflow: dict[Any, Any]) -> None:
    script = _script(workflow["jobs"]["plan"])
    assert script.index("cat plan.txt") < script.index('[ "$code" -le 1 ]')
