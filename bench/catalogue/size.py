"""Whether labdb plan-data says what becomes of a catalogue: planned and real bytes side by side.

python bench/catalogue/size.py CONNINFO FOLDER [--scale 0.03]

FOLDER gets files of every data model once: the survey's own, and made-up rows for the models that
it has no file of. Each model is loaded twice, a file of few rows first: what PostgreSQL writes of
its own catalogues after a checkpoint is not the model's.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from psycopg.sql import SQL, Identifier

# A script finds its neighbours by the tree that it stands in.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from bench.desi import fits

from labdb.adapters.catalogue import models
from labdb.domain.catalogue.kind import Kind
from labdb.domain.catalogue.size import TableSize, table_size
from labdb.domain.catalogue.table import Column, Model, Table
from labdb.domain.catalogue.wal import indexes_wal, rows_wal, statistics_wal
from labdb.operations.catalogue.load import Request, load
from labdb.operations.catalogue.one_file import How
from labdb.operations.catalogue.parts import Asked

MADE_UP = {
    "positions": {"positions": "positions.fits"},
    "zcatalog": {"redshifts": "zpix-main-bright.fits"},
    "agn_lines": {"lines": "fastspec-iron-special-dark.fits"},
    "exposures": {"exposures": "exposures-many.fits"},
    "fastspecfit_full": dict.fromkeys(
        ("metadata", "specphot", "fastspec"), "fastspec-iron-main-bright-nside1-hp00.fits"
    ),
    "embeddings": {
        "quasars": "quasar-latents-spender-1.2.fits",
        "galaxies": "galaxy-embeddings-spender-1.2.fits",
    },
}
"""Models of which files are made up: what that of each table is called."""
SURVEY = "survey"
OF_SURVEY = {"desivast": "DESIVAST*", "fastspecfit": "fastspec*"}
HALF = 0.5
FIRST = 1000
INTEGERS = {Kind.SHORT: "i2", Kind.INT: "i4", Kind.LONG: "i8"}
MODELS = tuple(sorted({*MADE_UP, *OF_SURVEY}))
"""Models that there are files of."""
WORDS = {
    "survey": "main", "program": "bright", "spectype": "GALAXY", "subtype": "M", "photsys": "N",
    "tileid_list": "20284 3091",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Compared:
    """A part of a loaded model: bytes that were planned, and that it has."""

    model: str
    part: str
    rows: int
    planned: int
    real: int

    @property
    def ratio(self) -> float:
        """Planned bytes for each real one."""
        return self.planned / self.real


class Silent:
    """A watcher that says nothing."""

    def say(self, what: str) -> None:
        """Say nothing."""

    def expect(self, rows: int) -> None:
        """Say nothing."""

    def advance(self, rows: int) -> None:
        """Say nothing."""


def files(folder: Path, name: str, scale: float, rows: int) -> list[Path]:
    """Return files of the model called *name* in *folder*, written now where there are none."""
    folder.mkdir(parents=True, exist_ok=True)
    if name in MADE_UP:
        tables = {table.name: table for table in models.load(name).tables}
        paths: dict[Path, list[Table]] = {}
        for table, file in MADE_UP[name].items():
            paths.setdefault(folder / name / file, []).append(tables[table])
        return [
            path if path.exists() else made_up(path, inside, rows) for path, inside in paths.items()
        ]
    if not (folder / SURVEY).is_dir():
        fits.write(folder / SURVEY, fits.How(seed=1, scale=scale))
    return sorted((folder / SURVEY).glob(OF_SURVEY[name]))


def made_up(path: Path, inside: Sequence[Table], rows: int, seed: int = 1) -> Path:
    """Write *rows* of each table *inside*, each row with another key, into a FITS file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return fits.save(path, [_hdu(table, rows, seed) for table in inside])


