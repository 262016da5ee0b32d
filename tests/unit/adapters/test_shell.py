"""A guest is asked only over a pinned key, and only where its network is ours."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from labdb.adapters import shell
from labdb.errors import UnreachableError
from labdb.probe import guest as program

GUEST = shell.Guest("192.0.2.7", "labdb", Path("/state/known_hosts"), Path("/state/key"))


class Answers:
    """Stands in for ``subprocess.run``: says what it was told to, and remembers the question."""

    def __init__(self, code: int, out: str = "", err: str = "") -> None:
        self.done = subprocess.CompletedProcess([], code, out, err)
        self.command: list[str] = []
        self.text = ""

    def __call__(self, command: list[str], **how: Any) -> subprocess.CompletedProcess[str]:
        self.command, self.text = command, how.get("input", "")
        return self.done


def _ssh(monkeypatch: pytest.MonkeyPatch, code: int, out: str = "", err: str = "") -> Answers:
    answers = Answers(code, out, err)
    monkeypatch.setattr(subprocess, "run", answers)
    return answers


def test_the_host_key_must_be_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    ssh = _ssh(monkeypatch, 0, '{"system": {}}')
    assert shell.probe(GUEST, {"system": True}) == {"system": {}}
    assert "StrictHostKeyChecking=yes" in ssh.command
    assert "UserKnownHostsFile=/state/known_hosts" in ssh.command
    assert ssh.command[-1] == "sudo -n python3 -"


@pytest.mark.parametrize(
    ("code", "said", "told"),
    [
        (255, "Host key verification failed.", "is not who it was"),
        (255, "labdb@192.0.2.7: Permission denied (publickey).", "does not let us in"),
        (255, "connect to host 192.0.2.7 port 22: Connection refused", "does not answer on SSH"),
        (1, "sudo: a password is required", "cannot be looked at from inside"),
    ],
)
def test_every_way_of_not_getting_in_has_its_own_words(
    monkeypatch: pytest.MonkeyPatch, code: int, said: str, told: str
) -> None:
    _ssh(monkeypatch, code, err=said)
    with pytest.raises(UnreachableError, match=told) as caught:
        shell.probe(GUEST, {})
    assert caught.value.why == said
    assert caught.value.hint


def test_a_test_address_that_is_not_on_this_machine_gets_no_packet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = _ssh(monkeypatch, 0, json.dumps([{"dst": "198.18.20.8", "gateway": "10.0.0.1"}]))
    with pytest.raises(UnreachableError, match=r"network with 198\.18\.20\.8 is not up"):
        shell.probe(shell.Guest("198.18.20.8", "labdb", Path("/x")), {})
    assert asked.command[0] == "ip"


def test_a_test_address_without_any_route_gets_no_packet(monkeypatch: pytest.MonkeyPatch) -> None:
    _ssh(monkeypatch, 2, err="RTNETLINK answers: Network is unreachable")
    with pytest.raises(UnreachableError, match="labdb lab up"):
        shell.must_be_local("198.19.20.8")


def test_a_test_address_on_our_own_network_is_spoken_to(monkeypatch: pytest.MonkeyPatch) -> None:
    _ssh(monkeypatch, 0, json.dumps([{"dst": "198.18.20.8", "dev": "br-lab"}]))
    shell.must_be_local("198.18.20.8")


def test_an_odd_name_in_a_question_cannot_become_code(monkeypatch: pytest.MonkeyPatch) -> None:
    ssh = _ssh(monkeypatch, 0, "{}")
    evil = '\'); import os; os.abort() #"""\n'
    shell.probe(GUEST, {"mounts": [evil]})
    last = ssh.text.rstrip().splitlines()[-1]
    assert last.startswith("print(json.dumps(look(json.loads(")
    compile(ssh.text, "probe", "exec")
    assert "import os; os.abort()" not in [line.strip() for line in ssh.text.splitlines()]


