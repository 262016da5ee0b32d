"""The survey written as the FITS files that DESI publishes: names, HDUs, columns, units, quirks.

python bench/desi/fits.py FOLDER [--scale 0.01] [--seed 1] [--plain]

The quirks are those of real catalogues: VoidFinder's files have no redshift, the galactic cap
stands in the file's name alone, missing values are NaN, -1, TNULL or blanks, and some numbers
are scaled (TSCAL, TZERO). ``--plain`` leaves NaN, TNULL and the scaled numbers out.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

# A script finds its neighbours by the tree that it stands in.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from bench.desi import exposures, galaxies, voids, zones
from bench.desi.galaxies import Galaxies
from bench.desi.voids import Voids

Columns = Mapping[str, np.ndarray]
LENGTHS = ("X", "Y", "Z", "RADIUS", "R", "R_EFF", "R_EFF_UNCERT")
UNITS = (
    dict.fromkeys(LENGTHS, "Mpc/h")
    | {f"{axis}{number}": "Mpc/h" for axis in "XYZ" for number in "123"}
    | {f"P{corner}_{axis}": "Mpc/h" for axis in "XYZ" for corner in "123"}
    | {"RA": "deg", "DEC": "deg", "TOT_AREA": "Mpc2/h2", "EDGE_AREA": "Mpc2/h2"}
)
GALAXY_UNITS = {
    "RA": "deg", "DEC": "deg", "EBV": "mag", "LOGMSTAR": "Msun", "LOGMSTAR_IVAR": "1 / Msun2",
    "SFR": "Msun / yr", "SFR_IVAR": "yr2 / Msun2", "AGE": "Gyr", "VDISP": "km / s",
    "VDISP_IVAR": "s2 / km2",
} | {f"FLUX_{band}": "nmgy" for band in ("G", "R", "Z", "W1", "W2")} | {
    f"ABSMAG01_SDSS_{band}": "mag" for band in "UGRIZ"
}  # fmt: skip
TRIANGLES = {
    ("REVOLVER", "NGC"): 5_321_800, ("REVOLVER", "SGC"): 756_302,
    ("VIDE", "NGC"): 3_854_410, ("VIDE", "SGC"): 511_574,
}  # fmt: skip
"""Triangles of the voids' surfaces in DESIVAST's files, by algorithm and cap."""
HOLES = {"NGC": 89_003, "SGC": 12_860}
"""Spheres that VoidFinder's voids are made of, by cap."""
NOTHING = -1
AGE_STEP, AGE_ZERO, NO_AGE = 0.0005, 8.0, -32768
QUASAR = 2.0
"""Redshift beyond which objects are called quasars."""
IN_TWO = 0.2
"""Share of the galaxies that lie in a second void."""
MISSING = 0.01
"""Share of the values of a column that are missing, where some are."""


@dataclass(frozen=True, slots=True)
class How:
    """How files are written."""

    seed: int = 1
    scale: float = 0.01
    quirks: bool = True


def write(folder: Path, how: How) -> list[Path]:
    """Write all files into *folder*; return them."""
    folder.mkdir(parents=True, exist_ok=True)
    sample = zones.VolumeLimited()
    written = []
    for piece in galaxies.generate(how.seed, how.scale):
        sample.add(piece)
        written.append(write_galaxies(folder, piece, how))
    written += write_voids(folder, sample, how)
    written.append(write_exposures(folder, how))
    return written


