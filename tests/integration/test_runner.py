"""A playbook runs as a stream of events, independent of the operator, and never outlives us."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labdb.adapters import content, rundir, runner
from labdb.adapters.runner import PlaybookRun
from labdb.errors import RunError
from labdb.events import Event, RunFinished, TaskFinished, TaskStarted

pytestmark = pytest.mark.ansible

PLAY = """
- name: On this machine
  hosts: all
  connection: local
  strategy: linear
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  tasks:
"""
HELLO = """
    - name: Say hello
      ansible.builtin.debug:
        msg: hello
    - name: Change something
      ansible.builtin.copy:
        content: changed
        dest: "{{ inventory_dir }}/changed"
        mode: "0600"
    - name: Leave out
      ansible.builtin.debug:
        msg: never
      when: false
"""
SLEEP = """
    - name: Sleep
      ansible.builtin.command: sleep {seconds}
      changed_when: false
"""


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    folder = tmp_path / "inventory"
    folder.mkdir()
    (folder / "hosts.yml").write_text("all: {hosts: {one: }}\n", encoding="utf-8")
    return folder


def _wanted(inventory: Path, tasks: str, **options: object) -> PlaybookRun:
    path = inventory.parent / "play.yml"
    path.write_text(PLAY + tasks, encoding="utf-8")
    return PlaybookRun("play", inventory, "one", path=path, **options)  # type: ignore[arg-type]  # options of the dataclass


def _end(events: list[Event]) -> RunFinished:
    assert isinstance(events[-1], RunFinished)
    return events[-1]


def _finished(events: list[Event]) -> dict[str, TaskFinished]:
    return {event.task: event for event in events if isinstance(event, TaskFinished)}


def test_every_task_begins_and_ends_in_order(inventory: Path) -> None:
    events = list(runner.run(_wanted(inventory, HELLO)))
    started = [event for event in events if isinstance(event, TaskStarted)]
    assert [event.number for event in started] == [1, 2, 3]
    assert {name: event.status for name, event in _finished(events).items()} == {
        "Say hello": "ok",
        "Change something": "changed",
        "Leave out": "skipped",
    }
    assert (_end(events).status, _end(events).rc) == ("successful", 0)


def test_check_mode_changes_nothing_and_tells_the_difference(inventory: Path) -> None:
    events = list(runner.run(_wanted(inventory, HELLO, check=True)))
    task = _finished(events)["Change something"]
    assert task.status == "changed"
    assert task.diff[0]["after"] == "changed"
    assert not (inventory / "changed").exists()


def test_a_failing_task_tells_its_own_reason(inventory: Path) -> None:
    fail = "\n    - name: Fail\n      ansible.builtin.fail:\n        msg: the disk is on fire\n"
    events = list(runner.run(_wanted(inventory, fail)))
    assert _finished(events)["Fail"].status == "failed"
    assert "the disk is on fire" in _finished(events)["Fail"].message
    assert _end(events).rc == 2


def test_a_broken_playbook_tells_ansibles_own_complaint(inventory: Path) -> None:
    events = list(runner.run(_wanted(inventory, "\n    - nonsense.module.name:\n")))
    assert _end(events).rc != 0
    assert "nonsense.module.name" in _end(events).message


def test_a_command_that_complains_on_its_output_is_heard(inventory: Path) -> None:
    tasks = """
    - name: Complain
      ansible.builtin.shell: "echo 'ERROR: [050]: unable to acquire lock'; exit 50"
      changed_when: false
"""
    events = list(runner.run(_wanted(inventory, tasks)))
    (failed,) = (event for event in events if isinstance(event, TaskFinished))
    assert "unable to acquire lock" in failed.message


def test_the_operators_ansible_settings_do_not_leak_in(
    inventory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".ansible.cfg").write_text("[defaults]\nforks = nonsense\n", encoding="utf-8")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("ANSIBLE_FORKS", "nonsense")
    monkeypatch.setenv("ANSIBLE_CONFIG", str(home / ".ansible.cfg"))
    monkeypatch.chdir(home)
    assert _end(list(runner.run(_wanted(inventory, HELLO)))).rc == 0


def test_our_filters_and_path_are_found_under_a_bare_path(
    inventory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("LABDB_STATE", "/somewhere")
    tasks = """
    - name: Use a filter of ours
      ansible.builtin.assert:
        that: "'x' | labdb_state('lab') == '/somewhere/lab/x'"
"""
    assert _end(list(runner.run(_wanted(inventory, tasks)))).rc == 0


def test_secrets_reach_the_playbook_and_neither_arguments_nor_environment(
    inventory: Path,
) -> None:
    tasks = """
    - name: Look at the run
      ansible.builtin.shell: "tr '\\\\0' ' ' < /proc/$PPID/cmdline; ps axww -o args; env"
      register: seen
      changed_when: false
      no_log: true
    - name: The secret is known, and is not to be seen
      ansible.builtin.assert:
        that:
          - secret_word | length == 20
          - secret_word not in seen.stdout
          - vault_word not in seen.stdout
        quiet: true
      vars:
        vault_word: "{{ 'tlaer' | reverse }}-key-of-the-vault"