def test_the_program_answers_only_what_it_is_asked() -> None:
    assert program.look({}) == {}
    assert set(program.look({"system": True, "mounts": ["/", "/no/such/mount"]})) == {
        "system",
        "mounts",
    }


def test_the_program_knows_the_disk_it_runs_on() -> None:
    found = program.look({"mounts": ["/", "/no/such/mount"]})["mounts"]
    assert list(found) == ["/"]
    assert 0 < found["/"]["used"] <= found["/"]["size"]


def test_small_files_are_told_and_missing_ones_left_out(tmp_path: Path) -> None:
    (tmp_path / "request.json").write_text("{}", encoding="utf-8")
    paths = [str(tmp_path / "request.json"), str(tmp_path / "reached.json")]
    assert program.look({"texts": paths}) == {"texts": {paths[0]: "{}"}}
    folders = [str(tmp_path), str(tmp_path / "none")]
    assert program.look({"folders": folders}) == {"folders": {folders[0]: ["request.json"]}}


LISTENING = """\
u_str LISTEN 0      128     /run/postgresql/.s.PGSQL.5433 5999            * 0
tcp   LISTEN 0      200                      127.0.0.1:5432         0.0.0.0:*
tcp   LISTEN 0      4096                          [::]:22              [::]:*
"""


def test_a_port_is_taken_by_tcp_or_by_a_socket_and_by_no_other_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(program, "run", lambda *_: (0, LISTENING, ""))
    assert program.look({"ports": [5432, 5433, 5999, 128, 22]}) == {"listeners": [5432, 5433, 22]}


def test_a_question_may_take_longer_than_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def answer(*_: str, text: str, seconds: float) -> tuple[int, str, str]:
        asked.append(seconds)
        return 0, f'"{text}"', ""

    monkeypatch.setattr(program, "run", answer)
    question = {"database": "postgres", "sql": "x"}
    wanted = [{"name": "a", **question}, {"name": "b", **question, "seconds": 900}]
    assert program.look({"queries": wanted})["queries"] == {"a": {"ok": "x"}, "b": {"ok": "x"}}
    assert asked == [program.TIMEOUT, 900]


REPOSITORY = {
    "archive/proj-pg01/16-1/0000000100000000/000000010000000000000008-{sha}.zst": 20,
    "archive/proj-pg01/16-1/0000000100000000/000000010000000000000009-{sha}.zst": 30,
    # On its way, and not there yet.
    "archive/proj-pg01/16-1/0000000100000000/00000001000000000000000A-{sha}.zst.pgbackrest.tmp": 90,
    "archive/proj-pg01/archive.info": 10,
    "backup/proj-pg01/backup.info": 10,
    "backup/proj-pg01/backup.history/2027/20270103-020000F.manifest.zst": 80,
    "backup/proj-pg01/20270103-020000F/backup.manifest": 40,
    "backup/proj-pg01/20270103-020000F/backup.manifest.copy": 41,
    "backup/proj-pg01/20270103-020000F/bundle/1": 25,
    "backup/proj-pg01/20270103-020000F_20270104-030000D/backup.manifest": 70,
    "backup/proj-pg01/20270103-020000F_20270105-030000D/backup.manifest.copy": 85,
}
"""The files of a repository, each with its time; all have 100 bytes."""


def test_names_sizes_and_times_tell_what_an_unreadable_repository_holds(tmp_path: Path) -> None:
    for name, moment in REPOSITORY.items():
        path = tmp_path / name.format(sha="0123456789abcdef" * 2 + "01234567")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"?" * 100)
        os.utime(path, (moment, moment))
    missing = str(tmp_path / "nobody")
    answer = program.look({"repositories": [str(tmp_path), missing]})["repositories"]
    full, cut = "20270103-020000F", "20270103-020000F_20270105-030000D"
    assert answer == {
        str(tmp_path): {
            "size": 100 * len(REPOSITORY),
            "wal": {"name": "000000010000000000000009", "size": 100, "time": 30.0},
            "sets": [
                {"label": full, "size": 300, "stop": 40.0},
                {"label": f"{full}_20270104-030000D", "size": 100, "stop": 70.0},
                {"label": cut, "size": 100, "stop": None},
            ],
        }
    }


