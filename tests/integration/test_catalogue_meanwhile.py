"""What happens while a catalogue is loaded: files that change, other loads, other rights."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.catalogue import TABLE, Desi, Loader, fits_file, stars

from labdb.adapters.catalogue import lock
from labdb.adapters.catalogue.tables import Target
from labdb.cli.app import run
from labdb.operations.catalogue import inspection, one_file

pytestmark = pytest.mark.postgres


def _spoiled(monkeypatch: pytest.MonkeyPatch, spoil: Any) -> None:
    """Let *spoil* happen between the look at a file and its rows."""
    whole = inspection.inspect

    def inspect(source: Any, fitted: Any) -> Any:
        found = whole(source, fitted)
        spoil(fitted.part.path)
        return found

    monkeypatch.setattr(one_file, "inspect", inspect)


@pytest.mark.parametrize("how", ["grown", "cut", "rewritten"])
def test_a_file_that_changes_while_it_is_read_fails_its_own_transaction(
    load: Loader, desi: Desi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    file = fits_file(tmp_path / "a.fits", stars(2000))

    def spoil(path: Path) -> None:
        data = path.read_bytes()
        path.write_bytes(
            {"grown": data + b"\0" * 2880, "cut": data[:2880], "rewritten": data[::-1]}[how]
        )

    _spoiled(monkeypatch, spoil)
    assert load(file) == 5
    assert load.error["what"] == "a.fits changed while it was read"
    assert desi.one(f"SELECT count(*) FROM {TABLE}") == 0


def test_a_file_that_is_replaced_by_its_equal_is_no_change(
    load: Loader, desi: Desi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = fits_file(tmp_path / "a.fits", stars())

    def spoil(path: Path) -> None:
        other = path.with_suffix(".new")
        other.write_bytes(path.read_bytes())
        other.replace(path)

    _spoiled(monkeypatch, spoil)
    load(file)
    assert desi.one(f"SELECT count(*) FROM {TABLE}") == 100


def test_a_table_that_is_being_loaded_is_refused_with_who_does_it(
    load: Loader, desi: Desi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock.take, "__defaults__", (0.3,))
    file = fits_file(tmp_path / "a.fits", stars())
    with desi.session("labdb catalogue load of somebody") as other:
        lock.take(other, Target("raw_catalogs", "positions"))
        assert load(file) == 6
    assert "is being loaded by somebody else" in load.error["what"]
    assert "labdb catalogue load of somebody" in load.error["why"]
    assert "postgres from this host" in load.error["why"]
    load(file)
    assert desi.one(f"SELECT count(*) FROM {TABLE}") == 100


def test_a_table_with_other_columns_is_not_touched(
    load: Loader, desi: Desi, tmp_path: Path
) -> None:
    desi.do("CREATE SCHEMA raw_catalogs")
    desi.do(f"CREATE TABLE {TABLE} (source_number text, ra float8)")
    assert load(fits_file(tmp_path / "a.fits", stars())) == 3
    assert "source_number is text, wanted bigint" in load.error["why"]
    assert "dec is missing" in load.error["why"]


@pytest.mark.parametrize("conninfo", ["host=x password=secret1", "postgresql://u:secret1@x/db"])
def test_a_password_on_the_command_line_is_refused_and_not_repeated(
    load: Loader, tmp_path: Path, conninfo: str
) -> None:
    load.conninfo = conninfo
    assert load(fits_file(tmp_path / "a.fits", stars())) == 2
    assert "does not belong on the command line" in load.error["what"]
    assert "secret1" not in json.dumps(load.answer)


def test_a_service_is_taken_from_libpq_s_file(
    desi: Desi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = tmp_path / "pg_service.conf"
    services.write_text(f"[desi]\n{desi.conninfo.replace(' ', chr(10))}\n")
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    file = fits_file(tmp_path / "a.fits", stars())
    assert run(["catalogue", "load", str(file), "--model", "positions", "--service", "desi"]) == 1
    assert desi.one(f"SELECT count(*) FROM {TABLE}") == 100


def test_a_server_that_does_not_answer_is_unreachable(load: Loader, tmp_path: Path) -> None:
    load.conninfo = f"host={tmp_path} user=postgres dbname=x"
    assert load(fits_file(tmp_path / "a.fits", stars())) == 4
    assert "PostgreSQL does not let us in" in load.error["what"]


def test_a_role_without_the_right_is_refused(load: Loader, desi: Desi, tmp_path: Path) -> None:
    file = fits_file(tmp_path / "a.fits", stars())
    load(file)
    desi.do("CREATE ROLE reader LOGIN")
    load.conninfo = desi.conninfo.replace("user=postgres", "user=reader")
    assert load(file) == 6
    assert "a right is missing" in load.error["what"]
    desi.do("DROP ROLE reader")