def write_galaxies(folder: Path, piece: Galaxies, how: How) -> Path:
    """Write a file of FastSpecFit's: METADATA and SPECPHOT, row by row the same galaxies."""
    rng = np.random.default_rng([how.seed, 800, piece.pixel])
    count = len(piece.targetid)
    flux = {f"FLUX_{band}": rng.lognormal(2, 1, count).astype("f4")
            for band in ("G", "R", "Z", "W1", "W2")}  # fmt: skip
    texts = {
        "SURVEY": np.full(count, b"main", dtype="S7"),
        "PROGRAM": np.full(count, b"bright", dtype="S6"),
        "SPECTYPE": np.where(piece.z > QUASAR, b"QSO", b"GALAXY").astype("S6"),
    }
    metadata = {
        "TARGETID": piece.targetid,
        **texts,
        "HEALPIX": rng.integers(0, 49152, count).astype("i4"),
        "RA": piece.ra,
        "DEC": piece.dec,
        "Z": piece.z,
        "ZWARN": np.zeros(count, dtype="i8"),
        "DELTACHI2": rng.lognormal(5, 1, count),
        "DESI_TARGET": np.full(count, 1 << 60, dtype="i8"),
        "BGS_TARGET": np.full(count, 2, dtype="i8"),
        "EBV": rng.lognormal(-3, 0.5, count).astype("f4"),
        **flux,
    }
    break_ = piece.d4000.astype("f4")
    if how.quirks:
        break_ = np.where(rng.random(count) < MISSING, np.float32(np.nan), break_)
    specphot = {
        "TARGETID": piece.targetid,
        "VDISP": rng.normal(180, 40, count).astype("f4"),
        "VDISP_IVAR": rng.lognormal(-6, 1, count).astype("f4"),
        "AGE": _age(piece, rng, quirks=how.quirks),
        "ZZSUN": np.log10(piece.metallicity).astype("f4"),
        "LOGMSTAR": piece.logmstar.astype("f4"),
        "LOGMSTAR_IVAR": (piece.errors**-2).astype("f4"),
        "SFR": piece.sfr.astype("f4"),
        "SFR_IVAR": ((piece.sfr * piece.errors) ** -2).astype("f4"),
        "DN4000": break_,
        "DN4000_IVAR": rng.lognormal(4, 1, count).astype("f4"),
        "DN4000_MODEL": piece.d4000.astype("f4"),
        **{f"ABSMAG01_SDSS_{band}": rng.normal(-20, 1.5, count).astype("f4") for band in "UGRIZ"},
    }
    scaled = {"AGE": {"TSCAL": AGE_STEP, "TZERO": AGE_ZERO, "TNULL": NO_AGE}} if how.quirks else {}
    path = folder / f"fastspec-iron-main-bright-nside1-hp{piece.pixel:02}.fits"
    return save(
        path,
        [
            hdu("METADATA", metadata, GALAXY_UNITS),
            hdu("SPECPHOT", specphot, GALAXY_UNITS, scaled),
        ],
    )


def _age(piece: Galaxies, rng: np.random.Generator, *, quirks: bool) -> np.ndarray:
    if not quirks:
        return piece.age.astype("f4")
    raw = np.round((piece.age - AGE_ZERO) / AGE_STEP).astype("i2")
    raw[rng.random(len(raw)) < MISSING] = NO_AGE
    return raw


def write_voids(folder: Path, sample: zones.VolumeLimited, how: How) -> list[Path]:
    """Write the eight files of DESIVAST."""
    parts: dict[tuple[str, str], dict[str, Columns]] = {}
    for zoned in zones.galaxy_zones(sample, how.seed, how.scale):
        parts[str(zoned["algorithm"]), str(zoned["galactic_cap"])] = {"GALZONE": _upper(zoned)}
    for linked in zones.zone_voids(how.seed, how.scale):
        place = (str(linked["algorithm"]), str(linked["galactic_cap"]))
        parts[place]["ZONEVOID"] = _upper(linked)
    written: list[Path] = []
    for piece in voids.generate(how.seed, how.scale):
        rng = np.random.default_rng([how.seed, 900, len(written)])
        name = f"DESIVAST_BGS_VOLLIM_{piece.algorithm.file}_{piece.cap}.fits"
        place = (piece.algorithm.name, piece.cap)
        if piece.algorithm.has_redshift:
            tables = {"VOIDS": _voids(rng, piece), **dict(reversed(parts[place].items()))}
        else:
            tables = {"MAXIMALS": _maximals(rng, piece), "HOLES": _holes(rng, piece, how)}
        if piece.algorithm.name in ("REVOLVER", "VIDE"):
            tables |= _mesh(rng, piece, parts[place]["GALZONE"], how)
        hdus = [hdu(name, columns, UNITS) for name, columns in tables.items()]
        written.append(save(folder / name, hdus))
    return written


def _upper(batch: Mapping[str, Any]) -> Columns:
    arrays = (item for item in batch.items() if isinstance(item[1], np.ndarray))
    return {name.upper(): values for name, values in arrays}


def _voids(rng: np.random.Generator, piece: Voids) -> Columns:
    x, y, z = piece.xyz
    count = len(piece.void)
    axes = {f"{axis}{number}": rng.normal(0, 10, count) for number in "123" for axis in "XYZ"}
    return {
        "VOID": piece.void, "X": x, "Y": y, "Z": z, "REDSHIFT": piece.redshift, "RA": piece.ra,
        "DEC": piece.dec, "RADIUS": piece.radius, **axes,
        "TOT_AREA": rng.lognormal(8, 1, count), "EDGE_AREA": rng.lognormal(4, 1, count),
    }  # fmt: skip


def _maximals(rng: np.random.Generator, piece: Voids) -> Columns:
    x, y, z = piece.xyz
    return {
        "VOID": piece.void, "X": x, "Y": y, "Z": z, "RADIUS": piece.radius,
        "EDGE": piece.edge.astype("i8"), "RA": piece.ra, "DEC": piece.dec,
        "R": np.sqrt(x**2 + y**2 + z**2), "R_EFF": piece.radius * 1.2,
        "R_EFF_UNCERT": rng.lognormal(-2, 0.3, len(x)),
    }  # fmt: skip


