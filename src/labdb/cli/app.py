"""The command ``labdb``: its tree, and the one place where errors become exit codes."""

import importlib
import json
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

import click

from labdb import __version__
from labdb.errors import LabdbError, UsageError
from labdb.report import ENVELOPE_VERSION

COMMANDS = {
    "plan": "labdb.cli.server:plan",
    "provision": "labdb.cli.server:provision",
    "verify": "labdb.cli.server:verify",
    "status": "labdb.cli.server:status",
    "drift": "labdb.cli.drift:drift",
    "backup": "labdb.cli.backup:backup",
    "restore": "labdb.cli.restore:restore",
    "restore-in-place": "labdb.cli.replace:restore_in_place",
    "drill": "labdb.cli.drill:drill",
    "export": "labdb.cli.export:export",
    "project": "labdb.cli.project:project",
    "catalogue": "labdb.cli.catalogue:catalogue",
    "doctor": "labdb.cli.doctor:doctor",
    "query": "labdb.cli.query:query",
    "plan-data": "labdb.cli.plan_data:plan_data",
    "release": "labdb.cli.release:release",
    "runbook": "labdb.cli.runbook:runbook",
    "tune": "labdb.cli.tuning:tune",
    "deprovision": "labdb.cli.server:deprovision",
    "init": "labdb.cli.inventory:init",
    "schema": "labdb.cli.inventory:schema",
    "secrets": "labdb.cli.secrets:secrets",
    "template": "labdb.cli.template:template",
    "lab": "labdb.cli.lab:lab",
    "completion": "labdb.cli.completion:completion",
}
"""Command name -> where it is; only the one that is called is imported."""

INTERRUPTED = 130


class LazyGroup(click.Group):
    """A group that imports a command when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of an operator's work."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command called *cmd_name*."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 needs attention, 2 usage, 3 declaration, 4 unreachable, "
    "5 run failed, 6 refused, 70 defect, 130 interrupted.",
)
@click.version_option(__version__, prog_name="labdb")
def cli() -> None:
    """Turn one declared server into a running, tuned, backed-up and proven PostgreSQL.

    \b
    Examples:
      labdb lab up
      labdb plan proj-pg01 -i inventories/lab
      labdb provision proj-pg01 -i inventories/lab
      labdb status proj-pg01 -i inventories/lab --json
    """


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code."""
    try:
        with _terminated_like_interrupted():
            answer = cli.main(args=list(arguments), prog_name="labdb", standalone_mode=False)
    except click.exceptions.Abort:
        sys.stderr.write("interrupted; what is done stays done, the next run takes it up\n")
        return INTERRUPTED
    except click.ClickException as error:
        return _tell(_usage(error), arguments)
    except LabdbError as error:
        return _tell(error, arguments)
    except BrokenPipeError:
        return 0
    except Exception as error:  # noqa: BLE001 - the last line of defence: exit code 70
        traceback.print_exc()
        return _tell(_defect(error), arguments)
    return answer if isinstance(answer, int) else 0


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """Take SIGTERM as Ctrl-C: whatever runs is ended in order, and nothing stays behind."""

    def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _usage(error: click.ClickException) -> UsageError:
    context = getattr(error, "ctx", None)
    where = context.command_path if context is not None else "labdb"
    return UsageError(error.format_message(), hint=f"see: {where} --help")


def _defect(error: Exception) -> LabdbError:
    return LabdbError(
        "this is a defect of labdb",
        why=f"{type(error).__name__}: {error}",
        hint="please report it with the lines above",
    )


def _tell(error: LabdbError, arguments: Sequence[str]) -> int:
    if "--json" in arguments:
        envelope: dict[str, Any] = {"version": ENVELOPE_VERSION, "error": error.to_dict()}
        sys.stdout.write(json.dumps(envelope, indent=2, ensure_ascii=False) + "\n")
    sys.stderr.write(f"error: {error.what}\n")
    for label, text in (("why", error.why), ("do", error.hint)):
        for number, line in enumerate(text.splitlines()):
            sys.stderr.write(f"{label if not number else '':>5}  {line}\n")
    return error.exit_code
