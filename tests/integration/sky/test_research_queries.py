"""Every query of the library on the generated survey: recorded answers, and numpy's own.

LABDB_RECORD=1 writes tests/data/expected/queries anew.
"""

import csv
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import psycopg
import pytest
from astropy.coordinates import SkyCoord
from astropy.cosmology import FlatLambdaCDM
from astropy.io import fits
from astropy.table import Table, vstack
from bench.desi import fits as made
from tests.catalogue import fits_file, stars
from tests.integration.sky.conftest import Container

from labdb.adapters import query_library
from labdb.adapters.catalogue import models
from labdb.cli.app import run

pytestmark = [pytest.mark.docker, pytest.mark.postgres]
EXPECTED = Path(__file__).parents[2] / "data" / "expected" / "queries"
DATABASE = "research"
FIRST = 5
ASKED = {
    "cone-search": ("ra=200", "dec=20", "radius=1"),
    "cross-match": ("years=5.5", "radius=1"),
    "galaxies-around-void": ("void=2", "radius=5"),
    "knn-density": ("ra=200", "dec=20", "radius=3", "k=2"),
    "void-members": ("void=2",),
    "voids-in-common": ("algorithm=ZOBOV", "other=REVOLVER"),
    "voids-near": ("ra=200", "dec=20", "z=0.15", "radius=60", "dz=0.1"),
}
"""Parameters of the recorded answers; the other queries have defaults for all of theirs."""
STARS, YEARS = 300, 5.5


def dsn(container: Container, database: str) -> str:
    with container.connect(database) as connection:
        return connection.info.dsn


