"""Distances, positions in space, voids and densities, against astropy and scipy."""

from typing import Any

import astropy.units as u
import numpy as np
import psycopg
import pytest
from astropy.coordinates import SkyCoord
from astropy.cosmology import FlatLambdaCDM
from scipy.spatial import cKDTree
from tests.integration.sky.conftest import Sky
from tests.integration.sky.positions import CASES, positions

pytestmark = [pytest.mark.docker, pytest.mark.postgres]
GALAXIES, VOIDS = 20_000, 300


@pytest.mark.parametrize("name", ["lab", "planck2018"])
def test_a_comoving_distance_is_astropys(sky: Sky, name: str) -> None:
    rng = np.random.default_rng(40)
    redshift = np.concatenate([[0], 10 ** rng.uniform(-4, np.log10(7), CASES - 1)])
    sky.table("sources", z=redshift)
    [(h0, omega)] = sky.rows(
        "SELECT hubble_constant, omega_matter FROM labdb.cosmology WHERE name = %s", name
    )
    found = sky.array(
        "SELECT labdb.comoving_distance(z, c), labdb.comoving_distance_h(z, c) "
        "FROM sources, labdb.cosmology AS c WHERE c.name = %s ORDER BY targetid", name
    )  # fmt: skip
    wanted = FlatLambdaCDM(H0=h0, Om0=omega, Tcmb0=0).comoving_distance(redshift).to_value(u.Mpc)
    np.testing.assert_allclose(found[:, 0], wanted, rtol=1e-10)
    np.testing.assert_allclose(found[:, 1], wanted * h0 / 100, rtol=1e-10)


def test_a_position_in_space_is_astropys(sky: Sky) -> None:
    at = positions(CASES, 41)
    distance = np.random.default_rng(42).uniform(0, 5000, CASES)
    sky.table("sources", ra=at.ra, dec=at.dec, distance=distance)
    found = sky.array(
        "SELECT cube_ll_coord(p, 1), cube_ll_coord(p, 2), cube_ll_coord(p, 3) FROM (SELECT "
        "targetid, labdb.cartesian(ra, dec, distance) AS p FROM sources) AS s ORDER BY targetid"
    )
    wanted = SkyCoord(at.ra * u.deg, at.dec * u.deg, distance * u.Mpc).cartesian.xyz.value.T
    np.testing.assert_allclose(found, wanted, atol=1e-11)


def test_a_cosmology_of_ones_own_can_be_named(sky: Sky) -> None:
    sky.connection.execute("BEGIN")
    sky.connection.execute(
        "INSERT INTO labdb.cosmology VALUES ('dust', 100, 1, 'Einstein, de Sitter')"
    )
    [(found,)] = sky.rows(
        "SELECT labdb.comoving_distance_h(3, c) FROM labdb.cosmology AS c WHERE name = 'dust'"
    )
    sky.connection.execute("ROLLBACK")
    # 2 c/H0 (1 - (1 + z)^(-1/2)) in a universe without a cosmological constant.
    assert found == pytest.approx(2997.92458, rel=1e-12)


