"""labdb catalogue load into a real PostgreSQL 16: whole files, none twice, whatever happens."""

import json
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from bench.desi import fits
from bench.desi import galaxies as survey_galaxies
from tests.catalogue import TABLE, Desi, Loader, fits_file, stars
from tests.postgres16 import Postgres16

from labdb.adapters.catalogue import lock, tables
from labdb.adapters.catalogue.tables import Target
from labdb.cli.app import run
from labdb.operations.catalogue import inspection, one_file

pytestmark = pytest.mark.postgres
TOP = Path(__file__).parents[2]


@pytest.fixture
def desi(catalogues: Postgres16) -> Desi:
    return Desi(catalogues)


@pytest.fixture
def load(desi: Desi, capsys: pytest.CaptureFixture[str]) -> Loader:
    return Loader(desi, capsys)


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The survey's files, small, with all quirks."""
    folder = tmp_path_factory.mktemp("survey")
    fits.write(folder, fits.How(seed=1, scale=0.002))
    return folder


def test_every_file_of_desivast_comes_into_its_tables(
    load: Loader, desi: Desi, survey: Path
) -> None:
    assert load(survey, model="desivast") == 1  # no q3c here, and labdb says so
    assert [one["check"] for one in load.answer["findings"] if one["severity"] == "warning"] == [
        "catalogue.q3c"
    ] * 2
    counts = desi.ask(
        "SELECT algorithm, galactic_cap, count(*) FROM raw_catalogs.desivast_voids GROUP BY 1, 2"
        " UNION ALL SELECT algorithm, galactic_cap, count(*) FROM raw_catalogs.desivast_maximals"
        " GROUP BY 1, 2 ORDER BY 1, 2"
    )
    assert counts == [
        ("REVOLVER", "NGC", 3), ("REVOLVER", "SGC", 1), ("VIDE", "NGC", 3), ("VIDE", "SGC", 1),
        ("VoidFinder", "NGC", 6), ("VoidFinder", "SGC", 1), ("ZOBOV", "NGC", 6),
        ("ZOBOV", "SGC", 1),
    ]  # fmt: skip
    members = desi.one(
        "SELECT count(*) FROM raw_catalogs.desivast_galzone"
        " JOIN raw_catalogs.desivast_zonevoid USING (algorithm, galactic_cap, zone)"
        " JOIN raw_catalogs.desivast_voids AS v USING (algorithm, galactic_cap)"
        " WHERE v.void = void0"
    )
    assert members > 0
    assert desi.one("SELECT count(*) FROM raw_catalogs.desivast_zonevoid WHERE void0 < 0") == 0


def test_values_are_those_of_the_file(load: Loader, desi: Desi, survey: Path) -> None:
    assert load(survey, model="fastspecfit") == 1
    file = survey / "fastspec-iron-main-bright-nside1-hp02.fits"
    from astropy.io import fits as oracle  # noqa: PLC0415 - the oracle of this test alone

    with oracle.open(file) as hdus:
        meta, phot = hdus["METADATA"].data, hdus["SPECPHOT"].data
        wanted = {
            int(meta["TARGETID"][row]): (
                float(meta["RA"][row]),
                float(meta["Z"][row]),
                str(meta["SPECTYPE"][row]),
                float(phot["LOGMSTAR"][row]),
                None if np.isnan(phot["DN4000"][row]) else float(phot["DN4000"][row]),
                None if phot["AGE"][row] < 0 else float(np.float32(phot["AGE"][row])),
            )
            for row in range(len(meta))
        }
    number = f"(SELECT source_id FROM raw_catalogs.load_ledger WHERE file_name = '{file.name}')"
    rows = desi.ask(
        "SELECT targetid, ra, z, spectype, logmstar::float8, dn4000::float8, age::float8"
        f" FROM raw_catalogs.fastspecfit_galaxies WHERE source_id = {number}"
    )
    assert {row[0]: row[1:] for row in rows} == wanted


