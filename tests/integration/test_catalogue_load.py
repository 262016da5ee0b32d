"""labdb catalogue load into a real PostgreSQL 16: whole files, none twice."""

from pathlib import Path

import numpy as np
import pytest
from tests.catalogue import TABLE, Desi, Loader, fits_file, stars

pytestmark = pytest.mark.postgres


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


def test_a_column_that_rows_are_sorted_by_has_an_index_on_block_ranges(
    load: Loader, desi: Desi, survey: Path
) -> None:
    load(survey, model="desivast", options=("--table", "triangle"))
    assert "desivast_triangle_void_brin_idx" in load.answer["data"]["made"]
    definition = desi.one(
        "SELECT indexdef FROM pg_indexes WHERE indexname = 'desivast_triangle_void_brin_idx'"
    )
    assert definition.endswith("USING brin (void)")


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
