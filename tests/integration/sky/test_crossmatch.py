"""Cross-matches, against every distance there is."""

from typing import Any

import numpy as np
import psycopg
import pytest
from astropy.coordinates import SkyCoord
from scipy.spatial import cKDTree
from tests.integration.sky.conftest import Container, Sky
from tests.integration.sky.positions import CASES, Positions, positions, separations

pytestmark = [pytest.mark.docker, pytest.mark.postgres]
RADIUS = 2 / 3600
ROUNDING = 1e-11


@pytest.fixture
def surveys(sky: Sky) -> tuple[Positions, Positions]:
    """A survey of 12,000, and 10,000 positions: of half of them it has one or more neighbours."""
    left = positions(CASES, 60)
    rng = np.random.default_rng(61)
    ra, dec = positions(CASES, 62).ra[:7000], positions(CASES, 62).dec[:7000]
    beside = np.repeat(np.arange(2500), 2)
    spread = rng.normal(0, 1 / 3600, (2, len(beside)))
    near_dec = np.clip(left.dec[beside] + spread[0], -90, 90)
    near_ra = (left.ra[beside] + spread[1]) % 360
    right = Positions(np.concatenate([ra, near_ra]), np.concatenate([dec, near_dec]))
    sky.table("candidates", ra=left.ra, dec=left.dec)
    sky.table("survey", ra=right.ra, dec=right.dec)
    sky.index("survey")
    return left, right


def every_pair(left: Positions, right: Positions) -> dict[tuple[int, int], float]:
    """Return the pairs within the radius: the neighbours of a tree, by their exact angle."""
    chord = 2 * np.sin(np.radians(RADIUS) / 2) * (1 + 1e-6)
    near = cKDTree(right.vectors()).query_ball_point(left.vectors(), chord)
    found = {}
    for row, columns in enumerate(near):
        one = Positions(left.ra[row : row + 1], left.dec[row : row + 1])
        others = Positions(right.ra[columns], right.dec[columns])
        for column, apart in zip(columns, separations(one, others)[0], strict=True):
            if apart <= RADIUS:
                found[row, int(column)] = float(apart)
    return found


def test_all_matches_are_all_pairs_that_are_near_enough(
    sky: Sky, surveys: tuple[Positions, Positions]
) -> None:
    rows = sky.rows("SELECT * FROM labdb.crossmatch_all('candidates', 'survey', %s)", RADIUS)
    wanted = every_pair(*surveys)
    assert {(left, right) for left, right, _ in rows} == set(wanted)
    assert len(rows) == len(wanted) > 2000
    assert max(abs(apart - wanted[left, right]) for left, right, apart in rows) < ROUNDING


def test_the_best_match_is_the_nearest(sky: Sky, surveys: tuple[Positions, Positions]) -> None:
    rows = sky.rows("SELECT * FROM labdb.crossmatch_best('candidates', 'survey', %s)", RADIUS)
    nearest: dict[int, float] = {}
    for (left, _), apart in every_pair(*surveys).items():
        nearest[left] = min(apart, nearest.get(left, 180))
    assert {left for left, _, _ in rows} == set(nearest)
    assert len(rows) == len(nearest)
    assert max(abs(apart - nearest[left]) for left, _, apart in rows) < ROUNDING


def test_stars_are_matched_where_they_have_moved_to(sky: Sky) -> None:
    stars = positions(CASES, 63)
    rng = np.random.default_rng(64)
    east, north = rng.normal(0, 1000, CASES), rng.normal(0, 1000, CASES)
    east[:500] = np.nan  # no proper motion is known
    north[:500] = np.nan
    sky.table("stars", ra=stars.ra, dec=stars.dec, pmra=east, pmdec=north)
    moved = sky.array(
        "SELECT (labdb.moved(ra, dec, pmra, pmdec, 20)).* FROM stars ORDER BY targetid"
    )
    sky.table("survey", ra=moved[:, 0], dec=moved[:, 1])
    sky.index("survey")
    query = "SELECT * FROM labdb.crossmatch_moving('stars', 'survey', %s, 20, 'targetid')"
    rows = sky.rows(query, 0.1 / 3600)
    assert {left for left, _, _ in rows} == set(range(CASES))
    assert max(apart for _, _, apart in rows) < ROUNDING
    still = sky.rows("SELECT * FROM labdb.crossmatch_best('stars', 'survey', %s)", 0.1 / 3600)
    assert len(still) < CASES / 2, "without their motions most are not found"


