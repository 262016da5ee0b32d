"""Two data directories change places by renames; wherever that is cut, both are still there."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[3] / "roles" / "pgbackrest_replace" / "files"
MOVES = range(1, 4)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A running data directory, and a restored one beside it."""
    data = tmp_path / "pg01"
    for path, name in ((data, "old"), (tmp_path / "pg01.restored", "new")):
        (path / "global").mkdir(parents=True)
        (path / "global" / "pg_control").write_bytes(b"system: " + name.encode())
        (path / "PG_VERSION").write_text("16")
        (path / "name").write_text(name)
    for name in ("labdb-replacement.json", "recovery.signal"):
        (tmp_path / "pg01.restored" / name).write_text("{}")
    return data


@pytest.fixture
def killer(tmp_path: Path) -> Path:
    """A folder with an mv that kills the script that called it, after so many moves."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "mv").write_text(
        '#!/bin/sh\n/bin/mv "$@" || exit\necho >>"$MOVES"\n'
        'test "$(wc -l <"$MOVES")" -ne "$KILLED_AFTER" || kill -KILL "$PPID"\n'
    )
    (folder / "mv").chmod(0o755)
    return folder


def _run(script: str, data: Path, **environment: str) -> int:
    text = (SCRIPTS / f"{script}.sh").read_text(encoding="utf-8")
    return subprocess.run(
        ["sh", "-c", text, str(data)],
        check=False,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
    ).returncode


def _killed(script: str, data: Path, killer: Path, moves: int) -> None:
    _run(
        script,
        data,
        PATH=f"{killer}:{os.environ['PATH']}",
        MOVES=str(killer / "moves"),
        KILLED_AFTER=str(moves),
    )


def _there(data: Path) -> dict[str, str]:
    """Return which of the two has which name."""
    return {
        path.name.removeprefix("pg01"): (path / "name").read_text()
        for path in data.parent.glob("pg01*")
    }


def _opens(data: Path) -> None:
    """As PostgreSQL does at the end of recovery."""
    (data / "recovery.signal").unlink()


def _is_for_good(data: Path) -> None:
    """As the role does at its end."""
    (data / "labdb-replacement.json").unlink()


def _is_to_go_back(data: Path) -> None:
    """As the role prepares what is kept, where the other has opened."""
    for name in ("recovery.signal", "labdb-taken-back"):
        (data.with_name("pg01.before") / name).touch()


@pytest.mark.parametrize("moves", MOVES)
def test_an_exchange_that_is_cut_is_known_and_gone_on_with(
    data: Path, killer: Path, moves: int
) -> None:
    assert _run("cut", data) == 1
    _killed("exchange", data, killer, moves)
    assert _run("cut", data) == 0
    assert _run("exchange", data) == 0
    assert _there(data) == {"": "new", ".before": "old"}


@pytest.mark.parametrize("first", MOVES)
@pytest.mark.parametrize("second", MOVES)
def test_an_exchange_that_is_cut_goes_back_however_often_that_is_cut_too(
    data: Path, killer: Path, first: int, second: int
) -> None:
    _killed("exchange", data, killer, first)
    (killer / "moves").unlink()
    _killed("back", data, killer, second)
    assert _run("back", data) == 0
    # It never opened, and is no more than restored files.
    assert _there(data) == {"": "old", ".restored": "new"}
    assert _run("cut", data) == 1


@pytest.mark.parametrize("moves", MOVES)
def test_what_has_opened_is_kept_when_it_gives_way(data: Path, killer: Path, moves: int) -> None:
    _run("exchange", data)
    _opens(data)
    assert _run("opened", data) == 0
    _is_for_good(data)
    _is_to_go_back(data)
    _killed("back", data, killer, moves)
    assert _run("half_back", data) == 0
    # Whoever asks now must not let it change places once more.
    assert _run("opened", data) == 1
    assert _run("back", data) == 0
    assert _there(data) == {"": "old", ".before": "new"}
    assert _run("back", data) == 0
    assert _there(data) == {"": "old", ".before": "new"}


def test_a_timeline_is_needed_among_those_of_one_cluster_alone(data: Path) -> None:
    _run("exchange", data)
    assert _run("opened", data) == 1
    _opens(data)
    assert _run("opened", data) == 0
    (data / "global" / "pg_control").write_bytes(b"another: new")
    assert _run("opened", data) == 2


def test_what_does_not_start_when_it_is_taken_back_gives_way_again(data: Path) -> None:
    _run("exchange", data)
    _opens(data)
    _is_for_good(data)
    _is_to_go_back(data)
    _run("back", data)
    (data / "labdb-taken-back").unlink()
    assert _run("back", data) == 0
    assert _there(data) == {"": "new", ".before": "old"}
    assert _run("half_back", data) == 1


def test_nothing_is_moved_over_something(data: Path) -> None:
    (data.with_name("pg01.before")).mkdir()
    (data.with_name("pg01.before") / "name").write_text("older")
    assert _run("exchange", data) != 0
    assert _there(data) == {"": "old", ".before": "older", ".restored": "new"}


def test_a_server_that_ends_while_it_starts_is_not_waited_for(tmp_path: Path) -> None:
    # systemd waits on for a PID file that nobody is left to write, until it is told to stop.
    (tmp_path / "systemctl").write_text(
        "#!/bin/sh\ncase $1 in\n"
        f"start) until test -e {tmp_path}/stopped; do sleep 0.1; done ;;\n"
        f"stop) touch {tmp_path}/stopped ;;\n"
        'show) printf "MainPID=0\\nControlPID=0\\nActiveState=activating\\n" ;;\nesac\n'
    )
    (tmp_path / "systemctl").chmod(0o755)
    text = (SCRIPTS / "start.sh").read_text(encoding="utf-8")
    done = subprocess.run(
        ["sh", "-c", text, "postgresql@16-main"],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        timeout=30,
    )
    assert done.returncode == 1
    assert "ended while it started" in done.stderr
