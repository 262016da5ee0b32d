"""The generated survey has the shape of the lab's: counts, ranges, populations, links."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench.desi import cosmology, exposures, galaxies, pgcopy, sky, survey, voids, zones

from labdb.domain.catalogue.healpix import nested

SCALE = 0.01
SEED = 1


@pytest.fixture(scope="module")
def catalogue() -> Mapping[str, Any]:
    pieces = list(galaxies.generate(SEED, SCALE))
    return {
        name: np.concatenate([np.asarray(piece.batch()[name]) for piece in pieces])
        for name in ("targetid", "ra", "dec", "z", "logmstar", "sfr", "d4000", "healpix_id")
    }


@pytest.fixture(scope="module")
def good(catalogue: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the lab's quality cuts let pass."""
    mass, break_ = catalogue["logmstar"], catalogue["d4000"]
    passed = (mass >= 6) & (mass <= 13) & (break_ >= 0.5) & (break_ <= 5) & (catalogue["sfr"] >= 0)
    return {name: values[passed] for name, values in catalogue.items()}


def quenched(of: Mapping[str, Any]) -> Any:
    return (np.log10(of["sfr"]) - of["logmstar"] < -11) | (of["d4000"] > 1.6)


def test_the_whole_catalogue_has_the_lab_s_rows() -> None:
    assert sum(galaxies.ROWS) == 6_445_927


def test_every_source_file_has_its_share_of_the_rows(catalogue: Mapping[str, Any]) -> None:
    found = np.bincount(catalogue["healpix_id"], minlength=12)
    assert found.tolist() == [round(rows * SCALE) for rows in galaxies.ROWS]


def test_no_galaxy_comes_twice(catalogue: Mapping[str, Any]) -> None:
    targets = catalogue["targetid"]
    assert len(np.unique(targets)) == len(targets)
    assert targets.min() >= 2_369_000_000_000_000
    assert targets.max() <= 43_980_000_000_000_000


def test_positions_lie_in_the_footprint_and_in_their_file_s_pixel(
    catalogue: Mapping[str, Any],
) -> None:
    ra, dec = catalogue["ra"], catalogue["dec"]
    assert (ra >= 0).all()
    assert (ra < 360).all()
    assert (dec >= -19.46).all()
    assert (dec <= 79.27).all()
    assert (np.abs(sky.galactic_latitude(ra, dec)) > 20).all()
    assert (nested(ra, dec, 1) == catalogue["healpix_id"]).all()


def test_redshifts_and_masses_keep_the_lab_s_ranges(catalogue: Mapping[str, Any]) -> None:
    assert catalogue["z"].min() >= 0.0010
    assert catalogue["z"].max() <= 6.4077
    assert catalogue["logmstar"].min() >= -12.11
    assert catalogue["logmstar"].max() <= 15.64
    assert catalogue["sfr"].min() >= 0
    assert catalogue["sfr"].max() <= 76_710


def test_as_many_rows_pass_the_quality_cuts(
    catalogue: Mapping[str, Any], good: Mapping[str, Any]
) -> None:
    assert len(good["z"]) / len(catalogue["z"]) == pytest.approx(0.984, abs=0.003)


def test_the_main_sequence_has_its_slope(good: Mapping[str, Any]) -> None:
    forming = ~quenched(good)
    slope, _ = np.polyfit(good["logmstar"][forming], np.log10(good["sfr"][forming]), 1)
    assert slope == pytest.approx(1.01, abs=0.03)


def test_as_many_galaxies_are_quenched(good: Mapping[str, Any]) -> None:
    assert quenched(good).mean() == pytest.approx(0.722, abs=0.02)


def test_far_galaxies_are_massive(good: Mapping[str, Any]) -> None:
    assert np.corrcoef(good["logmstar"], good["z"])[0, 1] == pytest.approx(0.614, abs=0.05)


def test_d4000_has_two_populations_with_a_gap(good: Mapping[str, Any]) -> None:
    counts, _ = np.histogram(good["d4000"], bins=[1.2, 1.4, 1.55, 1.65, 1.8, 2.0])
    young, _, valley, _, old = counts / [0.2, 0.15, 0.1, 0.15, 0.2]
    assert valley < 0.5 * min(young, old)


