"""The whole survey from FITS files to answers: what each command takes, in one run.

python bench/survey/run.py [--scale 1] [--folder FOLDER] [--no-write]

A survey of the lab's shape is written as DESI's files, of its full size unless told otherwise, and
loaded by labdb into PostgreSQL 16 of the lab's mirror, in a container with 8 GB that is tuned by
labdb. Then it is checked, judged, exported, archived and brought back, and asked every query of the
library. Figures go to ``result.json`` and, as tables, to ``docs/explanation/whole-survey.md``.
FOLDER gets the files once. Needs root, Docker, 15 GB of disk, and the extras ``bench``,
``catalogue`` and ``plot``.
"""

import argparse
import io
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from astropy.table import Table

# A script finds its neighbours by the tree that it stands in.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from bench.desi import fits
from bench.survey import report
from bench.tuning import configuration
from bench.tuning.contenders import contenders
from bench.tuning.machine import Limits, Machine

from labdb.adapters import query_library
from labdb.cli.app import run
from labdb.domain.tuning.inputs import Load
from labdb.domain.tuning.inputs import Machine as Hardware
from labdb.size import UNITS
from labdb.spec import WorkloadKind

HERE = Path(__file__).resolve().parent
GB = UNITS["GB"]
MEMORY, DISK, DATA = 8 * GB, 250 * GB, 30 * GB
CONNECTIONS, ANALYSTS = 100, 8
GALAXIES, STARS = "fastspecfit_galaxies", 100_000
STAR_FILES = "stars"
PLACES = {"desivast": ".", "fastspecfit": ".", "exposures": ".", "positions": STAR_FILES}
"""Folder of each model's files."""
ASKED = {
    "cone-search": ("ra=200", "dec=20"),
    "cross-match": (),
    "galaxies-around-void": ("void=2",),
    "knn-density": ("ra=200", "dec=20"),
    "void-members": ("void=2",),
    "voids-in-common": ("algorithm=ZOBOV", "other=REVOLVER"),
    "voids-near": ("ra=200", "dec=20", "z=0.15", "radius=10"),
}
"""Parameters of queries that have no default for one of theirs."""
Answer = tuple[dict[str, Any], float]


def files(folder: Path, scale: float) -> Path:
    """Return *folder* with the files of the survey and of some stars, written if it has none."""
    if not any(folder.glob("*.fits")):
        fits.write(folder, fits.How(seed=1, scale=scale))
        _stars(folder)
    return folder


def _stars(folder: Path) -> None:
    """Write stars that stand where galaxies do: a catalogue to match with."""
    there = min(folder.glob("fastspec*.fits"))
    galaxies = Table.read(there, hdu="METADATA", unit_parse_strict="silent")[:STARS]
    count = len(galaxies)
    rng = np.random.default_rng(1)
    columns = {
        "SOURCE_ID": np.arange(1, count + 1, dtype="i8"),
        "RA": np.asarray(galaxies["RA"]),
        "DEC": np.asarray(galaxies["DEC"]),
        "REF_EPOCH": np.full(count, 2016.0),
        "PARALLAX": rng.lognormal(0, 1, count),
        "PMRA": rng.normal(0, 10, count),
        "PMDEC": rng.normal(0, 10, count),
        "PHOT_G_MEAN_MAG": rng.normal(18, 1, count).astype("f4"),
    }
    (folder / STAR_FILES).mkdir()
    fits.save(folder / STAR_FILES / "stars.fits", [fits.hdu("GAIA", columns, {})])


def _labdb(conninfo: str, *words: str, codes: tuple[int, ...] = (0,)) -> Answer:
    """Run a command as a user would; return what it said, and its seconds.

    Raises:
        RuntimeError: it ended with another exit code.
    """
    out = io.StringIO()
    begin = time.monotonic()
    with redirect_stdout(out), redirect_stderr(io.StringIO()):
        code = run([*words, "--conninfo", conninfo, "--json"])
    seconds = time.monotonic() - begin
    answer: dict[str, Any] = json.loads(out.getvalue())
    if code not in codes:
        raise RuntimeError(f"labdb {' '.join(words)} ended with {code}: {answer['error']}")
    print(f"{seconds:8.2f} s  {' '.join(words[:3])}", file=sys.stderr)
    return answer, seconds


def _loads(conninfo: str, folder: Path) -> Iterator[dict[str, Any]]:
    for model, place in PLACES.items():
        words = ("catalogue", "load", str(folder / place), "--model", model, "--jobs", "2")
        answer, seconds = _labdb(conninfo, *words)
        rows = sum(part["rows"] for part in answer["data"]["parts"])
        yield {"model": model, "rows": rows, "seconds": seconds}


def _checks(conninfo: str, expected: str, page: Path) -> list[dict[str, Any]]:
    """Return what the check of each table found; without *page* there are no plots."""
    answer, seconds = _labdb(conninfo, "catalogue", "check", "--expect", expected, codes=(0, 1))
    _, drawn = _labdb(
        conninfo, "catalogue", "check", "--expect", expected, "--html", str(page), codes=(0, 1)
    )
    data = answer["data"]
    wrong = [
        f"{rule['status']}: {table['table']}: {rule['rule']}: {rule['sentence']}"
        for table in data["tables"]
        for rule in table["rules"]
        if rule["status"] in ("failed", "warning")
    ]
    return [
        {"what": f"`labdb catalogue check --expect {expected}`", "seconds": seconds,
         "result": f"{len(data['tables'])} tables, {data['passed']} rules hold, "
                   f"{data['warnings']} of warning do not, {data['failed']} failed",
         "wrong": wrong},
        {"what": "the same with --html", "seconds": drawn,
         "result": f"a page of {page.stat().st_size / (1 << 20):.1f} MB", "wrong": []},
    ]  # fmt: skip


