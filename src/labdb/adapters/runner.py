"""Run a playbook with ansible-runner and turn what it reports into events.

Source of the event names: ansible-runner's documentation, "Runner Event Structure".
"""

import json
import os
import queue
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labdb.adapters import content
from labdb.errors import RunError
from labdb.events import Event, RunFinished, TaskFinished, TaskStarted, TaskStatus

GRACE_SECONDS = 20.0
COMMAND_NOT_FOUND = 127
WORDS_KEPT = 3
"""Lines of a command that failed without a word on its standard error."""

_STATUS: Mapping[str, TaskStatus] = {
    "runner_on_ok": "ok",
    "runner_on_failed": "failed",
    "runner_on_skipped": "skipped",
    "runner_on_unreachable": "unreachable",
}
_STARTED = ("playbook_on_task_start", "playbook_on_handler_task_start")
_ITEM = "runner_item_on_ok"


@dataclass(frozen=True, slots=True)
class PlaybookRun:
    """What to run: a playbook of ours, on one server of an inventory."""

    playbook: str
    inventory: Path
    limit: str
    vault_key: str = field(default="", repr=False)
    variables: Mapping[str, Any] = field(default_factory=dict)
    secret_variables: Mapping[str, Any] = field(default_factory=dict, repr=False)
    tags: tuple[str, ...] = ()
    check: bool = False
    verbosity: int = 0
    path: Path | None = None


def run(wanted: PlaybookRun, *, started: Callable[[int], None] | None = None) -> Iterator[Event]:
    """Yield the events of the playbook while it runs; the last one is its end.

    *started* gets the process id of ``ansible-playbook``. When the consumer stops early, or
    a signal ends it, the playbook is interrupted and waited for.

    Raises:
        RunError: ``ansible-playbook`` is not installed beside labdb.
    """
    with tempfile.TemporaryDirectory(prefix="labdb-run-") as private:
        session = _Session(wanted, Path(private), started)
        session.start()
        try:
            yield from session.events()
        finally:
            session.stop()


