"""Loads that are broken off: the next one goes on, and the table is the same."""

import json
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from bench.desi import fits
from bench.desi import galaxies as survey_galaxies
from tests.catalogue import TABLE, Desi, Loader, fits_file, stars
from tests.postgres16 import Postgres16

from labdb.adapters.catalogue import tables

pytestmark = pytest.mark.postgres
TOP = Path(__file__).parents[2]


def _start(
    desi: Desi, folder: Path, *options: str, model: str = "fastspecfit"
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "labdb", "catalogue", "load", str(folder), "--model", model,
         "--conninfo", desi.conninfo, *options],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=TOP,
    )  # fmt: skip


@pytest.fixture(scope="module")
def galaxies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("galaxies")
    how = fits.How(seed=2, scale=0.01)
    for piece in survey_galaxies.generate(how.seed, how.scale):
        fits.write_galaxies(folder, piece, how)
    return folder


@pytest.fixture(scope="module")
def undisturbed(catalogues: Postgres16, galaxies: Path) -> Any:
    desi = Desi(catalogues)
    process = _start(desi, galaxies)
    process.communicate(timeout=120)
    assert process.returncode == 1
    return desi.prints()


def test_a_load_that_is_killed_again_and_again_gives_the_same_table(
    desi: Desi, galaxies: Path, undisturbed: Any
) -> None:
    chance = random.Random(5)
    for _ in range(6):
        process = _start(desi, galaxies, "--jobs", "2")
        assert process.stderr is not None
        process.stderr.readline()  # the first file has begun
        time.sleep(chance.uniform(0, 0.6))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    process = _start(desi, galaxies, "--jobs", "2")
    told = process.communicate(timeout=120)[1]
    assert process.returncode == 1, told
    assert desi.prints() == undisturbed
    table = "raw_catalogs.fastspecfit_galaxies"
    assert desi.one(f"SELECT count(*) FROM {table}") == sum(
        desi.one("SELECT array_agg(rows_loaded) FROM raw_catalogs.load_ledger")
    )
    assert len(desi.ask("SELECT FROM pg_indexes WHERE tablename = 'fastspecfit_galaxies'")) == 4


def test_when_one_of_many_files_is_refused_no_job_waits_for_another(
    desi: Desi, load: Loader, tmp_path: Path
) -> None:
    files = [fits_file(tmp_path / f"{n}.fits", stars(20 + n, seed=n)) for n in range(12)]
    assert load(files[0]) == 1, "there is no q3c"
    desi.do(f"ALTER TABLE {TABLE} ADD CONSTRAINT refused CHECK (source_number % 1000003 <> 11)")
    assert load(*files, options=("--jobs", "3")) == 5
    assert "11.fits" in load.error["what"], "the largest comes first"
    assert desi.one(f"SELECT count(*) FROM {TABLE}") < sum(20 + n for n in range(11))
    desi.do(f"ALTER TABLE {TABLE} DROP CONSTRAINT refused")
    assert load(*files, options=("--jobs", "3")) == 1
    assert desi.one(f"SELECT count(*) FROM {TABLE}") == sum(20 + n for n in range(12))


def test_files_that_were_read_before_a_damaged_one_are_loaded(
    desi: Desi, load: Loader, tmp_path: Path
) -> None:
    for name in "abcd":
        columns = stars(20, seed=ord(name))
        columns["DEC"][3] = 99 if name == "d" else 0
        fits_file(tmp_path / f"{name}.fits", columns)
    assert load(tmp_path) == 5
    assert load.error["what"].startswith("d.fits")
    assert desi.one(f"SELECT count(*) FROM {TABLE}") == 60


def test_a_load_that_is_killed_in_the_middle_of_a_file_leaves_none_of_its_rows(
    desi: Desi, tmp_path: Path
) -> None:
    fits_file(tmp_path / "a.fits", stars(300_000))
    process = _start(desi, tmp_path, model="positions")
    with desi.session() as connection:
        while True:
            assert process.poll() is None
            row = connection.execute(
                "SELECT tuples_processed FROM pg_stat_progress_copy"
                " WHERE datname = current_database()"
            ).fetchone()
            if row and row[0] > 20_000:
                break
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert desi.one(f"SELECT count(*) FROM {TABLE}") == 0
    assert desi.one("SELECT finished_at IS NULL FROM raw_catalogs.load_ledger")
    again = _start(desi, tmp_path, model="positions")
    again.communicate(timeout=120)
    assert again.returncode == 1
    assert desi.one(f"SELECT count(DISTINCT source_number) FROM {TABLE}") == 300_000


ROWS = "query LIKE 'COPY%'"
LOCK = "application_name LIKE 'labdb catalogue load%' AND state = 'idle'"


@pytest.mark.parametrize("which", [ROWS, LOCK], ids=["rows", "lock"])
def test_a_lost_connection_is_told_and_the_next_load_goes_on(
    desi: Desi, galaxies: Path, undisturbed: Any, which: str
) -> None:
    process = _start(desi, galaxies)
    assert process.stderr is not None
    process.stderr.readline()  # the first file has begun
    killed = threading.Event()

    def kill() -> None:
        with desi.session() as connection:
            while not killed.is_set() and process.poll() is None:
                row = connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    f" WHERE {which} AND datname = current_database() LIMIT 1".encode()
                ).fetchone()
                if row:
                    killed.set()

    thread = threading.Thread(target=kill)
    thread.start()
    told = process.communicate(timeout=60)[1]
    thread.join()
    assert killed.is_set()
    assert process.returncode == 5, told
    assert "the connection was lost" in told
    assert "run the same command again" in told
    again = _start(desi, galaxies)
    again.communicate(timeout=120)
    assert again.returncode == 1
    assert desi.prints() == undisturbed


def test_two_loads_at_once_make_one_table(desi: Desi, galaxies: Path, undisturbed: Any) -> None:
    both = [_start(desi, galaxies) for _ in range(2)]
    told = [process.communicate(timeout=120)[1] for process in both]
    # The second waits for a moment: it is refused, or finds nothing to do.
    assert sorted(process.returncode for process in both) in ([1, 1], [1, 6]), told
    assert desi.prints() == undisturbed


def test_a_load_that_is_interrupted_ends_in_order(desi: Desi, galaxies: Path) -> None:
    process = _start(desi, galaxies)
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    told = process.communicate(timeout=60)[1]
    assert process.returncode == 130, told
    assert "interrupted" in told


def test_a_disk_that_is_full_takes_the_file_back(
    load: Loader, desi: Desi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> int:
        raise psycopg.errors.DiskFull('could not extend file "base/5/1"')

    file = fits_file(tmp_path / "a.fits", stars())
    with monkeypatch.context() as patched:
        patched.setattr(tables, "copy", full)
        assert load(file) == 5
    assert "could not extend file" in load.error["why"]
    assert "run the same command again" in load.error["hint"]
    load(file)
    assert json.dumps(load.parts[0]["status"]) == '"loaded"'