def test_an_empty_repository_holds_nothing(tmp_path: Path) -> None:
    answer = program.look({"repositories": [str(tmp_path)]})["repositories"]
    assert answer == {str(tmp_path): {"size": 0, "wal": None, "sets": []}}


def test_an_account_is_told_as_sshd_takes_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "root.key").write_text("ssh-ed25519 AAAA", encoding="utf-8")
    said = (
        f"chrootdirectory {tmp_path}/home-of-%u\nforcecommand internal-sftp -u 0027\n"
        f"authorizedkeysfile {tmp_path}/%u.key\npermittty no\n"
    )
    monkeypatch.setattr(program, "run", lambda *_: (0, said, ""))
    answer = program.look({"accounts": ["root", "nobody-of-that-name"]})["accounts"]
    assert answer["root"] == {
        "exists": True,
        "command": "internal-sftp -u 0027",
        "root": f"{tmp_path}/home-of-root",
        "safe": False,
        "key": True,
        "error": "",
    }
    assert (answer["nobody-of-that-name"]["exists"], answer["nobody-of-that-name"]["key"]) == (
        False, False,
    )  # fmt: skip


TRACKING = (
    "C0A80101,192.168.1.1,3,1800000000.1,-0.000021,0.0,0.00003,1.2,0.0,0.1,0.01,0.001,64.2,Normal"
)
STARTED = "ActiveState=active\nConditionResult=yes"
SKIPPED = "ActiveState=inactive\nConditionResult=no"


@pytest.mark.parametrize(
    ("unit", "tracking", "answer"),
    [
        (STARTED, (0, TRACKING, ""), {"skipped": False, "offset": -0.000021, "leap": "Normal"}),
        (SKIPPED, (1, "506 Cannot talk to daemon", ""),
         {"skipped": True, "error": "506 Cannot talk to daemon"}),
        (STARTED, (127, "", "no chronyc"), {"skipped": False, "error": "no chronyc"}),
    ],
)  # fmt: skip
def test_the_clock_is_told_by_chrony_where_it_may_run(
    monkeypatch: pytest.MonkeyPatch,
    unit: str,
    tracking: tuple[int, str, str],
    answer: dict[str, Any],
) -> None:
    monkeypatch.setattr(
        program, "run", lambda *words: tracking if words[0] == "chronyc" else (0, unit, "")
    )
    assert program.look({"clock": "chrony.service"})["clock"] == answer


def _pgbackrest(listed: str) -> Any:
    """Return a pgBackRest with two repositories, of which the second cannot be read."""
    codes = [{"key": 1, "status": {"code": 0}}, {"key": 2, "status": {"code": 99}}]

    def run(*command: str, **_how: Any) -> tuple[int, str, str]:
        assert "--repo=2" not in command
        return 0, json.dumps([{"repo": codes}]) if "info" in command else listed, ""

    return run


def test_the_archive_is_told_as_runs_without_a_gap_whatever_the_timeline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ["0000000100000000000000FE", "0000000100000000000000FF", "000000020000000100000000"]
    lines = [f"16-1/{name[:16]}/{name}-{'a' * 40}.zst" for name in names]
    lines.append(f"16-1/0000000200000001/000000020000000100000002-{'a' * 40}.zst")
    lines.append("16-1/00000002.history")
    monkeypatch.setattr(program, "run", _pgbackrest("\n".join(lines)))
    program.backups.cache_clear()
    assert program.archives("x") == {"1": {"ok": {"16-1": [[254, 256], [258, 258]]}}}
    program.backups.cache_clear()