def test_the_ledger_tells_what_became_of_every_row(load: Loader, desi: Desi, survey: Path) -> None:
    load(survey, model="fastspecfit")
    line = desi.ask(
        "SELECT rows_read, rows_loaded, rows_rejected, nulls, column_map, hdus, length(sha256),"
        " code_version, seconds > 0, model_version FROM raw_catalogs.load_ledger"
        " WHERE file_name LIKE '%hp02.fits'"
    )[0]
    rows, nulls = line[0], line[3]
    assert line[1:3] == (rows, 0)
    assert set(nulls) == {"age", "dn4000"}
    assert set(nulls["age"]) == {"TNULL"}
    assert set(nulls["dn4000"]) == {"NaN"}
    table = "raw_catalogs.fastspecfit_galaxies"
    told = desi.one("SELECT sum((nulls->'age'->>'TNULL')::int) FROM raw_catalogs.load_ledger")
    assert told == desi.one(f"SELECT count(*) FROM {table} WHERE age IS NULL")
    assert line[4]["logmstar"] == "SPECPHOT.LOGMSTAR"
    assert line[5:] == (["METADATA", "SPECPHOT"], 64, "0.1.0", True, "3.0")


def test_units_and_ucds_stand_in_the_comments(load: Loader, desi: Desi, tmp_path: Path) -> None:
    load(fits_file(tmp_path / "a.fits", stars()))
    comment = desi.one(f"SELECT col_description('{TABLE}'::regclass, 2)")
    assert comment == "Right ascension, ICRS. [deg] (UCD pos.eq.ra;meta.main)"


def test_a_second_load_has_nothing_to_do_and_says_so(
    load: Loader, desi: Desi, tmp_path: Path
) -> None:
    file = fits_file(tmp_path / "a.fits", stars())
    load(file)
    before = desi.one(f"SELECT array_agg(ctid::text ORDER BY ctid) FROM {TABLE}")
    load(file)
    assert load.answer["summary"] == "nothing to do: all 1 parts are there"
    assert desi.one(f"SELECT array_agg(ctid::text ORDER BY ctid) FROM {TABLE}") == before


def test_a_file_more_joins_the_table(load: Loader, desi: Desi, tmp_path: Path) -> None:
    load(fits_file(tmp_path / "a.fits", stars(seed=1)))
    fits_file(tmp_path / "b.fits", stars(seed=2))
    load(tmp_path)
    assert [one["status"] for one in load.parts] == ["there", "loaded"]
    assert desi.one(f"SELECT count(*) FROM {TABLE}") == 200


def test_a_file_without_rows_is_loaded_once_too(load: Loader, desi: Desi, tmp_path: Path) -> None:
    fits_file(tmp_path / "a.fits", stars(0))
    load(tmp_path)
    assert [(one["status"], one["rows"]) for one in load.parts] == [("loaded", 0)]
    fits_file(tmp_path / "b.fits", stars())
    load(tmp_path)
    load(tmp_path)
    assert load.answer["summary"] == "nothing to do: all 2 parts are there"
    assert desi.one(f"SELECT count(*) FROM {TABLE}") == 100


def test_rows_lie_in_the_order_of_the_sky(load: Loader, desi: Desi, tmp_path: Path) -> None:
    load(fits_file(tmp_path / "a.fits", stars(5000)))
    jump = "abs(dec - lag(dec) OVER (ORDER BY ctid))"
    assert desi.one(f"SELECT avg(step) FROM (SELECT {jump} AS step FROM {TABLE}) AS s") < 5


def test_indexes_key_and_statistics_are_there_and_never_a_btree_on_ra_and_dec(
    load: Loader, desi: Desi, survey: Path
) -> None:
    load(survey, model="fastspecfit")
    indexes = [
        text for (text,) in desi.ask(
            "SELECT indexdef FROM pg_indexes WHERE tablename = 'fastspecfit_galaxies'"
        )
    ]  # fmt: skip
    assert sum("UNIQUE" in one for one in indexes) == 1
    assert len(indexes) == 4
    assert not any("ra, " in one for one in indexes)
    assert desi.one("SELECT count(*) FROM pg_stats WHERE tablename = 'fastspecfit_galaxies'") == 35


def test_what_is_missing_of_the_indexes_is_made_by_the_next_load(
    load: Loader, desi: Desi, survey: Path
) -> None:
    load(survey, model="exposures")
    desi.do("DROP INDEX raw_catalogs.exposures_mjd_idx")
    desi.do("ALTER TABLE raw_catalogs.exposures DROP CONSTRAINT exposures_pkey")
    load(survey, model="exposures")
    assert load.answer["data"]["made"] == ["exposures_mjd_idx", "exposures_pkey"]