def test_galaxies_are_not_spread_evenly(catalogue: Mapping[str, Any]) -> None:
    cells = np.unique(nested(catalogue["ra"], catalogue["dec"], 64), return_counts=True)[1]
    assert cells.var() > 1.5 * cells.mean()  # an even spread has its mean for variance


def test_a_file_s_rows_follow_the_sky() -> None:
    piece = next(iter(galaxies.generate(SEED, SCALE)))
    assert (np.diff(nested(piece.ra, piece.dec, 64)) >= 0).all()


@pytest.fixture(scope="module")
def all_voids() -> list[voids.Voids]:
    return list(voids.generate(SEED, 1.0))


def test_there_are_10754_voids(all_voids: list[voids.Voids]) -> None:
    found = {(one.algorithm.name, one.cap): len(one.radius) for one in all_voids}
    assert sum(found.values()) == 10_754
    assert found["VoidFinder", "SGC"] == 524


@pytest.mark.parametrize("algorithm", voids.ALGORITHMS, ids=lambda one: one.name)
def test_radii_have_the_published_moments(
    all_voids: list[voids.Voids], algorithm: voids.Algorithm
) -> None:
    parts = [one.radius for one in all_voids if one.algorithm == algorithm]
    radii = np.concatenate(parts)
    assert radii.min() > 0
    assert radii.mean() == pytest.approx(algorithm.mean, rel=0.01)
    assert np.median(radii) == pytest.approx(algorithm.median, rel=0.01)
    # ZOBOV's tail is so long that a sample never has all of its deviation.
    assert radii.std() == pytest.approx(algorithm.deviation, rel=0.2)


def test_a_void_s_three_coordinates_are_its_position_and_its_distance(
    all_voids: list[voids.Voids],
) -> None:
    for one in all_voids:
        distance = np.sqrt((one.xyz**2).sum(axis=0))
        assert cosmology.redshift(distance) == pytest.approx(one.redshift, rel=1e-4)
        ra = np.degrees(np.arctan2(one.xyz[1], one.xyz[0])) % 360
        assert ra == pytest.approx(one.ra, abs=1e-6)
        assert np.degrees(np.arcsin(one.xyz[2] / distance)) == pytest.approx(one.dec, abs=1e-6)


def test_voidfinder_gives_no_redshift(all_voids: list[voids.Voids]) -> None:
    without = {one.algorithm.name for one in all_voids if one.batch()["redshift"] is None}
    assert without == {"VoidFinder"}


def test_caps_are_the_two_sides_of_the_galaxy(all_voids: list[voids.Voids]) -> None:
    for one in all_voids:
        assert ((sky.galactic_latitude(one.ra, one.dec) > 0) == (one.cap == "NGC")).all()


def test_comoving_distances_are_those_of_the_textbook() -> None:
    # Flat, matter 0.3: z = 1 lies at 0.7714 c/H0 (Hogg 1999, astro-ph/9905116, figure 2).
    assert cosmology.distance(np.array([1.0]))[0] == pytest.approx(0.7714 * 2997.92458, rel=1e-3)


def test_membership_leads_from_a_galaxy_to_a_void() -> None:
    sample = zones.VolumeLimited()
    known: set[int] = set()
    for piece in galaxies.generate(SEED, SCALE):
        sample.add(piece)
        known.update(piece.targetid.tolist())
    zone_void = {
        (str(one["algorithm"]), str(one["galactic_cap"])): np.asarray(one["void0"])
        for one in zones.zone_voids(SEED, SCALE)
    }
    indexes = {
        (one.algorithm.name, one.cap): set(one.void.tolist()) for one in voids.generate(SEED, SCALE)
    }
    listed = 0
    for batch in zones.galaxy_zones(sample, SEED, SCALE):
        where = str(batch["algorithm"]), str(batch["galactic_cap"])
        targets = np.asarray(batch["target"])
        assert known.issuperset(targets.tolist())
        reached = set(zone_void[where][np.asarray(batch["zone"])].tolist())
        assert reached - {zones.NOWHERE} <= indexes[where]
        listed += len(targets)
    assert listed == 3 * sum(round(count * SCALE) for count in zones.GALAXIES)


