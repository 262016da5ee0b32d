"""The emulated Proxmox VE cluster as a fixture: a process of its own, reset for each test.

``pve`` is a running emulator without machines behind its guests (their agents answer
made-up, stable values), so a whole clone-configure-start takes milliseconds: tasks end
before the request returns (``pve.control.time_scale(1)`` makes them take PVE's time).

    def test_a_locked_guest_is_waited_for(pve):
        pve.control.lock(9000, "backup", seconds=2)
        ...                                      # labdb against pve.host, pve.port,
        assert pve.control.guest(2002) is not None       # pve.ca_file, pve.token_id,
        assert [r for r in pve.requests() if r["method"] == "POST"]  # pve.token_secret

``pve.requests()`` is the record (method, path template, path_params, params, status),
``pve.control`` injects faults; see ``labdb.lab.control.Control`` for all of them. The
cluster is ``labdb/lab/cluster.yml``: node06 with storages local, data (lvm, thick) and
nvmethin01 (thin), bridges vmbr0 and vmbr1 (VLAN aware), the template 9000, and two
neighbours 2021 docker01 (198.18.20.14) and 2022 kasm01 (198.18.20.10).

``pve_today`` is the same with ``cluster-production-today.yml``: VM 2002 as it stands.

A client must pass ``pve.ca_file`` with each request: ``REQUESTS_CA_BUNDLE`` in the
environment would win over a session's ``verify``; the fixtures take it away.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from labdb.lab import cluster, control
from labdb.lab.control import EmulatedPve


def _emulator(state: Path, file: Path) -> Iterator[EmulatedPve]:
    with control.start(state, file=file, options=["--record-answers"]) as running:
        yield running


@pytest.fixture(scope="session")
def pve_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedPve]:
    """One emulator for the whole session; use ``pve``, which resets it."""
    yield from _emulator(tmp_path_factory.mktemp("pve"), cluster.DEFAULT)


@pytest.fixture(scope="session")
def pve_today_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedPve]:
    """One emulator of production before labdb; use ``pve_today``, which resets it."""
    yield from _emulator(tmp_path_factory.mktemp("pve-today"), cluster.PRODUCTION_TODAY)


def _fresh(running: EmulatedPve, monkeypatch: pytest.MonkeyPatch) -> EmulatedPve:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    running.control.reset()
    running.forget_requests()
    return running


@pytest.fixture
def pve(pve_process: EmulatedPve, monkeypatch: pytest.MonkeyPatch) -> EmulatedPve:
    """The emulated cluster as the lab has it, without a trace of earlier tests."""
    return _fresh(pve_process, monkeypatch)


@pytest.fixture
def pve_today(pve_today_process: EmulatedPve, monkeypatch: pytest.MonkeyPatch) -> EmulatedPve:
    """The emulated cluster with VM 2002 as production has it before labdb."""
    return _fresh(pve_today_process, monkeypatch)
