"""The benchmark's queries run, and a whole comparison goes through, at a tiny scale."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from bench.desi import survey
from bench.tuning import queries, run
from bench.tuning.stand import statements
from psycopg import ClientCursor
from tests.postgres16 import Postgres16

SCALE = 0.001
WITHOUT_Q3C = [query for query in queries.load() if "q3c" not in query.sql]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[survey.Table, ...]]:
    folder = tmp_path_factory.mktemp("survey")
    return folder, survey.write(folder, seed=1, scale=SCALE)


@pytest.fixture(scope="module")
def connection(
    postgres16: Postgres16, tables: tuple[Path, tuple[survey.Table, ...]]
) -> Iterator[psycopg.Connection]:
    """The survey in a plain PostgreSQL 16, which has no q3c."""
    data = postgres16.initialise("bench")
    (data / "postgresql.auto.conf").write_text("max_connections = 20\n")
    postgres16.start(data)
    folder, written = tables
    with psycopg.connect(
        postgres16.conninfo, autocommit=True, cursor_factory=ClientCursor
    ) as session:
        for statement in (*statements("schema.sql"), *statements("indexes.sql")):
            if "q3c" not in statement:
                session.execute(statement)
        for table in written:
            with session.cursor().copy(table.copy_statement()) as copy:
                copy.write((folder / f"{table.name}.copy").read_bytes())
        session.execute("ANALYZE")
        yield session
    postgres16.stop(data)


@pytest.mark.postgres
def test_the_streams_are_ones_that_postgresql_reads(
    connection: psycopg.Connection, tables: tuple[Path, tuple[survey.Table, ...]]
) -> None:
    for table in tables[1]:
        row = connection.execute(f"SELECT count(*) FROM raw_catalogs.{table.name}").fetchone()
        assert row == (table.rows,)


@pytest.mark.postgres
def test_every_target_is_a_galaxy_and_every_void_of_a_zone_exists(
    connection: psycopg.Connection,
) -> None:
    lost = """
    SELECT count(*) FILTER (WHERE g.targetid IS NULL),
           count(*) FILTER (WHERE v.void_id IS NULL AND zv.void0 >= 0),
           count(*) FILTER (WHERE v.void_id IS NOT NULL)
      FROM raw_catalogs.desivast_galzone gz
      JOIN raw_catalogs.desivast_zonevoid zv USING (algorithm, galactic_cap, zone)
      LEFT JOIN raw_catalogs.fastspecfit_galaxies g ON g.targetid = gz.target
      LEFT JOIN raw_catalogs.desivast_voids v
        ON v.algorithm = zv.algorithm AND v.galactic_cap = zv.galactic_cap
       AND v.original_void_index = zv.void0
    """
    row: Any = connection.execute(lost).fetchone()
    assert row[:2] == (0, 0)
    assert row[2] > 0


@pytest.mark.postgres
@pytest.mark.parametrize("query", WITHOUT_Q3C, ids=lambda query: query.name)
def test_a_query_runs(connection: psycopg.Connection, query: queries.Query) -> None:
    for draw in queries.Draws(1, SCALE).of(query):
        connection.execute(query.sql, draw).fetchall()


@pytest.mark.docker
def test_a_comparison_goes_through_and_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "results.jsonl"
    arguments = ["--scale", "0.002", "--out", str(out), "--folder", str(tmp_path / "stand")]
    both = ["--contenders", "stock,labdb-mixed", "--steps", "queries,load"]
    rest = ["--contenders", "labdb-mixed", "--steps", "queries,load,concurrency,pgbench"]
    assert run.main([*arguments, *both]) == 0
    assert run.main([*arguments, *rest, "--pgbench-seconds", "1"]) == 0
    records = [json.loads(line) for line in out.read_text().splitlines()]
    # What was measured is not measured again.
    steps = [(record["contender"], record["step"]) for record in records]
    assert len(steps) == len(set(steps)) == 6
    for record in records:
        figures = record["figures"]
        if record["step"] == "queries":
            assert set(figures) == {query.name for query in queries.load()}
            assert [name for name, one in figures.items() if "failure" in one] == []
        if record["step"] == "concurrency":
            assert figures["50"]["failures"] == []
            assert figures["50"]["heavy"]["count"] == 50
            assert figures["50"]["memory"]["oom_kills"] == 0
        if record["step"] == "pgbench":
            assert figures["tpc-b"]["tps"] > 0
    plans = out.with_suffix(".plans")
    cone = json.loads((plans / "stock" / "cone_degree.json").read_text())
    assert "fastspecfit_galaxies_q3c_ang2ipix_idx" in json.dumps(cone)
