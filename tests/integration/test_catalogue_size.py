"""What labdb plan-data says, against the bytes of a real PostgreSQL 16 after the load."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bench.catalogue import size as measured
from bench.catalogue.size import Compared
from tests.catalogue import Desi

from labdb.adapters.catalogue import models, tables
from labdb.adapters.catalogue.tables import Target
from labdb.domain.catalogue.kind import Kind
from labdb.domain.catalogue.size import table_size
from labdb.domain.catalogue.table import Column, Table
from labdb.domain.catalogue.wal import later_wal, rows_wal

pytestmark = pytest.mark.postgres
PROMISE = 0.15
ENOUGH = 20_000
"""Rows from which on the promise holds: a page more or less is nothing then."""


@pytest.fixture
def labdbs(desi: Desi) -> Desi:
    """A database with what labdb renders, as far as it counts here; nobody vacuums meanwhile."""
    desi.do(f"ALTER DATABASE {desi.name} SET wal_compression = lz4")
    desi.do("ALTER SYSTEM SET max_wal_size = '18GB'")
    desi.do("ALTER SYSTEM SET autovacuum = off")
    desi.do("SELECT pg_reload_conf()")
    assert desi.one("SHOW wal_level") == "replica"
    assert desi.one("SHOW data_checksums") == "on"
    return desi


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of all models: the survey's own are written once."""
    return tmp_path_factory.mktemp("size")


VECTORS = 4_000
"""Rows of embeddings: an index of neighbours takes its time."""


def compared(desi: Desi, folder: Path, name: str) -> list[Compared]:
    model = models.load(name)
    rows = VECTORS if name == "embeddings" else ENOUGH
    few = measured.files(folder / "few", name, 0.0005, 100)
    many = measured.files(folder / "many", name, 0.012, rows)
    measured.compare(desi.conninfo, "few", model, few)
    return measured.compare(desi.conninfo, "many", model, many)


@pytest.mark.usefixtures("with_q3c", "with_vector")
@pytest.mark.parametrize("name", measured.MODELS)
def test_the_plan_is_within_fifteen_percent_of_what_is_loaded(
    labdbs: Desi, folder: Path, name: str
) -> None:
    labdbs.do("CREATE EXTENSION q3c; CREATE EXTENSION vector")
    enough = VECTORS if name == "embeddings" else ENOUGH
    found = [one for one in compared(labdbs, folder, name) if one.rows >= enough]
    assert {one.part for one in found} >= {"WAL"}
    assert len(found) > 3
    wrong = [one for one in found if abs(one.ratio - 1) > PROMISE]
    assert wrong == []


def plain(*columns: Column) -> Table:
    """A table of these columns, without key, position and indexes."""
    table = models.load("positions").tables[0]
    return replace(table, columns=columns, key=(), position=None, checks={})


def test_values_that_are_moved_out_are_planned_too(labdbs: Desi) -> None:
    table = plain(Column("targetid", Kind.LONG), Column("latent", Kind.DOUBLE, length=600))
    target = Target("public", "wide")
    rng = np.random.default_rng(1)
    with labdbs.session() as connection:
        tables.create(connection, target, table)
        before = labdbs.one("SELECT pg_current_wal_insert_lsn()")
        with connection.cursor().copy("COPY wide FROM STDIN") as copy:
            for number in range(2000):
                copy.write_row((number, rng.normal(size=600).tolist()))
    size = table_size(table, 2000)
    assert size.moved == (4820,)
    assert size.table == pytest.approx(labdbs.one("SELECT pg_table_size('wide')"), rel=PROMISE)
    wal = labdbs.one(f"SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '{before}')")
    assert rows_wal(size) == pytest.approx(float(wal), rel=PROMISE)


def test_what_follows_a_load_is_logged_once_more(labdbs: Desi) -> None:
    """A checkpoint, then the first read: with checksums each page is logged for its marks."""
    table = plain(*(Column(f"c{number}", Kind.DOUBLE) for number in range(12)))
    labdbs.do("CREATE TABLE numbers (" + ", ".join(f"c{n} float8" for n in range(12)) + ")")
    labdbs.do(
        "INSERT INTO numbers SELECT "
        + ", ".join("random()" for _ in range(12))
        + " FROM generate_series(1, 20000)"
    )
    labdbs.do("CHECKPOINT")
    before = labdbs.one("SELECT pg_current_wal_insert_lsn()")
    labdbs.one("SELECT count(*) FROM numbers")
    wal = labdbs.one(f"SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '{before}')")
    assert later_wal(table_size(table, 20_000)) == pytest.approx(float(wal), rel=0.25)


def test_a_sort_writes_the_temporary_files_that_were_planned(labdbs: Desi) -> None:
    labdbs.do("SET work_mem = '64MB'; CREATE TABLE keys AS SELECT n::bigint * 7919 % 1000003 AS z"
              " FROM generate_series(1, 200000) AS n")  # fmt: skip
    ask = "SELECT temp_bytes FROM pg_stat_database WHERE datname = current_database()"
    assert labdbs.one(ask) == 0
    with labdbs.session() as connection:
        connection.execute("SET maintenance_work_mem = '2MB'")
        connection.execute("SET max_parallel_maintenance_workers = 0")
        connection.execute("CREATE INDEX ON keys (z)")
        connection.execute("SELECT pg_stat_force_next_flush()")
    one = table_size(models.load("positions").tables[0], 200_000).indexes[0]
    assert one.sorted == pytest.approx(float(labdbs.one(ask)), rel=PROMISE)