class Lab:
    """The database with the survey, its files, and what the command says."""

    def __init__(self, container: Container, folder: Path) -> None:
        self.container = container
        self.conninfo = dsn(container, DATABASE)
        self.folder = folder

    def run(self, capsys: Any, name: str, *options: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run(["query", name, "--conninfo", self.conninfo, *options])
        said = capsys.readouterr()
        return code, said.out, said.err

    def ask(self, capsys: Any, name: str, *values: str, options: tuple[str, ...] = ()) -> Any:
        settings = [word for value in values for word in ("--set", value)]
        code, out, err = self.run(capsys, name, "--json", *settings, *options)
        assert code == 0, err
        return json.loads(out)["data"]

    def file(self, pattern: str, hdu: str) -> Table:
        """Return the rows of an HDU of all files that fit, with the cap from their names."""
        tables = []
        for path in sorted(self.folder.glob(pattern)):
            with fits.open(path) as hdus:
                one = Table(hdus[hdu].data)
            one["CAP"] = path.stem.rpartition("_")[2]
            tables.append(one)
        return vstack(tables, metadata_conflicts="silent")


@pytest.fixture(scope="module")
def lab(container: Container, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("survey")
    made.write(folder, made.How(seed=1, scale=0.01))
    with container.connect("postgres") as connection:
        connection.execute(f"CREATE DATABASE {DATABASE}")
    with container.connect(DATABASE) as connection:
        connection.execute("CREATE EXTENSION labdb CASCADE")
    found = Lab(container, folder)
    sky = tmp_path_factory.mktemp("stars")
    fits_file(sky / "stars.fits", moved_back(found))
    for model, place in (("desivast", folder), ("fastspecfit", folder), ("exposures", folder),
                         ("positions", sky)):  # fmt: skip
        assert run(["catalogue", "load", str(place), "--model", model, "--conninfo",
                    found.conninfo, "--schema", "dr1", "--json"]) == 0  # fmt: skip
    yield found
    with container.connect("postgres") as connection:
        connection.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")


def moved_back(lab: Lab) -> dict[str, Any]:
    """Stars that stand where the first galaxies are, once they have moved for some years."""
    galaxies = lab.file("fastspec*hp02.fits", "METADATA")[:STARS]
    columns = stars(STARS)
    there = SkyCoord(
        galaxies["RA"] * u.deg, galaxies["DEC"] * u.deg,
        pm_ra_cosdec=columns["PMRA"] * u.mas / u.yr, pm_dec=columns["PMDEC"] * u.mas / u.yr,
        distance=1 * u.kpc, radial_velocity=0 * u.km / u.s,
    )  # fmt: skip
    here = there.apply_space_motion(dt=-YEARS * u.yr)
    return columns | {"RA": here.ra.deg, "DEC": here.dec.deg}


@pytest.mark.parametrize("name", query_library.names())
def test_the_answer_is_the_recorded_one(
    lab: Lab, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = lab.ask(capsys, name, *ASKED.get(name, ()))
    about = query_library.load(name).about
    assert [one["name"] for one in data["columns"]] == list(about.columns)
    assert data["rows"], "a query that answers nothing proves nothing"
    path = EXPECTED / f"{name}.json"
    answer = {"rows": len(data["rows"]), "first": data["rows"][:FIRST]}
    if os.environ.get("LABDB_RECORD"):
        path.write_text(json.dumps(answer, indent=1) + "\n", encoding="utf-8")
    wanted = json.loads(path.read_text(encoding="utf-8"))
    assert answer["rows"] == wanted["rows"]
    for row, other in zip(answer["first"], wanted["first"], strict=True):
        assert row == {
            key: pytest.approx(value, rel=1e-6) if isinstance(value, float) else value
            for key, value in other.items()
        }


def test_the_cone_is_astropys(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    rows = lab.ask(capsys, "cone-search", "ra=200", "dec=20", "radius=4")["rows"]
    galaxies = lab.file("fastspec*.fits", "METADATA")
    at = SkyCoord(galaxies["RA"] * u.deg, galaxies["DEC"] * u.deg)
    angle = at.separation(SkyCoord(200 * u.deg, 20 * u.deg)).arcsec
    inside = np.flatnonzero(angle <= 4 * 3600)
    order = inside[np.argsort(angle[inside])]
    assert len(rows) > 100
    assert [row["targetid"] for row in rows] == galaxies["TARGETID"][order].tolist()
    np.testing.assert_allclose([row["separation"] for row in rows], angle[order], rtol=1e-9)


def zones(lab: Lab, algorithm: str) -> Table:
    """The galaxies of the sample with the void of their zone, straight from the files."""
    galzone = lab.file(f"*V2_{algorithm}_*.fits", "GALZONE")
    zonevoid = lab.file(f"*V2_{algorithm}_*.fits", "ZONEVOID")
    void = {(row["CAP"], row["ZONE"]): row["VOID0"] for row in zonevoid}
    galzone["VOID"] = [void[row["CAP"], row["ZONE"]] for row in galzone]
    return galzone


def test_the_members_of_a_void_are_those_of_the_files(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = lab.ask(capsys, "void-members", "algorithm=VIDE", "void=3")["rows"]
    galzone, voids = zones(lab, "VIDE"), lab.file("*V2_VIDE_*.fits", "VOIDS")
    mine = galzone[(galzone["VOID"] == 3) & (galzone["CAP"] == "NGC")]
    void = voids[(voids["VOID"] == 3) & (voids["CAP"] == "NGC")][0]
    distance = np.sqrt(sum((mine[axis] - void[axis]) ** 2 for axis in "XYZ"))
    wanted = dict(zip(mine["TARGET"].tolist(), distance / void["RADIUS"], strict=True))
    assert len(rows) == len(wanted) > 10
    assert {row["targetid"]: row["r_norm"] for row in rows} == pytest.approx(wanted)


def sample(lab: Lab, algorithm: str) -> Table:
    """Galaxies of the sample away from the edges, with mass, star formation and break."""
    galzone = zones(lab, algorithm)
    inner = galzone[(galzone["EDGE"] == 0) & (galzone["OUT"] == 0)]
    phot = lab.file("fastspec*.fits", "SPECPHOT")
    place = {target: number for number, target in enumerate(phot["TARGETID"].tolist())}
    joined = phot[[place[target] for target in inner["TARGET"].tolist()]]
    joined["VOID"] = inner["VOID"]
    good = (joined["LOGMSTAR"] >= 6) & (joined["LOGMSTAR"] <= 13)
    return joined[good & (joined["DN4000"] >= 0.5) & (joined["DN4000"] <= 5)]


def test_the_quenched_fraction_is_numpys(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    rows = lab.ask(capsys, "quenched-fraction", "algorithm=ZOBOV", "bin=0.5")["rows"]
    chosen = sample(lab, "ZOBOV")
    mass = chosen["LOGMSTAR"].astype(float)
    quenched = (chosen["DN4000"] > 1.6) | (chosen["SFR"] < 10.0 ** (mass - 11))
    wanted = {}
    for environment, inside in (("void", chosen["VOID"] >= 0), ("wall", chosen["VOID"] < 0)):
        for place in sorted(set(np.floor(mass[inside] / 0.5).tolist())):
            these = inside & (np.floor(mass / 0.5) == place)
            wanted[environment, (place + 0.5) * 0.5] = (these.sum(), quenched[these].mean())
    found = {
        (row["environment"], row["logmstar"]): (row["galaxies"], row["quenched"]) for row in rows
    }
    assert found.keys() == wanted.keys()
    for key, pair in wanted.items():
        assert found[key] == pytest.approx(pair)


def test_the_mass_function_counts_each_galaxy_once(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = lab.ask(capsys, "mass-function", "bin=0.25")["rows"]
    assert sum(row["galaxies"] for row in rows) == len(sample(lab, "REVOLVER"))
    for environment in {row["environment"] for row in rows}:
        shares = [row["per_dex"] * 0.25 for row in rows if row["environment"] == environment]
        assert sum(shares) == pytest.approx(1)


def test_the_main_sequence_is_a_fit_of_numpys(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    rows = lab.ask(capsys, "main-sequence", "slice=10")["rows"]
    chosen = sample(lab, "REVOLVER")
    for row in rows:
        inside = (chosen["VOID"] >= 0) == (row["environment"] == "void")
        these = chosen[inside & (chosen["SFR"] > 0) & (chosen["DN4000"] < 1.6)]
        mass, rate = these["LOGMSTAR"].astype(float), np.log10(these["SFR"].astype(float))
        slope, level = np.polyfit(mass - 10, rate, 1)
        assert row["galaxies"] == len(these)
        assert (row["slope"], row["level"]) == pytest.approx((slope, level), rel=1e-6)
        residual = np.std(rate - slope * (mass - 10) - level)
        assert row["scatter"] == pytest.approx(residual, rel=1e-6)


def test_a_control_sample_takes_nobody_twice(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    rows = lab.ask(capsys, "control-sample", "logmstar=9")["rows"]
    chosen = sample(lab, "REVOLVER")
    inside = dict(zip(chosen["TARGETID"].tolist(), chosen["VOID"].tolist(), strict=True))
    assert len(rows) > 50
    for side in ("void", "wall"):
        targets = [row[f"{side}_targetid"] for row in rows]
        assert len(set(targets)) == len(targets)
        assert {inside[target] >= 0 for target in targets} == {side == "void"}
    for row in rows:
        assert abs(row["void_logmstar"] - row["wall_logmstar"]) < 0.1
        assert abs(row["void_z"] - row["wall_z"]) < 0.01


@pytest.mark.parametrize("algorithm", ["VIDE", "VoidFinder"])
def test_spheres_hold_what_numpy_finds_in_them(
    lab: Lab, algorithm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = lab.ask(capsys, "sphere-members", f"algorithm={algorithm}", "radius=10", "reach=2")[
        "rows"
    ]
    galaxies = lab.file("fastspec*.fits", "METADATA")
    hdu = "MAXIMALS" if algorithm == "VoidFinder" else "VOIDS"
    voids = lab.file(f"DESIVAST*{algorithm}_*.fits", hdu)
    depth = FlatLambdaCDM(H0=100, Om0=0.3, Tcmb0=0).comoving_distance(galaxies["Z"]).to_value(u.Mpc)
    ra, dec = np.radians(galaxies["RA"]), np.radians(galaxies["DEC"])
    place = depth * np.array([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
    wanted = {}
    for void in voids[voids["RADIUS"] >= 10]:
        apart = np.sqrt(sum((place[i] - void[axis]) ** 2 for i, axis in enumerate("XYZ")))
        for number in np.flatnonzero(apart <= 2 * void["RADIUS"]):
            key = (void["CAP"], int(void["VOID"]), int(galaxies["TARGETID"][number]))
            wanted[key] = apart[number] / void["RADIUS"]
    assert len(wanted) > 10
    found = {(row["galactic_cap"], row["void"], row["targetid"]): row["r_norm"] for row in rows}
    assert found == pytest.approx(wanted)


def test_voids_in_common_are_the_nearest_ones(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    rows = lab.ask(capsys, "voids-in-common", "algorithm=ZOBOV", "other=VIDE")["rows"]
    mine, other = (lab.file(f"*V2_{name}_*.fits", "VOIDS") for name in ("ZOBOV", "VIDE"))
    wanted = {}
    for void in mine:
        near = other[other["CAP"] == void["CAP"]]
        apart = np.sqrt(sum((near[axis] - void[axis]) ** 2 for axis in "XYZ"))
        best = int(np.argmin(apart))
        if apart[best] < void["RADIUS"]:
            wanted[void["CAP"], int(void["VOID"])] = int(near["VOID"][best])
    assert len(wanted) > 5
    assert {(row["galactic_cap"], row["void"]): row["other_void"] for row in rows} == wanted


def test_sizes_of_voids_are_numpys(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    for row in lab.ask(capsys, "void-sizes")["rows"]:
        hdu = "MAXIMALS" if row["algorithm"] == "VoidFinder" else "VOIDS"
        voids = lab.file(f"DESIVAST*{row['algorithm']}_*.fits", hdu)
        radius = voids["RADIUS"][voids["CAP"] == row["galactic_cap"]]
        assert row["voids"] == len(radius)
        assert (row["mean"], row["median"]) == pytest.approx((radius.mean(), np.median(radius)))


def test_densities_are_those_of_the_second_neighbour(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = lab.ask(capsys, "knn-density", *ASKED["knn-density"])["rows"]
    galaxies = lab.file("fastspec*.fits", "METADATA")
    at = SkyCoord(galaxies["RA"] * u.deg, galaxies["DEC"] * u.deg)
    near = at.separation(SkyCoord(200 * u.deg, 20 * u.deg)).deg < 4
    galaxies, at = galaxies[near], at[near]
    place = {target: number for number, target in enumerate(galaxies["TARGETID"].tolist())}
    known = [row for row in rows if row["separation"] is not None]
    assert 0 < len(known) < len(rows)
    for row in rows:
        number = place[row["targetid"]]
        slice_ = np.abs(galaxies["Z"] - galaxies["Z"][number]) < 0.005
        apart = np.sort(at[slice_].separation(at[number]).deg)[1:]
        wanted = apart[1] if len(apart) > 1 and apart[1] <= 0.5 else None
        assert row["separation"] == (None if wanted is None else pytest.approx(wanted))


def test_stars_find_the_galaxies_that_they_have_moved_to(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = lab.ask(capsys, "cross-match", "years=5.5", "radius=0.001")["rows"]
    targets = lab.file("fastspec*hp02.fits", "METADATA")["TARGETID"][:STARS].tolist()
    numbers = stars(STARS)["SOURCE_ID"].tolist()
    found = {row["source_number"]: row["targetid"] for row in rows}
    assert found == dict(zip(numbers, targets, strict=True))
    assert lab.ask(capsys, "cross-match", "years=0", "radius=0.001")["rows"] == []


def test_nights_are_counted_as_the_file_has_them(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = lab.ask(capsys, "exposures-per-night", "from=20210601", "to=20210630")["rows"]
    exposures = lab.file("exposures*.fits", "EXPOSURES")
    june = exposures[(exposures["NIGHT"] >= 20210601) & (exposures["NIGHT"] <= 20210630)]
    assert sum(row["exposures"] for row in rows) == len(june) > 0
    assert sum(row["exptime"] for row in rows) == pytest.approx(june["EXPTIME"].sum())


def test_csv_holds_every_row_and_digit(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = lab.run(capsys, "void-population", "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    wanted = lab.ask(capsys, "void-population")["rows"]
    assert code == 0
    assert [float(row["radius"]) for row in rows] == [row["radius"] for row in wanted]


def test_a_terminal_gets_the_first_rows_and_is_told(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = lab.run(capsys, "ssfr-d4000-cut", "--no-color")
    assert code == 0
    assert "the first 50 rows" in out
    assert "there are more" in out
    assert "log_ssfr [dex(1/yr)]" in out


SKY = ("cone-search", "galaxies-around-void", "knn-density", "sphere-members")


@pytest.mark.parametrize("name", SKY)
def test_galaxies_are_read_by_the_index_of_the_sky(
    lab: Lab, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    values = [word for value in ASKED.get(name, ()) for word in ("--set", value)]
    code, out, _ = lab.run(capsys, name, *values, "--explain")
    assert code == 0
    assert '"dr1"."fastspecfit_galaxies"' in out
    assert "fastspecfit_galaxies_q3c_idx" in out
    assert "%(" not in out  # the statement can be run as it stands


def test_a_picture_is_drawn(lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in query_library.names():
        if query_library.load(name).about.plot:
            for ending in ("png", "svg"):
                picture = tmp_path / f"{name}.{ending}"
                assert lab.run(capsys, name, "--plot", str(picture))[0] == 0
                assert picture.stat().st_size > 5000


def test_nothing_can_be_changed(lab: Lab) -> None:
    from labdb.adapters import research  # noqa: PLC0415 - this test alone
    from labdb.errors import RunError  # noqa: PLC0415

    with (
        pytest.raises(RunError, match="refused") as told,
        research.reading(lab.conninfo, 60) as connection,
    ):
        connection.execute("DROP TABLE dr1.exposures")
    assert "read-only" in told.value.why


def test_a_query_ends_in_time(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = lab.run(capsys, "void-population", "--timeout", "0.001")
    assert code == 5
    assert "was not done after 0.001 s" in err


@pytest.mark.parametrize("value", ["x'; DROP TABLE dr1.exposures; --", "%(void)s", "{voids}", '"'])
def test_values_are_never_sql(lab: Lab, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    data = lab.ask(capsys, "sphere-members", f"cosmology={value}")
    assert data["rows"] == []
    assert data["parameters"]["cosmology"] == value
    assert lab.ask(capsys, "exposures-per-night")["rows"]


def test_tables_of_any_name_are_found(
    lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = 'x"; DROP SCHEMA dr1; --'
    fits_file(tmp_path / "a.fits", stars(10))
    arguments = ["catalogue", "load", str(tmp_path), "--model", "positions", "--conninfo",
                 lab.conninfo, "--schema", "dr1", "--as", name]  # fmt: skip
    assert run(arguments) == 0
    try:
        code, _, err = lab.run(capsys, "cross-match")
        assert code == 2
        assert "which stars are meant?" in err
        assert "--use stars=" in err
        data = lab.ask(capsys, "cross-match", options=("--use", f"stars={name}"))
        assert data["tables"]["stars"] == f"dr1.{name}"
        code, _, err = lab.run(capsys, "cross-match", "--use", "suns=x")
        assert (code, "the query has no such table" in err) == (2, True)
    finally:
        with lab.container.connect(DATABASE) as connection:
            quoted = psycopg.sql.Identifier("dr1", name)
            connection.execute(psycopg.sql.SQL("DROP TABLE {}").format(quoted))


def test_what_is_missing_is_told(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = lab.run(capsys, "void-sizes", "--schema", "dr2")
    assert code == 5
    assert "the query needs table voids of model desivast, and there is none in schema dr2" in err
    with lab.container.connect("postgres") as connection:
        connection.execute("DROP DATABASE IF EXISTS bare")
        connection.execute("CREATE DATABASE bare")
    code = run(["query", "cone-search", "--conninfo", dsn(lab.container, "bare"),
                "--set", "ra=1", "--set", "dec=1"])  # fmt: skip
    assert code == 5
    said = capsys.readouterr().err
    assert "the query needs the extension labdb" in said
    assert "CREATE EXTENSION labdb CASCADE" in said


def test_a_load_that_was_broken_off_is_told(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    with (
        lab.container.connect(DATABASE) as connection,
        connection.transaction(force_rollback=False),
    ):
        connection.execute(
            "UPDATE dr1.load_ledger SET finished_at = NULL WHERE table_name = 'exposures'"
        )
    try:
        code, out, _ = lab.run(capsys, "exposures-per-night")
        assert code == 1
        assert "dr1.exposures is not complete" in out
    finally:
        with lab.container.connect(DATABASE) as connection:
            connection.execute(
                "UPDATE dr1.load_ledger SET finished_at = now() WHERE table_name = 'exposures'"
            )


def test_every_model_table_of_the_library_is_shipped() -> None:
    known = {
        f"{name}.{table.name}" for name in models.names() for table in models.load(name).tables
    }
    for name in query_library.names():
        assert set(query_library.load(name).about.tables.values()) <= known