def test_a_galaxy_lies_in_the_nearest_zone() -> None:
    sample = zones.VolumeLimited()
    for piece in galaxies.generate(SEED, 0.001):
        sample.add(piece)
    batch = next(iter(zones.galaxy_zones(sample, SEED, 0.001)))
    ra, dec, redshift = voids.zone_centres(SEED, 0.001, "NGC")
    centres = cosmology.cartesian(ra, dec, cosmology.distance(redshift))
    place = np.array([batch["x"][7], batch["y"][7], batch["z"][7]])  # type: ignore[index]
    distances = np.sqrt(((centres - place[:, None]) ** 2).sum(axis=0))
    assert np.argmin(distances) == batch["zone"][7]  # type: ignore[index]


def test_exposures_come_in_order_of_time() -> None:
    batches = list(exposures.generate(SEED, 1.0))
    mjd = np.concatenate([np.asarray(batch["mjd"]) for batch in batches])
    expid = np.concatenate([np.asarray(batch["expid"]) for batch in batches])
    nights = {int(np.asarray(batch["night"])[0]) for batch in batches}
    assert (np.diff(mjd) > 0).all()
    assert (np.diff(expid) == 1).all()
    assert (min(nights), max(nights)) == (20210514, 20220613)
    assert not [night for night in nights if 20210710 <= night <= 20210919]
    assert len(expid) > 6000


def test_an_exposure_has_thirty_frames() -> None:
    night = next(iter(exposures.generate(SEED, 1.0)))
    (frames,) = exposures.frames(night, SEED)
    assert pgcopy.length(frames) == 30 * pgcopy.length(night)


def test_pixels_are_those_of_the_nested_scheme() -> None:
    # Centres of nside 1, and of the four children of pixel 0 (Gorski et al. 2005, figure 4).
    low, middle, high = np.degrees(np.arcsin([1 / 3, 2 / 3, 11 / 12]))
    ra = np.array([45.0, 135, 0, 90, 45, 315])
    dec = np.array([middle, middle, 0, 0, -middle, -middle])
    assert nested(ra, dec, 1).tolist() == [0, 1, 4, 5, 8, 11]
    ra, dec = np.array([45, 67.5, 22.5, 45]), np.array([low, middle, middle, high])
    assert nested(ra, dec, 2).tolist() == [0, 1, 2, 3]


def test_pixels_have_the_same_area() -> None:
    rng = np.random.default_rng(SEED)
    ra, dec = rng.uniform(0, 360, 384_000), np.degrees(np.arcsin(rng.uniform(-1, 1, 384_000)))
    counts = np.bincount(nested(ra, dec, 4), minlength=192)
    assert counts.min() > 1750
    assert counts.max() < 2250


def test_equal_seeds_give_equal_bytes_and_others_do_not(tmp_path: Path) -> None:
    first = survey.write(tmp_path / "one", seed=7, scale=0.001)
    assert survey.write(tmp_path / "two", seed=7, scale=0.001) == first
    assert (tmp_path / "one" / "frames.copy").read_bytes() == (
        tmp_path / "two" / "frames.copy"
    ).read_bytes()
    other = survey.write(tmp_path / "three", seed=8, scale=0.001)
    assert [table.sha256 for table in other] != [table.sha256 for table in first]
    assert all(a.sha256 != b.sha256 for a, b in zip(first, other, strict=True))


def test_a_record_is_what_postgresql_s_manual_says() -> None:
    batch = {"a": np.array([1], dtype="int64"), "b": None, "c": "NGC", "d": np.array(["z"])}
    assert pgcopy.records(batch).hex() == (
        "0004" "00000008" "0000000000000001" "ffffffff" "00000003" "4e4743" "00000001" "7a"
    )  # fmt: skip


def test_a_stream_has_a_header_and_a_trailer() -> None:
    written = b"".join(pgcopy.stream([{"a": np.array([5], dtype="int16")}]))
    assert written == (
        b"PGCOPY\n\xff\r\n\0" + b"\0" * 8 + b"\x00\x01\x00\x00\x00\x02\x00\x05" + b"\xff\xff"
    )
