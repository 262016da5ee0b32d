"""Rows, texts and names that mean harm: rejected and counted, or taken as they are."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench.desi import fits
from tests.catalogue import TABLE, Desi, Loader, fits_file, stars

pytestmark = pytest.mark.postgres


def _bad_rows() -> dict[str, np.ndarray]:
    columns = stars()
    columns["SOURCE_ID"][[10, 20]] = columns["SOURCE_ID"][5]
    columns["DEC"][30] = 90.001
    columns["RA"][31] = -0.1
    columns["RA"][32] = np.nan
    columns["REF_EPOCH"][33] = 1.0
    return columns


def test_bad_rows_fail_the_file_with_their_numbers_and_reasons(
    load: Loader, desi: Desi, tmp_path: Path
) -> None:
    file = fits_file(tmp_path / "a.fits", _bad_rows())
    assert load(file) == 5
    assert load.error["what"] == "a.fits: 6 rows cannot be loaded, 0 are allowed"
    why = load.error["why"]
    assert "2 x source_number came before in this file" in why
    assert "1 x declination out of -90..90" in why
    assert "row 31: declination out of -90..90 (90.001)" in why
    assert "row 33: ra is missing, which is required (nan)" in why
    assert desi.one(f"SELECT count(*) FROM {TABLE}") == 0


def test_bad_rows_are_left_out_and_counted_when_they_are_allowed(
    load: Loader, desi: Desi, tmp_path: Path
) -> None:
    load(fits_file(tmp_path / "a.fits", _bad_rows()), options=("--max-rejects", "6"))
    assert desi.one(f"SELECT count(*) FROM {TABLE}") == 94
    rejected, reasons = desi.ask("SELECT rows_rejected, rejected FROM raw_catalogs.load_ledger")[0]
    assert rejected == 6
    assert sum(reasons.values()) == 6
    assert reasons["source_number came before in this file"] == 2


def test_a_key_that_is_none_is_rejected(load: Loader, tmp_path: Path) -> None:
    columns = stars()
    columns["SOURCE_ID"][4] = -99
    file = fits_file(tmp_path / "a.fits", columns, keywords={"SOURCE_ID": {"TNULL": -99}})
    assert load(file) == 5
    assert "source_number is missing, which is a part of the key" in load.error["why"]


def test_right_ascensions_of_360_and_minus_0_are_0(
    load: Loader, desi: Desi, tmp_path: Path
) -> None:
    columns = stars()
    columns["RA"][:2] = [360.0, -0.0]
    load(fits_file(tmp_path / "a.fits", columns))
    assert desi.ask(f"SELECT ra::text FROM {TABLE} WHERE ra = 0") == [("0",), ("0",)]


def test_the_same_key_in_two_files_is_told_and_the_key_is_not_made(
    load: Loader, desi: Desi, tmp_path: Path
) -> None:
    fits_file(tmp_path / "a.fits", stars())
    fits_file(tmp_path / "b.fits", stars())
    assert load(tmp_path) == 5
    assert "rows of different files have the same key" in load.error["what"]
    assert "is duplicated" in load.error["why"]
    assert desi.one("SELECT count(*) FROM pg_constraint WHERE contype = 'p'"
                    f" AND conrelid = '{TABLE}'::regclass") == 0  # fmt: skip


def test_infinities_and_unsigned_numbers_are_taken_as_they_are_meant(
    load: Loader, desi: Desi, tmp_path: Path
) -> None:
    columns = stars(3)
    columns["PMRA"][:] = [np.inf, -np.inf, 1.5]
    columns["SOURCE_ID"] = np.array([-(2**31), 0, 2**31 - 1], dtype="i4")
    file = fits_file(tmp_path / "a.fits", columns, keywords={"SOURCE_ID": {"TZERO": 2**31}})
    load(file)
    assert desi.ask(f"SELECT source_number, pmra FROM {TABLE} ORDER BY 1") == [
        (0, None),
        (2**31, None),
        (2**32 - 1, 1.5),
    ]
    assert desi.one("SELECT nulls->'pmra'->>'infinite' FROM raw_catalogs.load_ledger") == "2"


HARM = [
    b"tab\there", b"quote'\"", b"back\\slash", b"\\N", b"line\nend", "Ångström".encode(),
    b"'); DROP TABLE x;--", b"{a,b}", b"%s",
]  # fmt: skip


def test_texts_come_as_they_are(load: Loader, desi: Desi, tmp_path: Path, survey: Path) -> None:
    columns = _exposures(survey, len(HARM))
    columns["SURVEY"] = np.array(HARM)
    file = fits.save(tmp_path / "exposures-odd.fits", [fits.hdu("EXPOSURES", columns, {})])
    load(file, model="exposures")
    found = {row[0] for row in desi.ask("SELECT survey FROM raw_catalogs.exposures")}
    assert found == {one.decode() for one in HARM}


@pytest.mark.parametrize(("text", "reason"), [(b"latin \xe9", "is not UTF-8")])
def test_what_is_no_text_is_rejected(
    load: Loader, tmp_path: Path, survey: Path, text: bytes, reason: str
) -> None:
    columns = _exposures(survey, 3)
    columns["SURVEY"] = np.array([b"main", text, b"main"])
    file = fits.save(tmp_path / "exposures-odd.fits", [fits.hdu("EXPOSURES", columns, {})])
    assert load(file, model="exposures") == 5
    assert f"survey {reason}" in load.error["why"]


def test_a_text_ends_at_its_first_nul_and_blanks_are_null(
    load: Loader, desi: Desi, tmp_path: Path, survey: Path
) -> None:
    columns = _exposures(survey, 3)
    columns["SURVEY"] = np.array([b"ab\0cd  ", b"       ", b"  ef   "], dtype="S7")
    file = fits.save(tmp_path / "exposures-odd.fits", [fits.hdu("EXPOSURES", columns, {})])
    load(file, model="exposures")
    rows = desi.ask("SELECT survey FROM raw_catalogs.exposures ORDER BY expid")
    assert rows == [("ab",), (None,), ("  ef",)]


def test_odd_column_names_of_a_file_do_no_harm(load: Loader, desi: Desi, tmp_path: Path) -> None:
    columns = stars() | {'RA"); DROP TABLE x;--': np.zeros(100), "50% 'off'": np.zeros(100)}
    load(fits_file(tmp_path / "a.fits", columns))
    assert desi.one(f"SELECT count(*) FROM {TABLE}") == 100


def test_odd_names_of_schema_and_table_are_only_names(
    load: Loader, desi: Desi, tmp_path: Path
) -> None:
    odd = ("--schema", 'it\'s; "odd"', "--as", 'a\\b "q" %s')
    file = fits_file(tmp_path / "a.fits", stars())
    load(file, options=odd)
    load(file, options=odd)
    assert load.answer["summary"] == "nothing to do: all 1 parts are there"
    assert desi.one('SELECT count(*) FROM "it\'s; ""odd"""."a\\b ""q"" %s"') == 100


def _exposures(survey: Path, count: int) -> dict[str, Any]:
    from astropy.io import fits as astropy_fits  # noqa: PLC0415 - it makes the fault

    with astropy_fits.open(survey / "exposures-iron.fits") as hdus:
        data = hdus["EXPOSURES"].data[:count]
        return {name: np.array(data[name]) for name in data.names}


def test_a_file_of_many_windows_is_the_same_table(
    load: Loader, desi: Desi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = stars(1000)
    columns["SOURCE_ID"][[10, 900]] = columns["SOURCE_ID"][[500, 501]]  # far from each other
    columns["DEC"][20] = 91
    file = fits_file(tmp_path / "a.fits", columns)
    allowed = ("--max-rejects", "3")
    load(file, options=allowed)
    monkeypatch.setattr("labdb.domain.catalogue.order.WINDOW", 128)
    monkeypatch.setattr("labdb.operations.catalogue.inspection.CHUNK", 100)
    load(file, options=("--as", "windows", *allowed))
    prints = desi.prints()
    assert prints["windows"].rows == 997
    assert prints["windows"].hash == prints["positions"].hash
    assert desi.one("SELECT count(DISTINCT rejected) FROM raw_catalogs.load_ledger") == 1
