"""HEALPix numbers, against astropy-healpix."""

import astropy.units as u
import numpy as np
import psycopg
import pytest
from astropy_healpix import HEALPix
from tests.integration.sky.conftest import Sky
from tests.integration.sky.positions import CASES, positions

pytestmark = [pytest.mark.docker, pytest.mark.postgres]
ROUNDING = 1e-12


@pytest.mark.parametrize("order", [0, 1, 6, 12, 20, 29])
def test_a_pixel_is_healpixs(sky: Sky, order: int) -> None:
    at = positions(CASES, 20 + order)
    sky.table("places", ra=at.ra, dec=at.dec)
    rows = sky.rows("SELECT labdb.healpix(ra, dec, %s) FROM places ORDER BY targetid", order)
    found = np.array([row[0] for row in rows])
    grid = HEALPix(nside=1 << order, order="nested")
    differs = np.flatnonzero(found != grid.lonlat_to_healpix(at.ra * u.deg, at.dec * u.deg))
    # On the border of two pixels either may be meant: ours is one that is a rounding away.
    for number in differs:
        ra, dec = at.ra[number], at.dec[number]
        step = ROUNDING / max(np.cos(np.radians(dec)), ROUNDING)
        around = [
            grid.lonlat_to_healpix((ra + east) * u.deg, np.clip(dec + north, -90, 90) * u.deg)
            for east in (*np.linspace(-step, step, 3), 90, 180, 270)
            for north in (-ROUNDING, 0, ROUNDING)
            if abs(east) <= step or abs(dec) > 90 - ROUNDING
        ]
        assert found[number] in around, (ra, dec)
    assert len(differs) < CASES / 5, "only special positions lie on borders"


def test_a_position_of_no_special_kind_is_never_on_a_border(sky: Sky) -> None:
    rng = np.random.default_rng(30)
    ra, dec = rng.uniform(0, 360, CASES), np.degrees(np.arcsin(rng.uniform(-1, 1, CASES)))
    sky.table("places", ra=ra, dec=dec)
    rows = sky.rows("SELECT labdb.healpix(ra, dec, 18) FROM places ORDER BY targetid")
    wanted = HEALPix(nside=1 << 18, order="nested").lonlat_to_healpix(ra * u.deg, dec * u.deg)
    assert [row[0] for row in rows] == wanted.tolist()


def test_parents_and_children_are_those_of_the_nested_scheme(sky: Sky) -> None:
    at = positions(CASES, 31)
    sky.table("places", ra=at.ra, dec=at.dec)
    [(wrong,)] = sky.rows(
        "SELECT count(*) FROM places, LATERAL (SELECT labdb.healpix(ra, dec, 12) AS deep) AS d "
        "WHERE labdb.healpix_parent(deep, 4) <> labdb.healpix(ra, dec, 8) "
        "OR NOT deep <@ labdb.healpix_children(labdb.healpix(ra, dec, 8), 4)"
    )
    assert wrong == 0


@pytest.mark.parametrize("order", [-1, 30])
def test_an_order_that_does_not_exist_is_refused(sky: Sky, order: int) -> None:
    with pytest.raises(psycopg.Error, match="from 0 to 29"):
        sky.rows("SELECT labdb.healpix(1, 1, %s)", order)


def test_a_pixel_can_be_an_index(sky: Sky) -> None:
    at = positions(CASES, 32)
    sky.table("places", ra=at.ra, dec=at.dec)
    sky.connection.execute("CREATE INDEX pixels ON places (labdb.healpix(ra, dec, 12))")
    sky.connection.execute("ANALYZE places")
    assert "pixels" in sky.plan("SELECT FROM places WHERE labdb.healpix(ra, dec, 12) = 4711")
