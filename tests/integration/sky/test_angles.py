"""Angles and motions, against astropy."""

from typing import Any

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.time import Time
from tests.integration.sky.conftest import Sky
from tests.integration.sky.positions import CASES, Positions, positions

pytestmark = [pytest.mark.docker, pytest.mark.postgres]
ROUNDING = 1e-12
"""Degrees: 4e-9 arc seconds."""


def test_a_separation_is_astropys(sky: Sky) -> None:
    one, other = positions(CASES, 1), positions(CASES, 2)
    ra, dec = other.ra.copy(), other.dec.copy()
    # A tenth are the same position, a tenth antipodes, a tenth neighbours.
    ra[:1000], dec[:1000] = one.ra[:1000], one.dec[:1000]
    ra[1000:2000], dec[1000:2000] = (one.ra[1000:2000] + 180) % 360, -one.dec[1000:2000]
    ra[2000:3000], dec[2000:3000] = one.ra[2000:3000], one.dec[2000:3000] * (1 - 1e-9)
    sky.table("pairs", ra1=one.ra, dec1=one.dec, ra2=ra, dec2=dec)
    found = sky.array("SELECT labdb.separation(ra1, dec1, ra2, dec2) FROM pairs ORDER BY targetid")
    wanted = SkyCoord(one.ra, one.dec, unit="deg").separation(SkyCoord(ra, dec, unit="deg")).deg
    assert np.abs(found[:, 0] - wanted).max() < ROUNDING
    assert (found[:1000] == 0).all()


def test_a_motion_is_along_a_great_circle_by_the_angle_whose_tangent_is_its_path(sky: Sky) -> None:
    at = positions(CASES, 3)
    rng = np.random.default_rng(4)
    # As fast as Barnard's star and slower, up to a century; and a tenth a thousand times as fast.
    east, north = rng.normal(0, 5000, CASES), rng.normal(0, 5000, CASES)
    east[:1000] *= 1000
    years = rng.uniform(-100, 100, CASES)
    found = _moved(sky, at, east, north, years)
    # The unit vector turned in the plane of itself and its motion.
    ra, dec = np.radians(at.ra)[:, None], np.radians(at.dec)[:, None]
    to_east = np.hstack([-np.sin(ra), np.cos(ra), np.zeros_like(ra)])
    to_north = np.hstack([-np.sin(dec) * np.cos(ra), -np.sin(dec) * np.sin(ra), np.cos(dec)])
    motion = east[:, None] * to_east + north[:, None] * to_north
    speed = np.linalg.norm(motion, axis=1)
    angle = np.arctan(np.radians(speed * years / 3_600_000))[:, None]
    turned = np.cos(angle) * at.vectors() + np.sin(angle) * motion / speed[:, None]
    wanted = SkyCoord(*turned.T, representation_type="cartesian")
    assert found.separation(wanted).deg.max() < ROUNDING
    assert ((found.ra.deg >= 0) & (found.ra.deg < 360)).all()


def test_a_motion_is_astropys_but_for_the_speed_of_light(sky: Sky) -> None:
    """Stars at 10 pc: light takes another time on its way from the new place, some 10 uas."""
    at = positions(CASES, 5)
    rng = np.random.default_rng(6)
    east, north = rng.normal(0, 300, CASES), rng.normal(0, 300, CASES)
    years = rng.uniform(-100, 100, CASES)
    found = _moved(sky, at, east, north, years)
    wanted = SkyCoord(
        at.ra * u.deg,
        at.dec * u.deg,
        pm_ra_cosdec=east * u.mas / u.yr,
        pm_dec=north * u.mas / u.yr,
        distance=np.full(CASES, 10) * u.pc,
        radial_velocity=np.zeros(CASES) * u.km / u.s,
        obstime=Time(2000.0, format="jyear", scale="tcb"),
    ).apply_space_motion(dt=years * u.yr)
    apart = found.separation(SkyCoord(wanted.ra, wanted.dec))
    assert apart.to_value(u.mas).max() < 0.05


def _moved(sky: Sky, at: Positions, east: Any, north: Any, years: Any) -> SkyCoord:
    sky.table("stars", ra=at.ra, dec=at.dec, east=east, north=north, years=years)
    found = sky.array(
        "SELECT (labdb.moved(ra, dec, east, north, years)).* FROM stars ORDER BY targetid"
    )
    return SkyCoord(found[:, 0], found[:, 1], unit="deg")


def test_a_star_without_a_proper_motion_stays_where_it_is(sky: Sky) -> None:
    [(ra, dec)] = sky.rows("SELECT (labdb.moved(10.25, -3.5, NULL, NULL, 16)).*")
    assert (ra, dec) == pytest.approx((10.25, -3.5), abs=1e-13)
