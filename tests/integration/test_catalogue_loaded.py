"""What a database tells of the catalogues that it holds."""

from pathlib import Path

from tests.catalogue import Desi, Loader, fits_file, stars

from labdb.adapters.catalogue.loaded import catalogues

LOADED = 1
"""With a warning: there is no q3c here."""


def test_a_loaded_table_tells_its_model_under_any_name(
    desi: Desi, load: Loader, tmp_path: Path
) -> None:
    one = fits_file(tmp_path / "gaia-1.fits", stars(50, seed=1))
    two = fits_file(tmp_path / "gaia-2.fits", stars(70, seed=2))
    assert load(one, two, options=("--as", "gaia", "--schema", "dr1")) == LOADED
    with desi.session() as connection:
        (found,) = catalogues(connection)
    assert str(found.target) == "dr1.gaia"
    assert (found.model, found.model_table) == ("positions", "positions")
    assert (found.files, found.rows, found.complete) == (2, 120, True)


def test_a_table_that_was_dropped_is_not_told(desi: Desi, load: Loader, tmp_path: Path) -> None:
    assert load(fits_file(tmp_path / "gaia.fits", stars(5))) == LOADED
    desi.do("DROP TABLE raw_catalogs.positions")
    with desi.session() as connection:
        assert catalogues(connection) == []


def test_one_schema_alone_is_told(desi: Desi, load: Loader, tmp_path: Path) -> None:
    file = fits_file(tmp_path / "gaia.fits", stars(5))
    for schema in ("dr1", "dr2"):
        assert load(file, options=("--schema", schema)) == LOADED
    with desi.session() as connection:
        assert [each.target.schema for each in catalogues(connection)] == ["dr1", "dr2"]
        assert [each.target.schema for each in catalogues(connection, "dr2")] == ["dr2"]