@pytest.fixture
def space(sky: Sky) -> tuple[Any, Any, Any]:
    """Galaxies and voids in a box: a quarter of the galaxies in clumps."""
    rng = np.random.default_rng(50)
    galaxies = rng.uniform(-300, 300, (GALAXIES, 3))
    clumps = rng.integers(0, 50, GALAXIES // 4)
    galaxies[: GALAXIES // 4] = galaxies[-50:][clumps] + rng.normal(0, 3, (GALAXIES // 4, 3))
    voids, radius = rng.uniform(-300, 300, (VOIDS, 3)), rng.uniform(8, 40, VOIDS)
    for name, points in (("galaxies", galaxies), ("voids", voids)):
        x, y, z = points.T
        sky.table(name, x=x, y=y, z=z)
        sky.connection.execute(f"ALTER TABLE {name} ADD position cube")
        sky.connection.execute(f"UPDATE {name} SET position = cube(ARRAY[x, y, z])")
        sky.connection.execute(f"CREATE INDEX ON {name} USING gist (position)")
    sky.table("radii", radius=radius)
    sky.connection.execute("ALTER TABLE voids RENAME targetid TO void_id")
    sky.connection.execute("ALTER TABLE voids ADD radius float8, ADD edge int")
    sky.connection.execute(
        "UPDATE voids SET radius = radii.radius, edge = void_id % 3 FROM radii "
        "WHERE targetid = void_id"
    )
    sky.connection.execute("ANALYZE galaxies")
    sky.connection.execute("DROP TABLE IF EXISTS membership, membership_voids")
    sky.connection.execute("SELECT labdb.create_membership('public.membership')")
    return galaxies, voids, radius


def test_a_cell_counts_edges_from_the_origin(sky: Sky) -> None:
    places = np.random.default_rng(8).uniform(-500, 500, (200, 3))
    sky.table("places", x=places[:, 0], y=places[:, 1], z=places[:, 2])
    found = sky.array(
        "SELECT cube_ll_coord(c, 1), cube_ll_coord(c, 2), cube_ll_coord(c, 3) FROM places,"
        " labdb.cell(cube(ARRAY[x, y, z]), 40) AS c ORDER BY targetid"
    )
    assert np.array_equal(found, np.floor(places / 40))


def refresh(sky: Sky, reach: float = 1) -> tuple[Any, ...]:
    [row] = sky.rows(
        "SELECT * FROM labdb.refresh_membership('public.membership', 'voids', 'galaxies', %s)",
        reach,
    )
    return row


def members(sky: Sky) -> dict[tuple[int, int], float]:
    rows = sky.rows("SELECT void_id, targetid, distance FROM public.membership")
    return {(void, galaxy): distance for void, galaxy, distance in rows}


def expected(space: tuple[Any, Any, Any], reach: float = 1) -> set[tuple[int, int]]:
    galaxies, voids, radius = space
    found = cKDTree(galaxies).query_ball_point(voids, radius * reach)
    return {(void, galaxy) for void, inside in enumerate(found) for galaxy in inside}


@pytest.mark.parametrize("reach", [1, 1.5])
def test_members_of_voids_are_those_of_a_tree_search(
    sky: Sky, space: tuple[Any, Any, Any], reach: float
) -> None:
    assert refresh(sky, reach) == (VOIDS, 0, len(expected(space, reach)), 0)
    found = members(sky)
    assert set(found) == expected(space, reach)
    [(normalised, edges)] = sky.rows(
        "SELECT count(*) FILTER (WHERE r_norm <> distance / radius), "
        "count(*) FILTER (WHERE m.edge IS DISTINCT FROM v.edge) "
        "FROM public.membership AS m JOIN voids AS v USING (void_id)"
    )
    assert (normalised, edges) == (0, 0)


def test_a_refresh_without_a_change_changes_nothing(sky: Sky, space: tuple[Any, Any, Any]) -> None:
    del space
    refresh(sky)
    assert refresh(sky) == (0, 0, 0, 0)


def test_a_new_void_changes_its_own_members_alone(sky: Sky, space: tuple[Any, Any, Any]) -> None:
    galaxies, _, _ = space
    refresh(sky)
    before = members(sky)
    xmin = dict(sky.rows("SELECT (void_id, targetid)::text, xmin::text FROM public.membership"))
    sky.connection.execute("INSERT INTO voids VALUES (9999, 0, 0, 0, '(0, 0, 0)', 30, 0)")
    inside = {(9999, number) for number in cKDTree(galaxies).query_ball_point([0, 0, 0], 30)}
    assert refresh(sky) == (1, 0, len(inside), 0)
    assert set(members(sky)) == set(before) | inside
    after = dict(sky.rows("SELECT (void_id, targetid)::text, xmin::text FROM public.membership"))
    assert {key: after[key] for key in xmin} == xmin, "rows of other voids were written anew"


def test_a_void_that_moves_grows_or_goes_takes_its_members_along(
    sky: Sky, space: tuple[Any, Any, Any]
) -> None:
    galaxies, voids, radius = space
    refresh(sky)
    sky.connection.execute("UPDATE voids SET radius = radius * 1.2 WHERE void_id = 7")
    sky.connection.execute("UPDATE voids SET position = '(10, 20, 30)' WHERE void_id = 8")
    sky.connection.execute("DELETE FROM voids WHERE void_id = 9")
    radius[7] *= 1.2
    voids[8] = (10, 20, 30)
    assert refresh(sky)[:2] == (2, 3)
    wanted = {pair for pair in expected((galaxies, voids, radius)) if pair[0] != 9}
    assert set(members(sky)) == wanted


def test_more_galaxies_are_found_in_the_voids_that_are_there(
    sky: Sky, space: tuple[Any, Any, Any]
) -> None:
    _, voids, _ = space
    refresh(sky)
    x, y, z = voids[3]
    sky.connection.execute(
        "INSERT INTO galaxies VALUES (999999, %s, %s, %s, cube(ARRAY[%s, %s, %s]::float8[]))",
        (x, y, z, x, y, z),
    )
    assert refresh(sky)[0] == VOIDS
    assert members(sky)[3, 999999] == 0


def test_a_galaxy_in_place_of_another_is_noticed(sky: Sky, space: tuple[Any, Any, Any]) -> None:
    del space
    refresh(sky)
    (void, galaxy) = next(iter(members(sky)))
    sky.connection.execute(
        "UPDATE galaxies SET position = '(9000, 0, 0)' WHERE targetid = %s", [galaxy]
    )
    assert refresh(sky)[0] == VOIDS
    assert (void, galaxy) not in members(sky)


def test_a_membership_is_refreshed_by_one_session_at_a_time(
    sky: Sky, space: tuple[Any, Any, Any], container: Any
) -> None:
    del space
    sky.connection.execute("BEGIN")
    refresh(sky)
    with container.connect("sky") as other:
        other.execute("SET lock_timeout = '200ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            other.execute(
                "SELECT labdb.refresh_membership('public.membership', 'public.membership_voids', "
                "'public.membership')"
            )
    sky.connection.execute("ROLLBACK")


@pytest.mark.parametrize("neighbours", [1, 5])
def test_the_distance_of_a_neighbour_is_that_of_a_tree_search(
    sky: Sky, space: tuple[Any, Any, Any], neighbours: int
) -> None:
    galaxies, _, _ = space
    found = sky.array(
        "SELECT distance, density FROM labdb.neighbour_density('galaxies', %s) ORDER BY id",
        neighbours,
    )
    distance = cKDTree(galaxies).query(galaxies, neighbours + 1)[0][:, -1]
    np.testing.assert_allclose(found[:, 0], distance, rtol=1e-9)
    np.testing.assert_allclose(found[:, 1], neighbours / (4 / 3 * np.pi * distance**3), rtol=1e-8)


def test_no_neighbour_is_refused(sky: Sky, space: tuple[Any, Any, Any]) -> None:
    del space
    with pytest.raises(psycopg.Error, match="1 or more"):
        sky.rows("SELECT * FROM labdb.neighbour_density('galaxies', 0)")
