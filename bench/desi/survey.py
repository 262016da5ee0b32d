"""The whole survey written as binary COPY streams: a file for each table, and a manifest.

python bench/desi/survey.py FOLDER [--scale 0.1] [--seed 1]
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

# A script finds its neighbours by the tree that it stands in.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from bench.desi import exposures, galaxies, pgcopy, voids, zones
from bench.desi.pgcopy import Batch

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Table:
    """A written table of schema ``raw_catalogs``."""

    name: str
    columns: tuple[str, ...]
    rows: int
    size: int
    sha256: str

    def copy_statement(self, schema: str = "raw_catalogs") -> str:
        """Return the COPY statement that reads the table's file."""
        return f"COPY {schema}.{self.name} ({', '.join(self.columns)}) FROM STDIN (FORMAT binary)"


def write(folder: Path, *, seed: int, scale: float) -> tuple[Table, ...]:
    """Return the tables in *folder*, written now where the folder has no manifest yet."""
    manifest = folder / MANIFEST
    if not manifest.exists():
        folder.mkdir(parents=True, exist_ok=True)
        tables = [_write(folder, name, part) for name, part in _tables(seed, scale)]
        manifest.write_text(json.dumps([asdict(table) for table in tables], indent=1) + "\n")
    return tuple(
        Table(**one | {"columns": tuple(one["columns"])})
        for one in json.loads(manifest.read_text())
    )


def _tables(seed: int, scale: float) -> Iterator[tuple[str, Iterable[Batch]]]:
    sample = zones.VolumeLimited()
    yield "fastspecfit_galaxies", _galaxies(seed, scale, sample)
    yield "desivast_voids", (piece.batch() for piece in voids.generate(seed, scale))
    yield "desivast_galzone", zones.galaxy_zones(sample, seed, scale)
    yield "desivast_zonevoid", zones.zone_voids(seed, scale)
    observed = list(exposures.generate(seed, scale))
    yield "exposures", observed
    yield "frames", (frame for one in observed for frame in exposures.frames(one, seed))


def _galaxies(seed: int, scale: float, sample: zones.VolumeLimited) -> Iterator[Batch]:
    for piece in galaxies.generate(seed, scale):
        sample.add(piece)
        yield piece.batch()


def _write(folder: Path, name: str, batches: Iterable[Batch]) -> Table:
    counted = _Counted(batches)
    digest = hashlib.sha256()
    path = folder / f"{name}.copy"
    with path.open("wb") as file:
        for part in pgcopy.stream(counted):
            file.write(part)
            digest.update(part)
    return Table(name, counted.columns, counted.rows, path.stat().st_size, digest.hexdigest())


class _Counted:
    """Batches that are counted on their way."""

    def __init__(self, batches: Iterable[Batch]) -> None:
        self._batches = batches
        self.columns: tuple[str, ...] = ()
        self.rows = 0

    def __iter__(self) -> Iterator[Batch]:
        for batch in self._batches:
            self.columns = tuple(batch)
            self.rows += pgcopy.length(batch)
            yield batch


def main(arguments: list[str]) -> int:
    """Write the survey that *arguments* ask for and say what it has become."""
    parser = argparse.ArgumentParser(prog="python bench/desi/survey.py")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    for table in write(given.folder, seed=given.seed, scale=given.scale):
        print(f"{table.name}: {table.rows:,} rows, {table.size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
