"""Real catalogues, as observatories publish them, by labdb's models and by a user's own."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import psycopg
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from scipy.spatial import cKDTree
from tests.catalogue import fits_file
from tests.integration.sky.conftest import Container
from tests.real_data import EXPOSURES, GROUPS, HIPPARCOS

from labdb.cli.app import run

pytestmark = [pytest.mark.docker, pytest.mark.postgres]
MODELS = Path(__file__).parents[2] / "data" / "models"
DATABASE = "realdata"
STARS = 117_955
YEARS = 2016 - 1991.25
"""From the epoch of Hipparcos to that of Gaia's third release."""


@pytest.fixture(scope="module")
def conninfo(container: Container) -> Iterator[str]:
    with container.connect("postgres") as connection:
        connection.execute(f"CREATE DATABASE {DATABASE}")
    with container.connect(DATABASE) as connection:
        connection.execute("CREATE EXTENSION labdb CASCADE")
        found = connection.info.dsn
    yield found
    with container.connect("postgres") as connection:
        connection.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")


@pytest.fixture
def session(conninfo: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        yield connection


def load(conninfo: str, path: Path, model: str, *options: str) -> int:
    return run(["catalogue", "load", str(path), "--model", model, "--conninfo", conninfo,
                "--schema", "real", "--json", *options])  # fmt: skip


def one(session: psycopg.Connection, text: str) -> Any:
    row = session.execute(text.encode()).fetchone()
    assert row is not None
    return row[0] if len(row) == 1 else row


def test_desis_own_exposures_are_all_there(
    conninfo: str, session: psycopg.Connection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = EXPOSURES.write(tmp_path)
    assert load(conninfo, path, "exposures") == 0
    (part,) = json.loads(capsys.readouterr().out)["data"]["parts"]
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert part["rows"] == len(rows) == 1931
    assert one(session, "SELECT count(*), count(DISTINCT night) FROM real.exposures") == (
        1931,
        len({row["NIGHT"] for row in rows}),
    )
    length = sum(float(row["EXPTIME"]) for row in rows)
    assert one(session, "SELECT sum(exptime) FROM real.exposures") == pytest.approx(length)
    # -99 stands for what nobody knows: no airmass is below 1, and no night was in 1858.
    unknown = sum(row["GFA_AIRMASS"] == "-99.0" for row in rows)
    assert unknown == 256
    assert part["nulls"]["airmass"] == {"sentinel -99": unknown}
    assert one(session, "SELECT min(airmass) >= 1 AND min(mjd) > 59000 FROM real.exposures")
    night = "SELECT array_agg(expid ORDER BY expid) FROM real.exposures WHERE night = 20210102"
    wanted = sorted(int(row["EXPID"]) for row in rows if row["NIGHT"] == "20210102")
    assert one(session, night) == wanted


def test_the_library_asks_real_exposures(
    conninfo: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert load(conninfo, EXPOSURES.write(tmp_path), "exposures") == 0
    capsys.readouterr()
    assert run(["query", "exposures-per-night", "--conninfo", conninfo, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["data"]["rows"]
    assert len(rows) == 76
    assert sum(row["exposures"] for row in rows) == 1931


def hipparcos(folder: Path) -> dict[str, np.ndarray]:
    """The stars as a file of model ``positions`` has them; the catalogue has radians."""
    path = HIPPARCOS.write(folder)
    names = ("hip", "ra", "dec", "plx", "pmra", "pmdec", "mag")
    columns = dict(zip(names, np.loadtxt(path, usecols=(0, 4, 5, 6, 7, 8, 19)).T, strict=True))
    return {
        "SOURCE_ID": columns["hip"].astype("i8"),
        "RA": np.degrees(columns["ra"]) % 360,
        "DEC": np.degrees(columns["dec"]),
        "REF_EPOCH": np.full(len(columns["hip"]), 1991.25),
        "PARALLAX": columns["plx"],
        "PMRA": columns["pmra"],
        "PMDEC": columns["pmdec"],
        "PHOT_G_MEAN_MAG": columns["mag"].astype("f4"),
    }


def moved(stars: dict[str, np.ndarray], years: float) -> dict[str, np.ndarray]:
    """The stars where astropy says that they are so many years later; they only move sideways."""
    there = SkyCoord(
        stars["RA"] * u.deg, stars["DEC"] * u.deg, distance=1 * u.pc,
        pm_ra_cosdec=stars["PMRA"] * u.mas / u.yr, pm_dec=stars["PMDEC"] * u.mas / u.yr,
        radial_velocity=0 * u.km / u.s,
    ).apply_space_motion(dt=years * u.yr)  # fmt: skip
    epoch = stars["REF_EPOCH"] + years
    return stars | {"RA": there.ra.deg, "DEC": there.dec.deg, "REF_EPOCH": epoch}


def test_hipparcos_finds_itself_again_after_a_quarter_of_a_century(
    conninfo: str, session: psycopg.Connection, tmp_path: Path
) -> None:
    stars = hipparcos(tmp_path)
    assert len(stars["SOURCE_ID"]) == STARS
    for name, columns in (("hip", stars), ("later", moved(stars, YEARS))):
        file = fits_file(tmp_path / f"{name}.fits", columns)
        assert load(conninfo, file, "positions", "--as", name) == 0
    assert one(session, "SELECT count(*) FROM real.hip") == STARS
    fastest = "SELECT source_number FROM real.hip ORDER BY pmra ^ 2 + pmdec ^ 2 DESC LIMIT 1"
    assert one(session, fastest) == 87937  # Barnard's star
    match = (
        "SELECT count(*), count(*) FILTER (WHERE left_id = right_id),"
        " max(separation) FILTER (WHERE left_id = right_id) * 3600000"
        " FROM labdb.crossmatch_moving('real.hip', 'real.later', 0.05 / 3600, {years},"
        " left_key => 'source_number', right_key => 'source_number')"
    )
    found, same, farthest = one(session, match.format(years=YEARS))
    assert (found, same) == (STARS, STARS)
    assert farthest < 2  # mas, after 257 arcseconds
    still, _, _ = one(session, match.format(years=0))
    assert still < STARS / 2


def test_groups_of_galaxies_come_by_a_model_of_ones_own(
    conninfo: str, session: psycopg.Connection, tmp_path: Path
) -> None:
    path = GROUPS.write(tmp_path)
    assert load(conninfo, path, str(MODELS / "groups.yaml")) == 0
    with fits.open(path) as hdus:
        data = hdus[1].data.copy()
    counted = one(session, "SELECT count(*), sum(number_of_members)::int FROM real.groups")
    assert counted == (len(data), int(data["number_of_members"].sum()))
    assert len(data) == 1664
    # The richest groups as spheres: which other groups are within 20 Mpc of them?
    session.execute("DROP TABLE IF EXISTS place, rich, near, near_voids")
    session.execute(
        "CREATE TABLE place AS SELECT group_id AS targetid,"
        " cube(ARRAY[equi_x, equi_y, equi_z]) AS position FROM real.groups"
    )
    session.execute("CREATE INDEX ON place USING gist (position)")
    session.execute(
        "CREATE TABLE rich AS"
        " SELECT group_id AS void_id, cube(ARRAY[equi_x, equi_y, equi_z]) AS position,"
        " 20::float8 AS radius, 0 AS edge FROM real.groups WHERE number_of_members > 20"
    )
    session.execute("SELECT labdb.create_membership('near')")
    session.execute("SELECT labdb.refresh_membership('near', 'rich', 'place')")
    rows = session.execute("SELECT void_id, targetid, r_norm FROM near").fetchall()
    places = np.stack([data[f"equi_{axis}"] for axis in "xyz"], axis=1).astype(float)
    rich = np.flatnonzero(data["number_of_members"] > 20)
    wanted = {
        (int(data["group_id"][centre]), int(data["group_id"][other])): float(
            np.linalg.norm(places[centre] - places[other]) / 20
        )
        for centre, others in zip(
            rich, cKDTree(places).query_ball_point(places[rich], 20), strict=True
        )
        for other in others
    }
    assert len(wanted) > 2 * len(rich) > 10
    assert {(void, target): r for void, target, r in rows} == pytest.approx(wanted)
