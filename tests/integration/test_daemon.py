"""A process that outlives the command which started it."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labdb.errors import RefusedError, RunError
from labdb.lab import host
from labdb.lab.daemon import Daemon


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    made = Daemon("http.server", tmp_path / "pid", tmp_path / "log")
    yield made
    made.stop()


def test_it_is_up_when_start_returns_and_gone_after_stop(daemon: Daemon) -> None:
    port = free_port()
    arguments = ("--bind", "127.0.0.1", str(port))
    daemon.start(*arguments, ready=lambda: answers(port), timeout=20)
    first = daemon.pid()
    daemon.start(*arguments, ready=lambda: answers(port), timeout=20)
    assert daemon.pid() == first
    daemon.stop()
    assert daemon.pid() is None
    assert not answers(port)
    assert not daemon.pid_file.exists()


def test_one_that_ends_at_once_says_its_last_words(daemon: Daemon) -> None:
    with pytest.raises(RunError, match="ended before it was ready") as caught:
        daemon.start("--bind", "no.such.host.invalid", ready=lambda: False, timeout=20)
    assert caught.value.why != "it wrote nothing"


def test_a_number_that_went_to_another_process_is_not_ours(daemon: Daemon) -> None:
    daemon.pid_file.write_text(f"{os.getpid()}\n")
    assert daemon.pid() is None
    daemon.stop()


def test_a_killed_one_counts_as_gone(daemon: Daemon) -> None:
    port = free_port()
    daemon.start("--bind", "127.0.0.1", str(port), ready=lambda: answers(port), timeout=20)
    pid = daemon.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    end = time.monotonic() + 5
    while daemon.pid() is not None and time.monotonic() < end:
        time.sleep(0.02)
    assert daemon.pid() is None


def test_a_taken_port_is_told_before_anything_starts() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(RefusedError, match=f"port {port}") as caught:
            host.check_port("127.0.0.1", port, variable="LABDB_LAB_API_PORT")
    assert "LABDB_LAB_API_PORT" in caught.value.hint
