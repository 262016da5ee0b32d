"""Vectors of pgvector: what a file holds is what the neighbours are searched among."""

from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bench.desi import fits
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tests.catalogue import Desi, Loader
from tests.lifecycle import Command, print_of
from tests.postgres16 import Postgres16

from labdb.cli.app import run
from labdb.domain.catalogue import pgcopy
from labdb.domain.catalogue.kind import Kind
from labdb.domain.catalogue.pgcopy import Cells

pytestmark = pytest.mark.postgres
TABLE = "raw_catalogs.embeddings_quasars"
FILE = "quasar-latents-spender-1.2.parquet"


@pytest.fixture
def vectors(with_vector: None, desi: Desi) -> Desi:
    del with_vector
    desi.do("CREATE EXTENSION vector")
    return desi


def latents(count: int = 200, dimensions: int = 128) -> np.ndarray:
    return np.random.default_rng(5).normal(size=(count, dimensions)).astype("f4")


def write(path: Path, rows: list[list[float | None] | None] | np.ndarray) -> Path:
    wanted = list(rows)
    table = pa.table(
        {
            "TARGETID": pa.array(np.arange(len(wanted))),
            "EMBEDDING": pa.array(wanted, pa.list_(pa.float32())),
            "ANOMALY_SCORE": pa.array(np.linspace(0, 1, len(wanted)).astype("f4")),
        }
    )
    pq.write_table(table, path)
    return path


def test_vectors_of_fits_and_parquet_are_those_of_the_file(
    load: Loader, vectors: Desi, tmp_path: Path
) -> None:
    wanted = latents()
    assert load(write(tmp_path / FILE, wanted), model="embeddings") == 0, load.answer
    columns = {"TARGETID": np.arange(len(wanted)), "EMBEDDING": wanted}
    table = fits.hdu("LATENTS", columns, {})
    file = fits.save(tmp_path / "quasar-latents-other.fits", [table])
    assert load(file, model="embeddings") == 0, load.answer
    for encoder in ("spender-1.2", "other"):
        rows = vectors.ask(
            f"SELECT embedding::real[] FROM {TABLE} WHERE encoder = '{encoder}' ORDER BY targetid"
        )
        assert np.array_equal(np.array([row[0] for row in rows], dtype="f4"), wanted)
    assert vectors.one(
        "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
        f" WHERE attrelid = '{TABLE}'::regclass AND attname = 'embedding'"
    ) == "vector(128)"  # fmt: skip


def test_the_hnsw_index_has_the_declared_operators_and_finds_the_neighbours(
    load: Loader, vectors: Desi, tmp_path: Path
) -> None:
    wanted = latents(2000)
    load(write(tmp_path / FILE, wanted), model="embeddings")
    assert "embeddings_quasars_embedding_hnsw_idx" in load.answer["data"]["made"]
    definition = vectors.one(
        "SELECT indexdef FROM pg_indexes WHERE indexname = 'embeddings_quasars_embedding_hnsw_idx'"
    )
    assert "USING hnsw (embedding vector_l2_ops)" in definition
    assert "m='16'" in definition
    point = "[" + ",".join(map(str, wanted[7].tolist())) + "]"
    ordered = f"FROM {TABLE} ORDER BY embedding <-> '{point}' LIMIT 5"
    plan = "\n".join(row[0] for row in vectors.ask(f"EXPLAIN SELECT targetid {ordered}"))
    assert "embeddings_quasars_embedding_hnsw_idx" in plan
    found = [row[0] for row in vectors.ask(f"SELECT targetid {ordered}")]
    true = np.argsort(((wanted - wanted[7]) ** 2).sum(axis=1))[:5].tolist()
    assert found[0] == 7
    assert len(set(found) & set(true)) >= 4  # approximate by design
    assert load(tmp_path / FILE, model="embeddings") == 0
    assert load.answer["summary"] == "nothing to do: all 1 parts are there"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ([1.0] * 127, "embedding has another length than 128"),
        ([1.0] * 129, "embedding has another length than 128"),
        ([], "embedding has another length than 128"),
        ([1.0] * 127 + [float("nan")], "embedding has NaN"),
        ([1.0] * 127 + [None], "embedding has NaN"),
        ([1.0] * 127 + [float("-inf")], "embedding has NaN"),
        (None, "embedding is missing"),
    ],
)
def test_a_vector_that_is_none_rejects_its_row(
    load: Loader, vectors: Desi, tmp_path: Path, bad: list[float | None] | None, reason: str
) -> None:
    rows = [*latents(3).tolist(), bad, *latents(2).tolist()]
    write(tmp_path / FILE, rows)
    assert load(tmp_path / FILE, model="embeddings") == 5
    assert reason in load.error["why"]
    assert "row 4" in load.error["why"]
    allowed = ("--max-rejects", "1")
    assert load(tmp_path / FILE, model="embeddings", options=allowed) == 0, load.answer
    assert vectors.one(f"SELECT array_agg(targetid ORDER BY targetid) FROM {TABLE}") == [
        0, 1, 2, 4, 5,
    ]  # fmt: skip