def _lifecycle(conninfo: str, folder: Path) -> list[dict[str, Any]]:
    """Export the galaxies; then take them away and bring them back."""
    to, shelf = folder / "export", folder / "archive"
    answer, exported = _labdb(conninfo, "catalogue", "export", GALAXIES, "--to", str(to))
    gone, archived = _labdb(
        conninfo, "catalogue", "archive", GALAXIES, "--to", str(shelf), "--confirm", GALAXIES
    )
    back, restored = _labdb(conninfo, "catalogue", "restore-from-archive", str(shelf))
    judged, told = _labdb(conninfo, "doctor", "--plans", codes=(0, 1))
    size = sum(path.stat().st_size for path in to.iterdir())
    rows = answer["data"]["rows"]
    rate = f"{rows:,} rows, {rows / exported:,.0f} rows/s, {size / (1 << 20):,.0f} MB"
    return [
        {"what": "`labdb catalogue export`", "seconds": exported, "result": rate},
        {"what": "`labdb catalogue archive`", "seconds": archived, "result": _said(gone, folder)},
        {"what": "`labdb catalogue restore-from-archive`", "seconds": restored,
         "result": _said(back, folder)},
        {"what": "`labdb doctor --plans`", "seconds": told, "result": _said(judged, folder)},
    ]  # fmt: skip


def _said(answer: dict[str, Any], folder: Path) -> str:
    """Return what a command says in one line, without the folder that was made for this run."""
    return str(answer["summary"]).replace(f"{folder}/", "")


def _sizes(conninfo: str) -> list[dict[str, Any]]:
    """Return for each table of the large models what was planned for it, and what it has."""
    with psycopg.connect(conninfo) as connection:
        found: Mapping[str, tuple[int, int]] = {
            name: (rows, size)
            for name, rows, size in connection.execute(
                "SELECT relname, reltuples::bigint, pg_total_relation_size(oid) FROM pg_class"
                " WHERE relkind = 'r' AND relnamespace = 'raw_catalogs'::regnamespace"
            )
        }
    sizes = []
    for model in ("desivast", "fastspecfit"):
        tables = {name.removeprefix(f"{model}_"): each for name, each in found.items()
                  if name.startswith(f"{model}_")}  # fmt: skip
        rows = [
            word for name, (count, _) in tables.items() for word in ("--rows", f"{name}={count}")
        ]
        out = io.StringIO()
        with redirect_stdout(out):
            run(["plan-data", "--schema", model, *rows, "--json"])
        planned = json.loads(out.getvalue())["data"]["bytes"]
        real = sum(size for _, size in tables.values())
        sizes.append({"model": model, "planned": planned, "real": real})
    return sizes


def _queries(conninfo: str) -> Iterator[dict[str, Any]]:
    """Ask each query twice; the second time counts, when what it reads is in memory."""
    for name in query_library.names():
        values = [word for value in ASKED.get(name, ()) for word in ("--set", value)]
        first = _labdb(conninfo, "query", name, *values, "--timeout", "0")[1]
        answer, again = _labdb(conninfo, "query", name, *values, "--timeout", "0")
        yield {"query": name, "rows": len(answer["data"]["rows"]), "first": first, "again": again}


def _tuned() -> str:
    """Return the configuration that labdb makes for the container."""
    hardware = Hardware(os.cpu_count() or 1, MEMORY, DISK, "nvme")
    load = Load(WorkloadKind.MIXED, CONNECTIONS, ANALYSTS, DATA)
    ours = contenders(hardware, load)["labdb-mixed"]
    return configuration.render(ours, connections=CONNECTIONS)


def main(arguments: list[str]) -> int:
    """Measure, print the tables, and write them where the survey is whole."""
    parser = argparse.ArgumentParser(prog="python bench/survey/run.py")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--no-write", action="store_true")
    given = parser.parse_args(arguments)
    load = os.getloadavg()
    with tempfile.TemporaryDirectory(prefix="labdb-bench-") as scratch:
        folder = files(given.folder or Path(scratch) / "files", given.scale)
        machine = Machine(Path(scratch) / "server", Limits(os.cpu_count() or 1, MEMORY))
        with machine.running():
            machine.install_sky_functions()
            machine.initialise()
            machine.serve(_tuned())
            conninfo = machine.conninfo("postgres", "postgres")
            with psycopg.connect(conninfo, autocommit=True) as connection:
                connection.execute("CREATE EXTENSION labdb CASCADE")
            loads = list(_loads(conninfo, folder))
            expected = "full" if given.scale == 1 else "any"
            commands = _checks(conninfo, expected, Path(scratch) / "page.html")
            sizes = _sizes(conninfo)
            commands += _lifecycle(conninfo, Path(scratch))
            queries = list(_queries(conninfo))
        result = {
            "date": datetime.now(tz=UTC).strftime("%Y-%m-%d"),
            "machine": f"{machine.description}, Linux {platform.machine()}",
            "load": f"{load[0]:.1f} before, {os.getloadavg()[0]:.1f} after",
            "scale": given.scale,
            "bytes": sum(path.stat().st_size for path in folder.glob("*.fits")),
            "loads": loads,
            "commands": commands,
            "sizes": sizes,
            "queries": queries,
        }
    print(report.page(result))
    if given.scale == 1 and not given.no_write:
        report.write(result, HERE / "result.json")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
