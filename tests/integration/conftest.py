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

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from bench.desi import fits
from tests import pgvector
from tests.catalogue import Desi, Loader
from tests.exposures import YEARS, exposures
from tests.postgres16 import Postgres16

from labdb.cli.app import run
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


class Api:
    """A client as plain as can be: what the emulator says, unfiltered."""

    def __init__(self, running: EmulatedPve) -> None:
        self.pve = running
        self.session = requests.Session()
        self.session.headers.update(running.headers)

    def ask(self, method: str, path: str, **params: Any) -> requests.Response:
        """Send one request; ``__`` in a parameter's name is a dash."""
        body = {key.replace("__", "-"): value for key, value in params.items()}
        how: Any = {"params" if method == "GET" else "data": body}
        url = f"{self.pve.url}/api2/json{path}"
        return self.session.request(method, url, verify=str(self.pve.ca_file), timeout=60, **how)

    def __call__(self, method: str, path: str, **params: Any) -> Any:
        """Return the data of an answer that must be good."""
        answer = self.ask(method, path, **params)
        assert answer.status_code == 200, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()["data"]

    def refusal(self, method: str, path: str, **params: Any) -> str:
        """Return status, message and field errors of an answer that must be bad."""
        answer = self.ask(method, path, **params)
        assert answer.status_code != 200, f"{method} {path} was accepted: {answer.text}"
        body = answer.json()
        fields = [f"{field}: {text.strip()}" for field, text in (body.get("errors") or {}).items()]
        return "; ".join([f"{answer.status_code} {body['message'].strip()}", *fields])

    def task(self, method: str, path: str, **params: Any) -> str:
        """Return the exit status of the task that a request starts."""
        upid = self(method, path, **params)
        node = upid.split(":")[1]
        for _ in range(600):
            task = self("GET", f"/nodes/{node}/tasks/{quote(upid, safe='')}/status")
            if task["status"] == "stopped":
                return str(task["exitstatus"])
            time.sleep(0.1)
        pytest.fail(f"the task {upid} does not end")

    def clone(self, vmid: int = 2002, **params: Any) -> str:
        """Clone the template on node06 and return the path of the new guest."""
        given = {"name": "proj-pg01", "full": 1, "storage": "nvmethin01"} | params
        assert self.task("POST", "/nodes/node06/qemu/9000/clone", newid=vmid, **given) == "OK"
        return f"/nodes/node06/qemu/{vmid}"


@pytest.fixture
def api(pve: EmulatedPve) -> Iterator[Api]:
    """A plain client of ``pve``."""
    client = Api(pve)
    yield client
    client.session.close()


@pytest.fixture(scope="module")
def catalogues(postgres16: Postgres16, request: pytest.FixtureRequest) -> Iterator[Postgres16]:
    """A running PostgreSQL for catalogues; nothing of it has to survive.

    Each module has its own: there is one socket for all clusters of the installation.
    """
    data = postgres16.initialise(request.path.stem)
    (data / "postgresql.auto.conf").write_text("fsync = off\n", encoding="utf-8")
    postgres16.start(data)
    yield postgres16
    postgres16.run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")


@pytest.fixture
def desi(catalogues: Postgres16) -> Desi:
    return Desi(catalogues)


@pytest.fixture
def with_q3c(catalogues: Postgres16) -> None:
    """An extension that is called q3c and has the one function that is needed; no sphere."""
    share = Path(catalogues.run("pg_config", "--sharedir").stdout.strip()) / "extension"
    (share / "q3c.control").write_text("default_version = '1'\nrelocatable = true\n")
    (share / "q3c--1.sql").write_text(
        "CREATE FUNCTION q3c_ang2ipix(float8, float8) RETURNS bigint LANGUAGE sql IMMUTABLE"
        " AS 'SELECT (1000 * $1)::bigint * 1000000 + (1000 * $2)::bigint';"
    )


@pytest.fixture
def load(desi: Desi, capsys: pytest.CaptureFixture[str]) -> Loader:
    return Loader(desi, capsys)


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The survey's files, small, with all quirks."""
    folder = tmp_path_factory.mktemp("survey")
    fits.write(folder, fits.How(seed=1, scale=0.002))
    return folder


@pytest.fixture(scope="module")
def with_vector(catalogues: Postgres16, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The extension ``vector``, pgvector, can be made."""
    pgvector.install(catalogues, tmp_path_factory.mktemp("pgvector"))


@pytest.fixture
def verb(load: Loader, capsys: pytest.CaptureFixture[str]) -> Callable[..., int]:
    """The command ``labdb catalogue partitions VERB exposures``; what it printed is in load."""

    def call(name: str, *options: str) -> int:
        capsys.readouterr()
        code = run(["catalogue", "partitions", name, "exposures", *options,
                    "--conninfo", load.conninfo, "--json"])  # fmt: skip
        load.answer = json.loads(capsys.readouterr().out)
        return code

    return call


@pytest.fixture
def loaded(load: Loader, tmp_path: Path) -> Path:
    """Four nights in three years, three exposures each."""
    file = exposures(tmp_path / "exposures-a.fits", YEARS)
    assert load(file, model="exposures") == 0, load.answer
    return file
