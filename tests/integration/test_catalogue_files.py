"""Files that are damaged, or not what they should be, fail by their names and leave nothing."""

from pathlib import Path

import numpy as np
import pytest
from tests.catalogue import TABLE, Desi, Loader, fits_file, stars

pytestmark = pytest.mark.postgres


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
    others = [
        fits_file(tmp_path / name, {"SOURCE_ID": np.zeros(1, dtype="i8")})
        for name in ("b.fits", "c.fits")
    ]
    assert load(file, *others) == 3
    told = load.error["why"].splitlines()
    assert "a.fits, positions.dec: the file has no column DEC; the nearest name is 'DECL'" in told
    assert "a.fits, positions.ra: 'RA' is in 'arcsec', wanted 'deg'" in told
    assert any("'REF_EPOCH' is text (TFORM 5A), wanted double precision" in line for line in told)
    assert any("'PARALLAX' has 3 values in a row, wanted one value" in line for line in told)
    assert any("'PMRA' cannot be loaded: it is complex" in line for line in told)
    assert sum(line.startswith("2 files (b.fits, c.fits), ") for line in told) == 7
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