def test_a_match_is_that_of_astropy(sky: Sky, surveys: tuple[Positions, Positions]) -> None:
    left, right = surveys
    rows = sky.rows("SELECT * FROM labdb.crossmatch_best('candidates', 'survey', %s)", RADIUS)
    found = {one: apart for one, _, apart in rows}
    _, apart, _ = SkyCoord(left.ra, left.dec, unit="deg").match_to_catalog_sky(
        SkyCoord(right.ra, right.dec, unit="deg")
    )
    wanted: dict[int, Any] = {
        number: value for number, value in enumerate(apart.deg) if value <= RADIUS
    }
    assert set(found) == set(wanted)
    assert max(abs(found[number] - value) for number, value in wanted.items()) < ROUNDING


def test_the_index_that_misleads_the_planner_does_no_harm(
    sky: Sky, surveys: tuple[Positions, Positions]
) -> None:
    """A b-tree on (ra, dec) turns a bare q3c_join into a loop over both tables."""
    del surveys
    sky.connection.execute("CREATE INDEX misleading ON survey (ra, dec)")
    sky.connection.execute("ANALYZE survey")
    [(query,)] = sky.rows(
        "SELECT labdb.crossmatch_query('SELECT targetid, ra, dec FROM candidates', 'survey', "
        "'targetid', 'ra', 'dec', 'OFFSET 0')"
    )
    plan = sky.plan(query.replace("$1", "0.0003"))
    assert "survey_q3c_ang2ipix_idx" in plan
    assert "misleading" not in plan
    assert "Seq Scan on survey" not in plan


def test_a_table_without_its_index_is_refused_with_the_statement_that_makes_it(sky: Sky) -> None:
    many = positions(CASES, 65)
    sky.table("bare", ra=many.ra, dec=many.dec)
    with pytest.raises(psycopg.Error, match="no index for positions") as refused:
        sky.rows("SELECT * FROM labdb.crossmatch_all('bare', 'bare', 1)")
    hint = refused.value.diag.message_hint
    assert hint is not None
    for statement in hint.split(";"):
        sky.connection.execute(statement)
    assert len(sky.rows("SELECT * FROM labdb.crossmatch_all('bare', 'bare', 0)")) >= CASES


def test_names_are_quoted(sky: Sky) -> None:
    sky.connection.execute(
        'CREATE TEMP TABLE "Two; Words" ("Key" bigint, "R A" float8, "d""e""c" float8)'
    )
    sky.connection.execute('INSERT INTO "Two; Words" VALUES (1, 10, 10), (2, 10, 10.1)')
    rows = sky.rows(
        """SELECT * FROM labdb.crossmatch_all('"Two; Words"', '"Two; Words"', 0.01, 'Key', 'Key',
           'R A', 'd"e"c', 'R A', 'd"e"c')"""
    )
    assert sorted(row[:2] for row in rows) == [(1, 1), (2, 2)]


def test_a_database_with_the_functions_in_its_indexes_is_dumped_and_restored(
    container: Container,
) -> None:
    with container.connect("postgres") as connection:
        connection.execute("CREATE DATABASE original")
        connection.execute("CREATE DATABASE restored")
    with container.connect("original") as connection:
        connection.execute("CREATE EXTENSION labdb CASCADE")
        connection.execute("CREATE TABLE g AS SELECT n AS id, n * 0.36 AS ra, 0.09 * n - 45 AS dec "
                           "FROM generate_series(0, 999) AS n")  # fmt: skip
        connection.execute("CREATE INDEX ON g (labdb.healpix(ra, dec, 12))")
        connection.execute("CREATE INDEX ON g (q3c_ang2ipix(ra, dec))")
        connection.execute("INSERT INTO labdb.cosmology VALUES ('mine', 72, 0.25, 'a page')")
        connection.execute(
            "CREATE VIEW near AS SELECT * FROM g WHERE labdb.in_cone(ra, dec, 180, 0, 5)"
        )
    programs = "/usr/lib/postgresql/16/bin"
    container.run(
        f"su postgres -c '{programs}/pg_dump -h /sockets -Fc original' > /tmp/dump && "
        f"su postgres -c '{programs}/pg_restore -h /sockets --exit-on-error -d restored /tmp/dump'"
    )
    with container.connect("original") as one, container.connect("restored") as other:
        for query in ("SELECT * FROM near ORDER BY id", "SELECT * FROM labdb.cosmology ORDER BY 1"):
            rows = other.execute(query).fetchall()
            assert rows == one.execute(query).fetchall()
            assert rows