@pytest.fixture
def with_q3c(catalogues: Postgres16) -> None:
    """An extension that is called q3c and has the one function that is needed; no sphere."""
    share = Path(catalogues.run("pg_config", "--sharedir").stdout.strip()) / "extension"
    (share / "q3c.control").write_text("default_version = '1'\nrelocatable = true\n")
    (share / "q3c--1.sql").write_text(
        "CREATE FUNCTION q3c_ang2ipix(float8, float8) RETURNS bigint LANGUAGE sql IMMUTABLE"
        " AS 'SELECT (1000 * $1)::bigint * 1000000 + (1000 * $2)::bigint';"
    )


@pytest.mark.usefixtures("with_q3c")
@pytest.mark.parametrize("schema", ["public", "its own"])
def test_the_index_of_the_sky_is_made_as_soon_as_q3c_is_there(
    load: Loader, desi: Desi, tmp_path: Path, schema: str
) -> None:
    file = fits_file(tmp_path / "a.fits", stars())
    assert load(file) == 1
    desi.do(f'CREATE SCHEMA IF NOT EXISTS "{schema}"; CREATE EXTENSION q3c SCHEMA "{schema}"')
    assert load(file) == 0
    assert load.answer["data"]["made"] == ["positions_q3c_idx"]
    definition = desi.one("SELECT indexdef FROM pg_indexes WHERE indexname = 'positions_q3c_idx'")
    assert definition.endswith('q3c_ang2ipix(ra, "dec"))')
    assert load(file) == 0
    assert load.answer["summary"] == "nothing to do: all 1 parts are there"


@pytest.mark.parametrize("how", ["DROP TABLE", "TRUNCATE"])
def test_a_table_whose_rows_somebody_took_away_is_loaded_again(
    load: Loader, desi: Desi, tmp_path: Path, how: str
) -> None:
    file = fits_file(tmp_path / "a.fits", stars())
    load(file)
    before = desi.prints()
    desi.do(f"{how} {TABLE}")
    load(file)
    assert desi.prints() == before


def test_a_dry_run_touches_nothing(load: Loader, desi: Desi, survey: Path) -> None:
    assert load(survey, model="desivast", options=("--dry-run",)) == 0
    rows = {(one["file"], one["table"]): one for one in load.parts}
    one = rows["DESIVAST_BGS_VOLLIM_VoidFinder_NGC.fits", "raw_catalogs.desivast_maximals"]
    assert one["rows"] == 6
    assert one["columns"]["radius"] == "MAXIMALS.RADIUS"
    assert one["constants"] == {"algorithm": "VoidFinder", "galactic_cap": "NGC"}
    assert one["bytes_in_database"] > 0
    assert desi.one("SELECT to_regnamespace('raw_catalogs') IS NULL")


# What is wrong with a file


def test_a_changed_file_is_refused_and_replaced_when_asked(
    load: Loader, desi: Desi, tmp_path: Path
) -> None:
    load(
        fits_file(tmp_path / "a.fits", stars(seed=1)), fits_file(tmp_path / "b.fits", stars(seed=2))
    )
    fits_file(tmp_path / "a.fits", stars(50, seed=3))
    before = desi.prints()
    assert load(tmp_path) == 6
    assert "a.fits" in load.error["why"]
    assert "--replace" in load.error["hint"]
    assert desi.prints() == before
    load(tmp_path, options=("--replace",))
    assert [one["status"] for one in load.parts] == ["there", "replaced"]
    assert desi.ask(f"SELECT source_id, count(*) FROM {TABLE} GROUP BY 1 ORDER BY 1") == [
        (1, 50),
        (2, 100),
    ]


def test_a_replacement_that_is_damaged_leaves_the_old_rows(
    load: Loader, desi: Desi, tmp_path: Path
) -> None:
    file = fits_file(tmp_path / "a.fits", stars())
    load(file)
    before = desi.prints()
    columns = stars(50, seed=3)
    columns["DEC"][7] = 99
    fits_file(file, columns)
    assert load(file, options=("--replace",)) == 5
    assert desi.prints() == before