"""
    wanted = _wanted(
        inventory,
        tasks,
        vault_key="realt-key-of-the-vault",
        secret_variables={"secret_word": "s3cr3t-" + "x" * 13},
    )
    events = list(runner.run(wanted))
    assert _end(events).rc == 0, _end(events).message


def test_a_change_that_must_not_be_seen_is_counted_all_the_same(inventory: Path) -> None:
    tasks = """
    - name: Write a secret
      ansible.builtin.copy: {content: s3cr3t, dest: "{{ inventory_dir }}/it", mode: "0600"}
      no_log: true
    - name: Write it again
      ansible.builtin.copy: {content: s3cr3t, dest: "{{ inventory_dir }}/it", mode: "0600"}
      no_log: true
    - name: Write that and another one
      ansible.builtin.copy: {content: s3cr3t, dest: "{{ inventory_dir }}/{{ item }}", mode: "0600"}
      loop: [other, it]
      no_log: true
"""
    events = list(runner.run(_wanted(inventory, tasks)))
    found = [event.status for event in events if isinstance(event, TaskFinished)]
    assert found == ["changed", "ok", "changed"]


def test_the_private_directory_goes_with_the_run(
    inventory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    assert _end(list(runner.run(_wanted(inventory, HELLO, vault_key="key")))).rc == 0
    assert list((tmp_path / "tmp").glob("labdb-run-*")) == []


def test_a_missing_ansible_is_told_as_such(
    inventory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = inventory.parent / "empty" / "python"
    empty.parent.mkdir()
    monkeypatch.setattr(sys, "executable", str(empty))
    monkeypatch.setenv("PATH", str(empty.parent))
    with pytest.raises(RunError, match="ansible-playbook could not be started"):
        list(runner.run(_wanted(inventory, HELLO)))


def _alive(needle: str) -> bool:
    listed = subprocess.run(
        ["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True
    )
    return any(needle in line for line in listed.stdout.splitlines())


def test_leaving_early_ends_the_playbook_and_its_children(inventory: Path) -> None:
    pids: list[int] = []
    events = runner.run(_wanted(inventory, SLEEP.format(seconds="61.25")), started=pids.append)
    for event in events:
        if isinstance(event, TaskStarted):
            break
    time.sleep(1)
    events.close()  # type: ignore[attr-defined]  # it is a generator
    assert pids
    assert not Path(f"/proc/{pids[0]}").exists()
    assert not _alive(str(inventory))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_in_order(inventory: Path, number: signal.Signals) -> None:
    wanted = _wanted(inventory, SLEEP.format(seconds="62.5"))
    program = (
        "import sys, click; from pathlib import Path; from labdb.adapters import runner;"
        "from labdb.cli import app;"
        f"wanted = runner.PlaybookRun('x', Path({str(inventory)!r}), 'one',"
        f" path=Path({str(wanted.path)!r}));"
        "command = click.Command('x', callback=lambda: [print(event, flush=True)"
        " for event in runner.run(wanted)]);"
        "app.LazyGroup.get_command = lambda *_: command;"
        "sys.exit(app.run(['x']))"
    )
    # A job that a shell runs in the background ignores SIGINT, and so would its children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert "TaskStarted" in process.stdout.readline()
        time.sleep(1)
        os.kill(process.pid, number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the next run takes it up" in said
    assert not _alive("sleep 62.5")


def test_a_killed_run_is_taken_up_by_the_next_one(
    inventory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABDB_STATE", str(tmp_path / "state"))
    wanted = _wanted(inventory, SLEEP.format(seconds="63.75"))
    program = (
        "from pathlib import Path; from labdb.adapters import rundir, runner;"
        f"wanted = runner.PlaybookRun('x', Path({str(inventory)!r}), 'one',"
        f" path=Path({str(wanted.path)!r}));"
        "manager = rundir.lock('lab', 'one'); held = manager.__enter__();"
        "[print(event, flush=True) for event in runner.run(wanted, started=held.note_playbook)]"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    assert "TaskStarted" in process.stdout.readline()
    time.sleep(1)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    with rundir.lock("lab", "one"):
        assert not _alive(str(inventory))
        assert not _alive("sleep 63.75")
    assert _end(list(runner.run(_wanted(inventory, HELLO)))).rc == 0


def test_every_playbook_of_a_command_is_there() -> None:
    for name in ("provision", "deprovision", "guest", "template_build", "restore"):
        assert content.playbook(name).is_file()