def _holes(rng: np.random.Generator, piece: Voids, how: How) -> Columns:
    count = max(len(piece.void), voids.scaled(HOLES[piece.cap], how.scale))
    # Every void has one at least.
    more = rng.integers(0, len(piece.void), count - len(piece.void))
    of = np.sort(np.concatenate([np.arange(len(piece.void)), more]))
    x, y, z = (axis[of] + rng.normal(0, 5, count) for axis in piece.xyz)
    radius = piece.radius[of] * rng.uniform(0.6, 1, count)
    return {"X": x, "Y": y, "Z": z, "RADIUS": radius, "VOID": piece.void[of]}


def _mesh(rng: np.random.Generator, piece: Voids, sample: Columns, how: How) -> dict[str, Columns]:
    galaxies_seen = len(sample["GAL"])
    count = voids.scaled(TRIANGLES[piece.algorithm.name, piece.cap], how.scale)
    void = np.sort(rng.integers(0, len(piece.void), count))
    normal = rng.normal(size=(3, count))
    normal /= np.linalg.norm(normal, axis=0)
    corners = {
        f"P{corner}_{axis}": piece.xyz[place][void] + rng.normal(0, 8, count)
        for corner in "123"
        for place, axis in enumerate("XYZ")
    }
    triangle = {"VOID": void} | {f"N_{axis}": normal[place] for place, axis in enumerate("XYZ")}
    member = rng.integers(NOTHING, len(piece.void), galaxies_seen)
    galviz = {
        "GID": sample["GAL"],
        "G2V": member,
        "G2V2": np.where(rng.random(galaxies_seen) < IN_TWO, member, NOTHING),
    }
    return {"TRIANGLE": triangle | corners, "GALVIZ": galviz}


def write_exposures(folder: Path, how: How) -> Path:
    """Write the exposures of the whole survey."""
    batches = list(exposures.generate(how.seed, how.scale))
    rng = np.random.default_rng([how.seed, 950])

    def all_of(name: str) -> np.ndarray:
        return np.concatenate([np.asarray(batch[name]) for batch in batches])

    count = len(all_of("night"))
    program = np.concatenate(
        [np.full(len(np.asarray(one["night"])), str(one["program"]).lower()) for one in batches]
    )
    seeing = all_of("seeing").astype("f8")
    columns = {
        "NIGHT": all_of("night"), "EXPID": all_of("expid"), "TILEID": all_of("tileid"),
        "TILERA": all_of("tilera"), "TILEDEC": all_of("tiledec"), "MJD": all_of("mjd"),
        "SURVEY": np.full(count, b"main", dtype="S7"), "PROGRAM": program.astype("S6"),
        "EXPTIME": all_of("exptime").astype("f8"), "EFFTIME_SPEC": all_of("efftime").astype("f8"),
        "GOALTIME": np.full(count, 1000.0), "AIRMASS": all_of("airmass"),
        "EBV": rng.lognormal(-3, 0.5, count).astype("f4"), "SEEING_ETC": seeing,
        "SEEING_GFA": np.where(rng.random(count) < MISSING, np.nan, seeing),
        "TRANSPARENCY_GFA": all_of("transparency").astype("f8"),
        "SKY_MAG_R_SPEC": rng.normal(20.8, 0.4, count),
    }  # fmt: skip
    return save(folder / "exposures-iron.fits", [hdu("EXPOSURES", columns, {})])


def hdu(
    name: str,
    columns: Columns,
    units: Mapping[str, str],
    keywords: Mapping[str, Mapping[str, float]] | None = None,
) -> fits.BinTableHDU:
    """Return a table of *columns* as they are; *keywords* are more of a column's, by its name."""
    count = len(next(iter(columns.values())))
    form: list[Any] = [
        (key, value.dtype.newbyteorder(">"), value.shape[1:]) for key, value in columns.items()
    ]
    data = np.empty(count, dtype=form)
    for key, value in columns.items():
        data[key] = value
    table = fits.BinTableHDU(data, name=name)
    for number, key in enumerate(columns, start=1):
        if key in units:
            table.header[f"TUNIT{number}"] = units[key]
        for keyword, figure in (keywords or {}).get(key, {}).items():
            table.header[f"{keyword}{number}"] = figure
    return table


def save(path: Path, hdus: Sequence[Any]) -> Path:
    """Write *hdus* after an empty primary one, with their checksums."""
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path, overwrite=True, checksum=True)
    return path


def main(arguments: list[str]) -> int:
    """Write the files that *arguments* ask for and say what they have become."""
    parser = argparse.ArgumentParser(prog="python bench/desi/fits.py")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scale", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plain", action="store_true")
    given = parser.parse_args(arguments)
    how = How(given.seed, given.scale, quirks=not given.plain)
    for path in write(given.folder, how):
        print(f"{path.name}: {path.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