def _hdu(table: Table, rows: int, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    columns = {one.source.upper(): _values(one, table, rows, rng) for one in table.from_source}
    units = {one.source.upper(): one.unit for one in table.from_source if one.unit}
    return fits.hdu(table.hdus[0] if table.hdus else "T", columns, units)


def _values(column: Column, table: Table, rows: int, rng: np.random.Generator) -> Any:
    size = "f4" if column.kind is Kind.FLOAT else "f8"
    known: dict[str, Callable[[], Any]] = {
        "night": lambda: np.sort(rng.integers(20210514, 20220613, rows)).astype("i4"),
             "ref_epoch": lambda: np.full(rows, 2016.0, dtype=size)}  # fmt: skip
    if table.position:
        ra, dec = table.position
        known |= {ra: lambda: rng.uniform(0, 360, rows), dec: lambda: rng.uniform(-90, 90, rows)}
    if column.name in known:
        return known[column.name]()
    if column.kind is Kind.TEXT:
        return np.full(rows, WORDS.get(column.name, "word").encode())
    if column.kind in INTEGERS:
        numbers = np.arange(rows) / column.repeats + FIRST
        ordered = column.name in table.key
        return (numbers if ordered else rng.permutation(numbers)).astype(INTEGERS[column.kind])
    if column.kind is Kind.BOOLEAN:
        return rng.random(rows) < HALF
    shape = (rows, column.length) if column.length else rows
    return np.minimum(rng.lognormal(0, 1, shape), _most(column, table)).astype(size)


def _most(column: Column, table: Table) -> float:
    allowed = table.checks.get(column.name)
    return np.inf if allowed is None or allowed.maximum is None else allowed.maximum


def compare(conninfo: str, schema: str, model: Model, paths: Sequence[Path]) -> list[Compared]:
    """Load *paths* into a new *schema*, and return what was planned and what is there."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        before = _one(connection, "SELECT pg_current_wal_insert_lsn()")
        request = Request(paths, Asked(model, schema), How(conninfo))
        report = load(request, Silent())
        wal = _one(connection, "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s)", before)
        found: list[Compared] = []
        planned_wal = 0
        for table in model.tables:
            target = Asked(model, schema).target(table)
            parts = [one for one in report.data["parts"] if one["table"] == str(target)]
            rows = sum(one["rows"] for one in parts)
            size = table_size(table, rows, target.name)
            planned_wal += rows_wal(size) + indexes_wal(size) + statistics_wal(table)
            found += _parts(connection, model.name, schema, target.name, size)
        total = sum(one.rows for one in found if one.part.endswith(": table"))
        return [*found, Compared(model.name, "WAL", total, planned_wal, int(wal))]


def _parts(
    connection: psycopg.Connection, model: str, schema: str, name: str, size: TableSize
) -> Iterator[Compared]:
    real = _size(connection, "pg_table_size", schema, name)
    yield Compared(model, f"{name}: table", size.rows, size.table, real)
    for index in size.indexes:
        real = _size(connection, "pg_relation_size", schema, index.name)
        yield Compared(model, index.name, size.rows, index.size, real)


def images(conninfo: str, schema: str, name: str, indexes: Sequence[str]) -> dict[str, float]:
    """Return the share of its bytes that is logged: of a table by the first read, of an index."""
    shares: dict[str, float] = {}
    with psycopg.connect(conninfo, autocommit=True) as connection:
        copy = Identifier(schema, f"{name}_copy")
        table = Identifier(schema, name)
        connection.execute(SQL("CREATE TABLE {} (LIKE {})").format(copy, table))
        connection.execute(SQL("INSERT INTO {} TABLE {}").format(copy, table))
        for part, doing in {
            f"{name}_copy": SQL("SELECT count(*) FROM {}").format(copy),
            **{one: SQL("REINDEX INDEX {}").format(Identifier(schema, one)) for one in indexes},
        }.items():
            connection.execute("CHECKPOINT")
            before = _one(connection, "SELECT pg_current_wal_insert_lsn()")
            connection.execute(doing)
            ask = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s)"
            logged = int(_one(connection, ask, before))
            shares[part] = logged / _size(connection, "pg_relation_size", schema, part)
        connection.execute(SQL("DROP TABLE {}").format(copy))
    return shares


def _size(connection: psycopg.Connection, function: str, schema: str, name: str) -> int:
    """Return the bytes of a table or an index, those of its partitions together."""
    place = Identifier(schema, name).as_string(connection)
    parts = f"SELECT sum({function}(relid)) FROM pg_partition_tree(%s::regclass)"
    ask = f"SELECT coalesce(({parts}), {function}(%s::regclass))::bigint"
    return int(_one(connection, ask, place, place))


def _one(connection: psycopg.Connection, text: str, *values: Any) -> Any:
    row = connection.execute(text.encode(), values).fetchone()
    assert row is not None
    return row[0]


def main(arguments: list[str]) -> int:
    """Load every model and print the comparison."""
    parser = argparse.ArgumentParser(prog="python bench/catalogue/size.py")
    parser.add_argument("conninfo")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scale", type=float, default=0.03)
    parser.add_argument("--rows", type=int, default=200_000)
    given = parser.parse_args(arguments)
    for name in MODELS:
        model = models.load(name)
        warm = files(given.folder / "few", name, 0.0005, 100)
        many = files(given.folder / "many", name, given.scale, given.rows)
        with psycopg.connect(given.conninfo, autocommit=True) as connection:
            for schema in ("bench_few", "bench_many"):
                connection.execute(
                    SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(Identifier(schema))
                )
        compare(given.conninfo, "bench_few", model, warm)
        for one in compare(given.conninfo, "bench_many", model, many):
            print(
                f"{one.model:12} {one.part:50} {one.rows:>9,} rows"
                f" planned {one.planned:>12,} real {one.real:>12,} ratio {one.ratio:.3f}"
            )
        for table in model.tables:
            target = Asked(model, "bench_many").target(table).name
            built = [index.name for index in table_size(table, 1, target).indexes]
            for part, share in images(given.conninfo, "bench_many", target, built).items():
                print(f"{model.name:12} {part:50} logged {share:.2f} of its bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