class _Session:
    """One run of ansible-runner in a thread of its own; its events come through a queue."""

    def __init__(
        self, wanted: PlaybookRun, private: Path, started: Callable[[int], None] | None
    ) -> None:
        self._arguments = _arguments(wanted, private)
        self._started = started
        self._queue: queue.Queue[Event | BaseException | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, name="ansible-runner", daemon=True)
        self._translate = _Translator()
        self._pid: int | None = None
        self._cancelled = False

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def events(self) -> Iterator[Event]:
        """Yield what happens until the playbook has ended."""
        while (item := self._queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    def stop(self) -> None:
        """Interrupt the playbook the polite way, then by force; no child stays behind."""
        for number in (signal.SIGINT, signal.SIGTERM):
            if not self._thread.is_alive():
                return
            if self._pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(self._pid, number)
                self._thread.join(timeout=GRACE_SECONDS)
        # ansible-runner then kills the whole process group.
        self._cancelled = True
        self._thread.join(timeout=GRACE_SECONDS)

    def _work(self) -> None:
        try:
            self._queue.put(self._run())
        except BaseException as error:  # noqa: BLE001 - raised again where events are consumed
            self._queue.put(error)
        finally:
            self._queue.put(None)

    def _run(self) -> RunFinished:
        from ansible_runner.interface import init_runner  # noqa: PLC0415 - only a run needs it

        begin = time.monotonic()
        runner: Any = init_runner(
            **self._arguments, event_handler=self._on_event, cancel_callback=self._is_cancelled
        )
        ours = self._arguments["envvars"]
        runner.config.env = _own_environment(runner.config.env, ours)
        runner.run()
        if runner.rc == COMMAND_NOT_FOUND:
            raise RunError(
                "ansible-playbook could not be started",
                why=f"it is neither in {Path(sys.executable).parent} nor on PATH",
                hint="install labdb again: ansible belongs to its dependencies",
            )
        seconds = time.monotonic() - begin
        message = ""
        if runner.rc != 0:
            with runner.stdout as output:
                message = _complaint(output.read())
        return RunFinished(str(runner.status), int(runner.rc), seconds, message)

    def _is_cancelled(self) -> bool:
        return self._cancelled

    def _on_event(self, event: Mapping[str, Any]) -> bool:
        if self._pid is None and isinstance(event.get("pid"), int):
            self._pid = event["pid"]
            if self._started:
                self._started(event["pid"])
        for translated in self._translate(event):
            self._queue.put(translated)
        return False  # ansible-runner need not keep it: events.jsonl does


def _complaint(output: str) -> str:
    """Return what Ansible itself said, for a run that failed before or outside its tasks."""
    lines = [line.strip() for line in output.splitlines()]
    said = [line.split("]: ", 1)[-1] for line in lines if line.startswith(("[ERROR]", "ERROR!"))]
    return "\n".join(dict.fromkeys(said))


def _own_environment(environment: Mapping[str, str], ours: Mapping[str, str]) -> dict[str, str]:
    """Return *environment* without what the operator's shell says to Ansible, and our key."""
    return {
        name: value
        for name, value in environment.items()
        if name in ours
        or not name.startswith(("ANSIBLE_", "LABDB_VAULT_KEY"))
        or os.environ.get(name) != value
    }


class _Translator:
    """ansible-runner's events to ours."""

    def __init__(self) -> None:
        self._number = 0
        self._printed = ""

    def __call__(self, event: Mapping[str, Any]) -> Iterator[Event]:
        kind, data = event.get("event", ""), event.get("event_data", {})
        if kind in _STARTED:
            self._printed = ""
            self._number += 1
            yield TaskStarted(
                self._number, data.get("role", ""), _task(data), str(data.get("play", ""))
            )
        elif kind == _ITEM:
            self._printed += f"{event.get('stdout', '')}\n"
        elif kind in _STATUS:
            self._printed += str(event.get("stdout", ""))
            result = data.get("res") or {}
            yield TaskFinished(
                host=str(data.get("host", "")),
                role=data.get("role", ""),
                task=_task(data),
                status=_status(kind, data, result, self._printed),
                seconds=float(data.get("duration") or 0.0),
                message=_message(kind, result),
                diff=_diff(result),
                error=dict(result.get("labdb_error") or {}),
            )


def _task(data: Mapping[str, Any]) -> str:
    return str(data.get("task", ""))


def _status(
    kind: str, data: Mapping[str, Any], result: Mapping[str, Any], printed: str
) -> TaskStatus:
    status = _STATUS[kind]
    if status == "failed" and data.get("ignore_errors"):
        return "ok"
    changed = bool(result.get("changed"))
    if "censored" in result:
        # Of a task with no_log ansible-runner keeps nothing, not even this; Ansible prints it.
        changed = any(line.startswith("changed: [") for line in printed.splitlines())
    return "changed" if status == "ok" and changed else status


def _message(kind: str, result: Mapping[str, Any]) -> str:
    if kind == "runner_on_ok":
        return ""
    if kind == "runner_on_skipped":
        return str(result.get("skip_reason") or result.get("msg") or "")
    # pgBackRest complains on its standard output.
    said = result.get("stderr") or "\n".join((result.get("stdout_lines") or ())[-WORDS_KEPT:])
    parts = [result.get("msg"), said, result.get("module_stderr")]
    parts += [
        item.get("msg")
        for item in result.get("results") or []
        if isinstance(item, dict) and item.get("failed")
    ]
    return "\n".join(dict.fromkeys(str(part).strip() for part in parts if part))


def _diff(result: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    diff = result.get("diff")
    if isinstance(diff, dict):
        diff = [diff]
    return tuple(item for item in diff or [] if isinstance(item, dict) and any(item.values()))


def _arguments(wanted: PlaybookRun, private: Path) -> dict[str, Any]:
    environment = content.ansible_environment()
    beside = str(Path(sys.executable).parent)
    environment["PATH"] = os.pathsep.join([beside, os.environ.get("PATH", os.defpath)])
    # The path of a Unix socket has 107 bytes; a home directory may use up most of them.
    environment["ANSIBLE_SSH_CONTROL_PATH_DIR"] = str(private / "cp")
    options = ["--check", "--diff"] if wanted.check else []
    options += ["--tags", ",".join(wanted.tags)] if wanted.tags else []
    if wanted.vault_key:
        key_file = _secret_file(private / "vault-key", wanted.vault_key)
        environment["ANSIBLE_VAULT_PASSWORD_FILE"] = str(key_file)
    if wanted.secret_variables:
        text = json.dumps(dict(wanted.secret_variables))
        options += ["--extra-vars", f"@{_secret_file(private / 'secrets.json', text)}"]
    return {
        "private_data_dir": str(private),
        "playbook": str(wanted.path or content.playbook(wanted.playbook)),
        "inventory": str(wanted.inventory),
        "limit": wanted.limit,
        "envvars": environment,
        "extravars": dict(wanted.variables),
        "cmdline": " ".join(options),
        "verbosity": wanted.verbosity or None,
        "quiet": True,
        "suppress_env_files": True,
        "settings": {"suppress_ansible_output": True, "pexpect_timeout": 1},
    }


def _secret_file(path: Path, text: str) -> Path:
    """Write *text* where only this user can read it; the directory goes with the run."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    return path