def test_a_double_that_no_real_holds_rejects_its_row(
    load: Loader, vectors: Desi, tmp_path: Path
) -> None:
    wanted = latents(3).astype("f8")
    wanted[1, 5] = 1e300
    columns = {"TARGETID": np.arange(3), "EMBEDDING": wanted}
    file = fits.save(tmp_path / "quasar-latents-x.fits", [fits.hdu("LATENTS", columns, {})])
    assert load(file, model="embeddings") == 5
    assert "row 2" in load.error["why"]
    assert vectors.one(f"SELECT count(*) FROM {TABLE}") == 0


def test_a_fits_vector_of_another_length_is_told_before_the_first_row(
    load: Loader, vectors: Desi, tmp_path: Path
) -> None:
    columns = {"TARGETID": np.arange(3), "EMBEDDING": latents(3, 64)}
    file = fits.save(tmp_path / "quasar-latents-x.fits", [fits.hdu("LATENTS", columns, {})])
    assert load(file, model="embeddings") == 3
    assert "has 64 values in a row, wanted 128 values" in load.error["why"]


@pytest.mark.usefixtures("with_vector")
def test_a_database_without_pgvector_is_told_what_it_lacks(
    load: Loader, desi: Desi, tmp_path: Path
) -> None:
    write(tmp_path / FILE, latents(3))
    assert load(tmp_path / FILE, model="embeddings") == 6
    assert load.error["hint"].startswith("CREATE EXTENSION vector")
    desi.do('CREATE SCHEMA "Own one"; CREATE EXTENSION vector SCHEMA "Own one"')
    assert load(tmp_path / FILE, model="embeddings") == 0, load.answer
    assert load(tmp_path / FILE, model="embeddings") == 0, load.answer


@pytest.mark.usefixtures("with_vector")
@settings(max_examples=40, deadline=None)
@given(
    values=arrays.arrays(
        "f4", st.tuples(st.integers(1, 5), st.integers(1, 4)),
        elements=st.floats(width=32, allow_nan=False, allow_infinity=False),
    ),
    data=st.data(),
)  # fmt: skip
def test_pgvector_reads_any_vector_that_is_written(
    catalogues: Postgres16, values: np.ndarray, data: st.DataObject
) -> None:
    nulls = np.array(data.draw(st.lists(st.booleans(), min_size=len(values),
                                        max_size=len(values))))  # fmt: skip
    cells = Cells(Kind.FLOAT, values, nulls, is_vector=True)
    with psycopg.connect(catalogues.conninfo) as session:
        session.execute("CREATE EXTENSION vector")
        session.execute("CREATE TEMP TABLE t (v vector)")
        with session.cursor().copy("COPY t FROM STDIN (FORMAT binary)") as copy:
            copy.write(pgcopy.HEADER)
            for part in pgcopy.records([cells]):
                copy.write(part)
            copy.write(pgcopy.TRAILER)
        found = [row[0] for row in session.execute("SELECT v::real[] FROM t")]
        session.rollback()
    assert [row is None for row in found] == nulls.tolist()
    there = np.array([row for row in found if row is not None], dtype="f4")
    assert np.array_equal(there.reshape(-1, values.shape[1]), values[~nulls])