@pytest.mark.parametrize("keep", [0.999, 0.6, 0.3])
def test_a_file_that_is_cut_off_fails_by_its_name(
    load: Loader, desi: Desi, tmp_path: Path, keep: float
) -> None:
    file = fits_file(tmp_path / "short.fits", stars(1000))
    with file.open("r+b") as open_file:
        open_file.truncate(int(file.stat().st_size * keep) - 2880)
    assert load(file) == 5
    assert "short.fits is cut off" in load.error["what"]
    assert desi.one("SELECT to_regclass('raw_catalogs.positions') IS NULL")


def test_a_wrong_checksum_fails_by_file_and_hdu(load: Loader, desi: Desi, tmp_path: Path) -> None:
    file = fits_file(tmp_path / "a.fits", stars(1000))
    with file.open("r+b") as open_file:
        open_file.seek(-4000, 2)
        byte = open_file.read(1)
        open_file.seek(-4000, 2)
        open_file.write(bytes([byte[0] ^ 1]))
    assert load(file) == 5
    assert load.error["what"] == "a.fits is damaged in HDU GAIA"
    assert "DATASUM" in load.error["why"]
    assert desi.one(f"SELECT count(*) FROM {TABLE}") == 0


def test_what_is_no_fits_file_is_told(load: Loader, tmp_path: Path) -> None:
    file = tmp_path / "a.fits"
    file.write_bytes(b"<html>404 not found</html>")
    assert load(file) == 5
    assert load.error["what"] == "a.fits is no FITS file"


def test_a_missing_hdu_is_told_with_those_that_are_there(load: Loader, tmp_path: Path) -> None:
    name = "DESIVAST_BGS_VOLLIM_VoidFinder_NGC.fits"
    assert load(fits_file(tmp_path / name, stars()), model="desivast") == 5
    assert load.error["what"] == f"{name} has no binary table HOLES"
    assert "1 GAIA" in load.error["why"]


def test_all_mismatches_are_told_at_once_before_the_first_row(
    load: Loader, desi: Desi, tmp_path: Path
) -> None:
    columns = stars()
    del columns["DEC"]
    columns["DECL"] = columns["RA"]
    columns["REF_EPOCH"] = np.full(100, b"J2016")
    columns["PARALLAX"] = np.zeros((100, 3))
    columns["PMRA"] = np.zeros(100, dtype="c16")
    file = fits_file(tmp_path / "a.fits", columns, {"RA": "arcsec"})
    other = fits_file(tmp_path / "b.fits", {"SOURCE_ID": np.zeros(1, dtype="i8")})
    assert load(file, other) == 3
    told = load.error["why"].splitlines()
    assert "a.fits, positions.dec: the file has no column DEC; the nearest name is 'DECL'" in told
    assert "a.fits, positions.ra: 'RA' is in 'arcsec', wanted 'deg'" in told
    assert any("'REF_EPOCH' is text (TFORM 5A), wanted double precision" in line for line in told)
    assert any("'PARALLAX' has 3 values in a row, wanted one value" in line for line in told)
    assert any("'PMRA' cannot be loaded: it is complex" in line for line in told)
    assert sum(line.startswith("b.fits") for line in told) == 7
    assert desi.one("SELECT to_regnamespace('raw_catalogs') IS NULL")


def test_joined_hdus_whose_rows_do_not_belong_together_are_refused(
    load: Loader, desi: Desi, survey: Path, tmp_path: Path
) -> None:
    from astropy.io import fits as astropy_fits  # noqa: PLC0415 - it makes the fault

    name = "fastspec-iron-main-bright-nside1-hp00.fits"
    with astropy_fits.open(survey / name) as hdus:
        hdus["SPECPHOT"].data["TARGETID"][[3, 4]] = hdus["SPECPHOT"].data["TARGETID"][[4, 3]]
        hdus.writeto(tmp_path / name, checksum=True)
    assert load(tmp_path / name, model="fastspecfit") == 5
    assert load.error["what"] == f"{name}: rows of METADATA and SPECPHOT differ in TARGETID"
    assert "in 2 rows, the first is row 4" in load.error["why"]
    assert desi.one("SELECT count(*) FROM raw_catalogs.fastspecfit_galaxies") == 0


# Rows that cannot be in the table


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


# Names and texts that mean harm


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


# What happens meanwhile


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


# Loads that are broken off


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
