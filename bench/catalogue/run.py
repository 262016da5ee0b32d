"""How fast catalogues load, beside the limit and the ways that labs have, in one run.

python bench/catalogue/run.py [--scale 0.2] [--rounds 3] [--folder FOLDER] [--conninfo CONNINFO]

PostgreSQL 16 of the lab's mirror runs in a container (root and Docker), or is the one at CONNINFO.
FOLDER gets the survey's FITS files once. All write the same rows into tables of the same form. With
the container, figures go to ``result.json`` and, as tables, to
``docs/explanation/loading-speed.md``; --no-write leaves both. Run it on a machine that has nothing
else to do. Needs the extras ``bench`` and ``catalogue``.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

# A script finds its neighbours by the tree that it stands in.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from bench.catalogue import report, ways
from bench.catalogue.cores import limited
from bench.desi import fits, galaxies
from bench.tuning.cgroup import Cgroup

HERE = Path(__file__).resolve().parent
MEMORY = 8 << 30
TWO = 2
"""Cores of a machine on which two jobs have a core each as they are."""
CONFIGURATION = """
listen_addresses = ''
unix_socket_directories = '/run/bench'
shared_buffers = 2GB
maintenance_work_mem = 1GB
max_wal_size = 8GB
jit = off
"""


@dataclass(frozen=True, slots=True)
class Server:
    """How to connect, what machine it is, and the *cgroup* of the container that it is in."""

    conninfo: str
    machine: str
    cgroup: Cgroup | None = None

    def spent(self) -> float:
        """Return the server's processor seconds; 0 where they are not known."""
        return self.cgroup.cpu() if self.cgroup else 0.0


def files(folder: Path, scale: float) -> list[Path]:
    """Return the galaxies' files in *folder*, written now where it has none."""
    folder.mkdir(parents=True, exist_ok=True)
    if not any(folder.glob("fastspec*.fits")):
        how = fits.How(seed=1, scale=scale, quirks=True)
        for piece in galaxies.generate(how.seed, how.scale):
            fits.write_galaxies(folder, piece, how)
    return sorted(folder.glob("fastspec*.fits"))


@contextmanager
def server(conninfo: str | None, folder: Path) -> Iterator[Server]:
    """Yield the server to measure: one of the run's own, unless *conninfo* names another."""
    here = f"{os.cpu_count()} cores, Linux {platform.machine()}"
    if conninfo is not None:
        yield Server(conninfo, here)
        return
    from bench.tuning.machine import Limits, Machine  # noqa: PLC0415 - needs Docker

    machine = Machine(folder, Limits(cores=os.cpu_count() or 1, memory=MEMORY))
    with machine.running():
        machine.initialise()
        machine.serve(CONFIGURATION)
        with psycopg.connect(machine.conninfo("postgres", "postgres"), autocommit=True) as session:
            session.execute("CREATE EXTENSION q3c")
        conninfo = machine.conninfo("postgres", "postgres")
        yield Server(conninfo, f"{here}, a container", machine.cgroup)


def measure(there: Server, paths: list[Path], rounds: int) -> Any:
    """Return the figures of every way; those that are repeated are medians of *rounds*.

    Every other round goes backwards, so that no way has the same one before it each time.
    """
    conninfo, spent = there.conninfo, there.spent

    def ours(jobs: int, cores: int) -> dict[str, float]:
        with limited(there.cgroup, cores):
            return ways.ours(conninfo, paths, jobs, spent)

    every = os.cpu_count() or 1
    repeated: dict[str, Callable[[], dict[str, float]]] = {
        "limit": lambda: ways.limit(conninfo, paths, spent),
        "one job": lambda: ours(1, every),
        "two jobs": lambda: ours(2, every),
        "one job, one core": lambda: ours(1, 1),
        "two jobs, two cores": lambda: ours(2, 2),
        "adbc": lambda: ways.adbc(conninfo, paths),
    }
    if every == TWO:
        del repeated["two jobs, two cores"]
    found: dict[str, list[dict[str, float]]] = {name: [] for name in repeated}
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
        for name in [*repeated][:: -1 if number % 2 else 1]:
            found[name].append(repeated[name]())
    figures = {name: _medians(each) for name, each in found.items()}
    figures.setdefault("two jobs, two cores", figures["two jobs"])
    return figures | {"pandas": ways.lab(conninfo, paths), "orm": ways.orm(conninfo, paths)}


def _medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}


def main(arguments: list[str]) -> int:
    """Measure, print the tables, and write them where the machine is the one to publish."""
    parser = argparse.ArgumentParser(prog="python bench/catalogue/run.py")
    parser.add_argument("--scale", type=float, default=0.2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--conninfo")
    parser.add_argument("--no-write", action="store_true")
    given = parser.parse_args(arguments)
    load = os.getloadavg()
    with tempfile.TemporaryDirectory(prefix="labdb-bench-") as scratch:
        paths = files(given.folder or Path(scratch) / "files", given.scale)
        with server(given.conninfo, Path(scratch)) as there:
            figures = measure(there, paths, given.rounds)
    result = {
        "date": datetime.now(tz=UTC).strftime("%Y-%m-%d"),
        "machine": there.machine,
        "cores": os.cpu_count(),
        "load": f"{load[0]:.1f} before, {os.getloadavg()[0]:.1f} after",
        "rounds": given.rounds,
        "files": len(paths),
        "bytes": figures["limit"].pop("bytes"),
        "rows": int(figures["limit"].pop("rows")),
        "columns": int(figures["limit"].pop("columns")),
        "largest": int(figures["limit"].pop("largest")),
        "ways": figures,
    }
    print(json.dumps(result, indent=1))
    print(report.page(result))
    if given.conninfo is None and not given.no_write:
        report.write(result, HERE / "result.json")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
