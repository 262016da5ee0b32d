"""Cones, boxes and polygons: the same rows as without an index, by formulas of another kind."""

from typing import Any

import numpy as np
import psycopg
import pytest
from tests.integration.sky.conftest import Sky
from tests.integration.sky.positions import CASES, Positions, positions, separations

pytestmark = [pytest.mark.docker, pytest.mark.postgres]
POINTS = 5000
ROUNDING = 1e-10
"""Degrees from a border within which the two sides of a comparison may differ."""
NEXT_TO_ALL = 179.99
"""Beyond this radius sin^2 of half of it hardly grows: borders are good to a second of arc."""


@pytest.fixture
def points(sky: Sky) -> Positions:
    made = positions(POINTS, 10)
    sky.table("points", ra=made.ra, dec=made.dec)
    sky.index("points")
    return made


def chosen(sky: Sky, regions: str, condition: str) -> Any:
    """Return a matrix of regions by points: which points each region has."""
    found = np.zeros((CASES, POINTS), dtype=bool)
    pairs = sky.array(
        f"SELECT r.targetid, p.targetid FROM {regions} AS r, points AS p WHERE {condition}"
    ).astype(int)
    found[pairs[:, 0], pairs[:, 1]] = True
    return found


def cones(points: Positions) -> tuple[Positions, Any]:
    centres = positions(CASES, 11)
    rng = np.random.default_rng(12)
    radius = 10 ** rng.uniform(-7, np.log10(2), CASES)
    radius[:300] = rng.uniform(2, 60, 300)
    radius[300:350] = rng.uniform(60, 180, 50)
    radius[350:360] = 180
    # A thousand cones of no size at all, about points that are there.
    centres.ra[1000:2000], centres.dec[1000:2000] = points.ra[:1000], points.dec[:1000]
    radius[1000:2000] = 0
    # A thousand whose border goes through a point.
    centres.ra[2000:3000] = points.ra[:1000]
    centres.dec[2000:3000] = np.clip(points.dec[:1000] + 0.5, -90, 90)
    radius[2000:3000] = np.abs(centres.dec[2000:3000] - points.dec[:1000])
    return centres, radius


def test_ten_thousand_cones_have_the_points_that_are_near_enough(
    sky: Sky, points: Positions
) -> None:
    centres, radius = cones(points)
    sky.table("cones", ra=centres.ra, dec=centres.dec, radius=radius)
    found = chosen(sky, "cones", "labdb.in_cone(p.ra, p.dec, r.ra, r.dec, r.radius)")
    for start in range(0, CASES, 500):
        part = slice(start, start + 500)
        apart = separations(Positions(centres.ra[part], centres.dec[part]), points)
        border = np.where(radius[part] > NEXT_TO_ALL, 1 / 3600, ROUNDING)[:, None]
        differs = found[part] != (apart <= radius[part][:, None])
        assert not (differs & (np.abs(apart - radius[part][:, None]) > border)).any()
    assert found[np.arange(1000, 2000), np.arange(1000)].all(), "a cone of no size has its centre"


def test_a_cone_of_a_negative_radius_has_no_points(sky: Sky, points: Positions) -> None:
    del points
    assert sky.rows("SELECT FROM points WHERE labdb.in_cone(ra, dec, 0, 90, -1e-3)") == []


def test_the_two_names_of_a_position_are_one(sky: Sky) -> None:
    """A pole has every right ascension, and 360 is 0."""
    sky.table("names", ra=[0.0, 360.0, 12.0, 250.0], dec=[10.0, 10.0, 90.0, 90.0])
    sky.index("names")
    query = "SELECT targetid FROM names WHERE labdb.in_cone(ra, dec, %s, %s, 0) ORDER BY 1"
    assert sky.rows(query, 0.0, 10.0) == sky.rows(query, 360.0, 10.0) == [(0,), (1,)]
    assert sky.rows(query, 77.0, 90.0) == [(2,), (3,)]


def test_ten_thousand_boxes_have_the_points_between_their_sides(
    sky: Sky, points: Positions
) -> None:
    rng = np.random.default_rng(13)
    begin = np.where(
        rng.random(CASES) < 0.2, rng.choice([0, 355, 359.9], CASES), rng.uniform(0, 360, CASES)
    )
    width = np.where(rng.random(CASES) < 0.9, rng.uniform(0, 5, CASES), rng.uniform(0, 360, CASES))
    end = begin + width
    end = np.where(end > 360, end - 360, end)
    south = np.degrees(np.arcsin(rng.uniform(-1, 1, CASES)))
    north = np.minimum(south + rng.uniform(0, 5, CASES), 90)
    south[:200], north[200:400] = -90, 90
    sky.table("boxes", west=begin, east=end, south=south, north=north)
    found = chosen(sky, "boxes", "labdb.in_box(p.ra, p.dec, r.west, r.east, r.south, r.north)")
    between = np.where(
        (begin <= end)[:, None],
        (points.ra >= begin[:, None]) & (points.ra <= end[:, None]),
        (points.ra >= begin[:, None]) | (points.ra <= end[:, None]),
    )
    wanted = between & (points.dec >= south[:, None]) & (points.dec <= north[:, None])
    assert (found == wanted).all()