def test_more_vectors_than_the_lab_keeps_are_told(
    load: Loader, vectors: Desi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labdb.operations.catalogue.load.VECTORS_MOST", 2)
    write(tmp_path / FILE, latents(3))
    for options in (("--dry-run",), ()):
        assert load(tmp_path / FILE, model="embeddings", options=options) == 0
        (finding,) = load.answer["findings"]
        assert finding["what"] == "raw_catalogs.embeddings_quasars has 3 vectors, more than 2"


def test_vectors_leave_as_lists_of_numbers_and_come_back(
    load: Loader, vectors: Desi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = latents()
    load(write(tmp_path / FILE, wanted), model="embeddings")
    before = vectors.prints()["embeddings_quasars"]
    index = "SELECT indexdef FROM pg_indexes WHERE tablename = 'embeddings_quasars' ORDER BY 1"
    indexes = vectors.ask(index)
    out = tmp_path / "out"

    def catalogue(*words: str) -> int:
        capsys.readouterr()
        return run(["catalogue", *words, "--conninfo", load.conninfo, "--json"])

    name = "embeddings_quasars"
    assert catalogue("archive", name, "--to", str(out), "--confirm", name) == 0
    kept = pq.read_table(out / "part-000000.parquet").column("embedding")
    assert kept.type == pa.list_(pa.float32(), 128)
    order = np.argsort(pq.read_table(out / "part-000000.parquet").column("targetid").to_numpy())
    assert np.array_equal(np.array(kept.to_pylist(), "f4")[order], wanted)
    # By the model beside them, the files are loaded like any others.
    model = str(out / "model.yaml")
    again = load(out / "part-000000.parquet", model=model, options=("--schema", "again"))
    assert again == 0, load.answer
    loaded = print_of(vectors, "again", name)
    assert (loaded.rows, loaded.hash) == (len(wanted), before.hash)
    assert "hnsw" in vectors.one("SELECT indexdef FROM pg_indexes WHERE indexname ~ 'hnsw'")
    vectors.do("DROP SCHEMA again CASCADE")
    assert catalogue("restore-from-archive", str(out)) == 0
    assert vectors.prints()["embeddings_quasars"] == before
    assert vectors.ask(index) == indexes


@pytest.mark.usefixtures("with_vector")
@pytest.mark.parametrize("home", ["public", "Own one", "own.two"])
def test_every_kind_of_vector_comes_back_wherever_the_extension_is(
    desi: Desi, tmp_path: Path, capsys: pytest.CaptureFixture[str], home: str
) -> None:
    """NULL, zeros with a sign and the smallest number, too; what has no dimension is a text."""
    desi.do(
        f'CREATE SCHEMA IF NOT EXISTS "{home}"; CREATE EXTENSION vector SCHEMA "{home}";'
        f'CREATE SCHEMA raw_catalogs; SET search_path = "{home}";'
        "CREATE TABLE raw_catalogs.every (n int PRIMARY KEY, one vector(3), free vector,"
        " half halfvec(3), sparse sparsevec(9));"
        "INSERT INTO raw_catalogs.every VALUES"
        " (1, '[1,-0,1e-45]', '[1,2]', '[1,2,3]', '{1:1.5}/9'),"
        " (2, NULL, NULL, NULL, NULL),"
        " (3, '[3.4028235e38,0.1,-7]', '[5]', '[0,-0.1,9]', '{}/9');"
        "CREATE INDEX ON raw_catalogs.every USING hnsw (one vector_cosine_ops)"
    )
    kinds = (
        "SELECT array_agg(format_type(atttypid, atttypmod) ORDER BY attnum) FROM pg_attribute"
        " WHERE attrelid = 'raw_catalogs.every'::regclass AND attnum > 0"
    )
    bits = f"""SELECT array_agg(encode("{home}".vector_send(one), 'hex') ORDER BY n)
               FROM raw_catalogs.every"""
    index = "SELECT indexdef FROM pg_indexes WHERE tablename = 'every' ORDER BY 1"
    before = print_of(desi, "raw_catalogs", "every")
    told = [desi.ask(text) for text in (kinds, bits, index)]
    labdb, out = Command(desi, capsys), tmp_path / "out"
    words = ("catalogue", "archive", "every", "--to", out, "--confirm", "every")
    assert labdb(*words) == 0, labdb.answer
    found = pq.read_schema(out / "part-000000.parquet")
    assert found.field("one").type == pa.list_(pa.float32(), 3)
    assert {found.field(name).type for name in ("free", "half", "sparse")} == {pa.string()}
    assert labdb("catalogue", "restore-from-archive", out) == 0, labdb.answer
    assert print_of(desi, "raw_catalogs", "every") == before
    assert [desi.ask(text) for text in (kinds, bits, index)] == told


def test_a_fingerprint_sees_the_last_bit_of_a_vector(vectors: Desi) -> None:
    vectors.do("CREATE SCHEMA s; CREATE TABLE s.t (v vector(2)); INSERT INTO s.t VALUES ('[1,2]')")
    before = print_of(vectors, "s", "t"), vectors.prints()["t"]
    vectors.do("UPDATE s.t SET v = '[1,2.0000002]'")
    after = print_of(vectors, "s", "t"), vectors.prints()["t"]
    assert [one.hash for one in after] != [one.hash for one in before]
    assert all(one.hash != other.hash for one, other in zip(before, after, strict=True))