def convex(rng: np.random.Generator, largest: float) -> Any:
    """Return the corners, counter-clockwise on a circle of *largest* radians or less."""
    centre = rng.normal(size=3)
    centre /= np.linalg.norm(centre)
    side = np.cross(centre, [1.0, 0.0, 0.0] if abs(centre[0]) < 0.9 else [0.0, 1.0, 0.0])
    side /= np.linalg.norm(side)
    other = np.cross(centre, side)
    turns = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 7)))
    radius = largest * 10 ** rng.uniform(-2, 0)
    corners: Any = centre * np.cos(radius) + np.sin(radius) * (
        np.cos(turns)[:, None] * side + np.sin(turns)[:, None] * other
    )
    return corners


def test_ten_thousand_polygons_have_the_points_left_of_all_their_sides(
    sky: Sky, points: Positions
) -> None:
    rng = np.random.default_rng(14)
    vectors = points.vectors()
    wanted = np.zeros((CASES, POINTS), dtype=bool)
    border = np.zeros((CASES, POINTS), dtype=bool)
    arrays = []
    for number in range(CASES):
        corners = convex(rng, 0.7 if number < CASES / 50 else 0.1)
        sides = np.cross(corners, np.roll(corners, -1, axis=0))
        sides /= np.linalg.norm(sides, axis=1)[:, None]
        heights = vectors @ sides.T
        wanted[number] = (heights >= 0).all(axis=1)
        border[number] = np.abs(heights).min(axis=1) < np.radians(ROUNDING)
        ra = np.degrees(np.arctan2(corners[:, 1], corners[:, 0])) % 360
        dec = np.degrees(np.arctan2(corners[:, 2], np.hypot(corners[:, 0], corners[:, 1])))
        arrays.append((number, np.stack([ra, dec], axis=1).ravel().tolist()))
    sky.connection.execute("CREATE TEMP TABLE polygons (targetid bigint, corners float8[])")
    with sky.connection.cursor().copy("COPY polygons FROM STDIN") as copy:
        for row in arrays:
            copy.write_row(row)
    found = chosen(sky, "polygons", "labdb.in_polygon(p.ra, p.dec, r.corners)")
    assert not ((found != wanted) & ~border).any()
    assert found.any(axis=1).sum() > CASES / 10


def test_a_polygon_may_have_a_bay(sky: Sky) -> None:
    bay = "ARRAY[0, -10, 20, -10, 20, 10, 10, 0, 0, 10]::float8[]"
    [(land, water, corner, side)] = sky.rows(
        f"SELECT labdb.in_polygon(10, -5, {bay}), labdb.in_polygon(10, 5, {bay}), "
        f"labdb.in_polygon(10, 0, {bay}), labdb.in_polygon(20, 3, {bay})"
    )
    assert (land, water, corner, side) == (True, False, True, True)


@pytest.mark.parametrize(
    ("corners", "said"),
    [
        ("0, 0, 10, 10", "three corners"),
        ("0, 0, 10, 10, 20", "three corners"),
        ("0, 0, 120, 0, 240, 0", "half of the sky"),
    ],
)
def test_what_is_no_polygon_is_refused(sky: Sky, corners: str, said: str) -> None:
    with pytest.raises(psycopg.Error, match=said):
        sky.rows(f"SELECT labdb.in_polygon(1, 1, ARRAY[{corners}]::float8[])")


@pytest.mark.parametrize(
    "region",
    [
        "labdb.in_cone(ra, dec, 150.1, 2.2, 0.1)",
        "labdb.in_cone(ra, dec, 0, 90, 2)",
        "labdb.in_box(ra, dec, 359, 1, -1, 1)",
        "labdb.in_box(ra, dec, 0, 360, 85, 90)",
        "labdb.in_polygon(ra, dec, ARRAY[10, 10, 12, 10, 11, 12])",
    ],
)
def test_a_region_is_answered_by_the_q3c_index(sky: Sky, points: Positions, region: str) -> None:
    del points
    sky.connection.execute("SET plan_cache_mode = force_generic_plan")
    assert "Bitmap Index Scan on points_q3c_ang2ipix_idx" in sky.plan(
        f"SELECT * FROM points WHERE {region}"
    )
    sky.connection.execute(f"PREPARE asked AS SELECT count(*) FROM points WHERE {region}")
    assert "points_q3c_ang2ipix_idx" in sky.plan("EXECUTE asked")


def test_a_prepared_cone_uses_the_index_whatever_its_parameters(
    sky: Sky, points: Positions
) -> None:
    del points
    sky.connection.execute("SET plan_cache_mode = force_generic_plan")
    sky.connection.execute(
        "PREPARE cone (float8, float8, float8) AS "
        "SELECT count(*) FROM points WHERE labdb.in_cone(ra, dec, $1, $2, $3)"
    )
    assert "points_q3c_ang2ipix_idx" in sky.plan("EXECUTE cone (1, 2, 3)")


def test_a_cone_starts_no_workers(sky: Sky, points: Positions) -> None:
    del points
    # Workers read no temporary table.
    sky.connection.execute("CREATE TABLE lasting AS SELECT * FROM points")
    try:
        sky.connection.execute("CREATE INDEX ON lasting (q3c_ang2ipix(ra, dec))")
        sky.connection.execute("ANALYZE lasting")
        for cost in ("parallel_setup_cost", "parallel_tuple_cost", "min_parallel_table_scan_size"):
            sky.connection.execute(f"SET {cost} = 0")
        assert "Gather" in sky.plan("SELECT count(*) FROM lasting WHERE ra > 10")
        cone = sky.plan("SELECT * FROM lasting WHERE labdb.in_cone(ra, dec, 10, 20, 20)")
        assert "Gather" not in cone
    finally:
        sky.connection.execute("DROP TABLE lasting")
