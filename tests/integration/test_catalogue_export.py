"""A table goes out into Parquet files, and everything that could go wrong on the way."""

import json
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from tests.catalogue import Desi, Loader, fits_file, stars
from tests.lifecycle import TYPES, Command, print_of
from tests.pages import TOP

from labdb.adapters.catalogue import copy_out, file_state, lock, parquet_out
from labdb.adapters.catalogue.tables import Target
from labdb.domain.catalogue import healpix

pytestmark = pytest.mark.postgres
FIRST = "part-000000.parquet"


@pytest.fixture
def labdb(desi: Desi, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(desi, capsys)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def _left(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir() if "out" in one.name)


def test_a_table_that_was_exported_is_loaded_again_equal(
    load: Loader, labdb: Command, desi: Desi, tmp_path: Path, out: Path
) -> None:
    load(fits_file(tmp_path / "a.fits", stars(1000)))
    assert labdb("catalogue", "export", "positions", "--to", out) == 0, labdb.answer
    load(out, model=str(out / "model.yaml"), options=("--schema", "again"))
    before, after = (print_of(desi, schema, "positions") for schema in ("raw_catalogs", "again"))
    assert (after.rows, after.hash) == (before.rows, before.hash) == (1000, before.hash)
    comment = "SELECT col_description('{}.positions'::regclass, 2)"
    assert desi.one(comment.format("again")) == desi.one(comment.format("raw_catalogs"))


def test_a_catalogue_with_constants_of_file_names_is_loaded_again_equal(
    load: Loader, labdb: Command, desi: Desi, survey: Path, out: Path
) -> None:
    load(survey, model="desivast")
    assert labdb("catalogue", "export", "desivast_voids", "--to", out) == 0
    load(out, model=str(out / "model.yaml"), options=("--schema", "again", "--as", "voids"))
    columns = [one for one in json.loads((out / "manifest.json").read_text())["fingerprint"]["sums"]
               if one != "source_id"]  # fmt: skip
    before = print_of(desi, "raw_catalogs", "desivast_voids")
    after = print_of(desi, "again", "voids")
    assert before.changed_columns(after) == ("source_id",)  # it tells of the file that was loaded
    assert len(columns) > 5
    rest = (
        "SELECT count(*) FROM (SELECT {0} FROM raw_catalogs.desivast_voids"
        " EXCEPT ALL SELECT {0} FROM again.voids) AS t"
    )
    names = desi.one(
        "SELECT string_agg(quote_ident(attname), ',') FROM pg_attribute WHERE attnum > 0"
        " AND attrelid = 'again.voids'::regclass AND attname <> 'source_id'"
    )
    assert desi.one(rest.format(names)) == 0


def test_every_type_and_value_is_exact(labdb: Command, desi: Desi, out: Path) -> None:
    desi.do(TYPES)
    assert labdb("catalogue", "export", "every", "--to", out, "--row-group-rows", "1000") == 0
    table = pq.read_table(out / FIRST)
    assert [str(one.type) for one in table.schema] == [
        "int32", "bool", "int16", "int32", "int64", "float", "double", "string",
        "timestamp[us, tz=UTC]", "fixed_size_list<element: float>[4]",
        "fixed_size_list<element: int64>[2]", "string", "string", "string", "string", "string",
    ]  # fmt: skip
    rows = desi.ask(
        "SELECT source_id, yes, small, whole, long, single::float8, double, word, moment,"
        " colours::float8[], counts,"
        " ragged::text, price::text, day::text, name::text, doc::text FROM raw_catalogs.every"
    )
    read = [tuple(one.values()) for one in table.to_pylist()]
    assert repr(read) == repr(
        [(*row[:8], row[8] and row[8].astimezone(read[0][8].tzinfo), *row[9:]) for row in rows]
    )
    assert table.column("word").null_count == 100  # the empty text is none of them
    assert table.schema.field("double").metadata == {
        b"postgresql": b"double precision", b"unit": b"Mpc/h", b"ucd": b"pos.distance",
        b"description": b"A seventh.",
    }  # fmt: skip
    by_text = next(one for one in labdb.answer["findings"] if one["check"] == "catalogue.by-text")
    assert "price (numeric(8,2))" in by_text["what"]


def test_the_manifest_tells_files_types_model_snapshot_and_fingerprint(
    load: Loader, labdb: Command, desi: Desi, tmp_path: Path, out: Path
) -> None:
    load(fits_file(tmp_path / "a.fits", stars(2500)))
    labdb("catalogue", "export", "positions", "--to", out, "--row-group-rows", "1000")
    told = json.loads((out / "manifest.json").read_text())
    assert told["model"] == {"name": "positions", "version": "1.0", "table": "positions"}
    assert re.fullmatch(r"[0-9A-F]+/[0-9A-F]+", told["snapshot"]["lsn"])
    assert told["fingerprint"]["hash"] == print_of(desi, "raw_catalogs", "positions").hash
    assert told["columns"][0]["parquet"] == "int64"
    assert told["labdb"] == "0.1.0"
    assert told["ledger"][0]["file_name"] == "a.fits"
    file = pq.ParquetFile(out / FIRST)
    assert [file.metadata.row_group(n).num_rows for n in range(3)] == [1000, 1000, 500]
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    assert _left(tmp_path) == ["out"]


@pytest.mark.parametrize("compression", ["snappy", "none"])
def test_files_are_packed_as_asked(labdb: Command, desi: Desi, out: Path, compression: str) -> None:
    desi.do(TYPES)
    assert labdb("catalogue", "export", "every", "--to", out, "--compression", compression) == 0
    found = pq.ParquetFile(out / FIRST).metadata.row_group(0).column(0).compression
    assert found == {"snappy": "SNAPPY", "none": "UNCOMPRESSED"}[compression]


@pytest.fixture
def sky(desi: Desi) -> None:
    """The extension labdb, of which nothing but HEALPix is needed."""
    source = (TOP / "roles/sky_functions/files/1.0/30-healpix.sql").read_text(encoding="utf-8")
    desi.do(f"CREATE SCHEMA labdb; SET search_path = labdb; {source}")
    desi.do(
        "SET allow_system_table_mods = on; INSERT INTO pg_extension VALUES"
        " (99999, 'labdb', 10, 'labdb'::regnamespace, false, '1.0', NULL, NULL)"
    )


@pytest.mark.usefixtures("sky")
def test_files_are_divided_by_healpix_and_nothing_is_lost(
    load: Loader, labdb: Command, desi: Desi, tmp_path: Path, out: Path
) -> None:
    load(fits_file(tmp_path / "a.fits", stars(3000)))
    assert labdb("catalogue", "export", "positions", "--to", out, "--healpix", "1") == 0
    files = {one["path"] for one in labdb.answer["data"]["files"]}
    assert len(files) == 48
    assert len({Path(one).name for one in files}) == 48
    for one in files:
        table = pq.read_table(out / one, columns=["ra", "dec"], partitioning=None)
        ra, dec = (table.column(name).to_numpy() for name in ("ra", "dec"))
        assert f"Npix={healpix.nested(ra, dec, 2)[0]}/" in one
        assert len(set(healpix.nested(ra, dec, 2))) == 1
    whole = ds.dataset(out, partitioning="hive", exclude_invalid_files=True)
    assert whole.count_rows() == 3000
    assert {"Norder", "Npix"} <= set(whole.schema.names)
    load(out, model=str(out / "model.yaml"), options=("--schema", "again"))
    before, after = (print_of(desi, schema, "positions") for schema in ("raw_catalogs", "again"))
    assert before.changed_columns(after) == ("source_id",)


@pytest.mark.usefixtures("sky")
def test_rows_without_a_position_have_a_folder_of_their_own(
    labdb: Command, desi: Desi, out: Path
) -> None:
    desi.do(
        "CREATE SCHEMA raw_catalogs; CREATE TABLE raw_catalogs.t (a float8, d float8);"
        "INSERT INTO raw_catalogs.t VALUES (10, 10), (NULL, 5), (200, -30)"
    )
    assert labdb("catalogue", "export", "t", "--to", out, "--healpix", "0") == 2
    assert "--position" in labdb.error["hint"]
    words = ("--healpix", "0", "--position", "a,d")
    assert labdb("catalogue", "export", "t", "--to", out, *words) == 0
    last = labdb.answer["data"]["files"][-1]
    assert last["path"].startswith("Norder=0/Npix=__HIVE_DEFAULT_PARTITION__/")
    assert last["rows"] == 1


def test_a_database_without_healpix_is_told(
    load: Loader, labdb: Command, tmp_path: Path, out: Path
) -> None:
    load(fits_file(tmp_path / "a.fits", stars()))
    assert labdb("catalogue", "export", "positions", "--to", out, "--healpix", "1") == 6
    assert "extension labdb" in labdb.error["why"]
    assert _left(tmp_path) == []


def test_a_table_without_rows_is_exported_too(labdb: Command, desi: Desi, out: Path) -> None:
    desi.do("CREATE SCHEMA raw_catalogs; CREATE TABLE raw_catalogs.none (ra float8, name text)")
    assert labdb("catalogue", "export", "none", "--to", out) == 0
    assert pq.read_table(out / FIRST).num_rows == 0


def test_what_is_written_meanwhile_is_not_in_the_snapshot(
    labdb: Command, desi: Desi, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desi.do(TYPES)
    whole = copy_out.batches

    def with_a_writer(*args: Any) -> Iterator[list[bytes]]:
        desi.do("DELETE FROM raw_catalogs.every WHERE source_id > 500")
        yield from whole(*args)

    monkeypatch.setattr(copy_out, "batches", with_a_writer)
    assert labdb("catalogue", "export", "every", "--to", out) == 0
    assert labdb.answer["data"]["rows"] == 1104


# What is refused


@pytest.mark.parametrize(
    ("make", "word"),
    [
        ("", "there is no table"),
        ("CREATE VIEW raw_catalogs.t AS SELECT 1", "is a view"),
        ("CREATE SEQUENCE raw_catalogs.t", "is a sequence"),
        ("CREATE TABLE raw_catalogs.t ()", "has no columns"),
    ],
)
def test_what_is_no_table_is_not_exported(
    labdb: Command, desi: Desi, out: Path, make: str, word: str
) -> None:
    desi.do(f"CREATE SCHEMA raw_catalogs; {make}")
    assert labdb("catalogue", "export", "t", "--to", out) == 2
    assert word in labdb.error["what"]
    assert not out.exists()


def test_a_folder_that_is_not_empty_stays_as_it_is(labdb: Command, desi: Desi, out: Path) -> None:
    desi.do(TYPES)
    out.mkdir()
    (out / "mine.txt").write_text("precious")
    assert labdb("catalogue", "export", "every", "--to", out) == 2
    assert "is not empty" in labdb.error["what"]
    assert [one.name for one in out.iterdir()] == ["mine.txt"]
    assert labdb("catalogue", "export", "every", "--to", out / "mine.txt") == 2
    assert labdb("catalogue", "export", "every", "--to", out / "mine.txt" / "below") == 5


def test_an_empty_folder_is_taken(labdb: Command, desi: Desi, out: Path) -> None:
    desi.do(TYPES)
    out.mkdir()
    assert labdb("catalogue", "export", "every", "--to", out) == 0


def test_a_dry_run_writes_nothing(labdb: Command, desi: Desi, tmp_path: Path, out: Path) -> None:
    desi.do(TYPES)
    assert labdb("catalogue", "export", "every", "--to", out, "--dry-run") == 0
    assert labdb.answer["data"]["columns"][6]["parquet"] == "float64"
    assert _left(tmp_path) == []


def test_a_table_that_is_being_loaded_waits(
    load: Loader, labdb: Command, desi: Desi, tmp_path: Path, out: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    load(fits_file(tmp_path / "a.fits", stars()))
    monkeypatch.setattr(lock.take, "__defaults__", (0.3,))
    with desi.session("labdb catalogue load of somebody") as other:
        lock.take(other, Target("raw_catalogs", "positions"))
        assert labdb("catalogue", "export", "positions", "--to", out) == 6
    assert "labdb catalogue load of somebody" in labdb.error["why"]
    with desi.session("labdb catalogue export of somebody") as other:
        lock.take(other, Target("raw_catalogs", "positions"), shared=True)
        assert labdb("catalogue", "export", "positions", "--to", out) == 0
        assert load(fits_file(tmp_path / "b.fits", stars(seed=2))) == 6


def test_a_load_that_is_not_complete_is_not_exported(
    load: Loader, labdb: Command, desi: Desi, tmp_path: Path, out: Path
) -> None:
    load(fits_file(tmp_path / "a.fits", stars()))
    desi.do("UPDATE raw_catalogs.load_ledger SET finished_at = NULL")
    assert labdb("catalogue", "export", "positions", "--to", out) == 6
    assert "a.fits" in labdb.error["why"]


MALICIOUS = 'x"; DROP TABLE raw_catalogs.every; --'


def test_malicious_names_of_tables_and_columns_do_no_harm(
    labdb: Command, desi: Desi, tmp_path: Path, out: Path
) -> None:
    desi.do(TYPES)
    name, column = f"../../{MALICIOUS}'%s%(a)s{{}}", "a'); DROP SCHEMA raw_catalogs CASCADE; --%s{}"
    quoted = '"' + name.replace('"', '""') + '"'
    desi.do(
        f'CREATE TABLE raw_catalogs.{quoted} ("{column}" text, "%(x)s" real[], "a.b" real);'
        f"INSERT INTO raw_catalogs.{quoted} VALUES ('{{}}; %s', '{{1,2}}', 3)"
    )
    assert labdb("catalogue", "export", name, "--to", out) == 0, labdb.answer
    assert pq.read_table(out / FIRST).to_pylist() == [{column: "{}; %s", "%(x)s": [1, 2], "a.b": 3}]
    assert desi.one("SELECT count(*) FROM raw_catalogs.every") == 1104
    assert _left(tmp_path) == ["out"]
    assert sorted(one.name for one in out.iterdir()) == ["manifest.json", FIRST]


def test_a_timestamp_that_never_comes_is_told_by_its_column(
    labdb: Command, desi: Desi, tmp_path: Path, out: Path
) -> None:
    desi.do("CREATE SCHEMA raw_catalogs; CREATE TABLE raw_catalogs.t (seen timestamptz);"
            "INSERT INTO raw_catalogs.t VALUES ('infinity')")  # fmt: skip
    assert labdb("catalogue", "export", "t", "--to", out) == 5
    assert "seen has the timestamp infinity" in labdb.error["why"]
    assert _left(tmp_path) == []


# What breaks on the way

RUN = "import sys; from labdb.cli.app import run; sys.exit(run(sys.argv[1:]))"


def _start(desi: Desi, *words: str | Path, before: str = "", **how: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", before + RUN, *map(str, words), "--conninfo", desi.conninfo,
         "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=TOP, **how,
    )  # fmt: skip


def _many(desi: Desi, rows: int) -> None:
    desi.do(
        "CREATE SCHEMA raw_catalogs; CREATE TABLE raw_catalogs.many AS SELECT n AS source_id,"
        " n * 2 AS targetid, random() AS z, random() AS ra, random() AS dec, random()::real AS f,"
        " md5(n::text) AS word, CASE WHEN n % 3 = 0 THEN random()::real END AS g"
        f" FROM generate_series(1, {rows}) AS n"
    )


def test_a_full_disk_leaves_nothing_under_the_final_name(
    desi: Desi, tmp_path: Path, out: Path
) -> None:
    _many(desi, 60_000)
    done = _start(
        desi, "catalogue", "export", "many", "--to", out,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000)),
    )  # fmt: skip
    answer = json.loads(done.communicate(timeout=60)[0])
    assert done.returncode == 5
    assert "cannot be written" in answer["error"]["what"]
    assert "File too large" in answer["error"]["why"]
    assert _left(tmp_path) == []


def test_a_killed_export_leaves_nothing_under_the_final_name_and_the_next_one_tidies_up(
    labdb: Command, desi: Desi, tmp_path: Path, out: Path
) -> None:
    _many(desi, 150_000)
    words = ("catalogue", "export", "many", "--to", out, "--row-group-rows", "2000")
    running = _start(desi, *words)
    partial = tmp_path / ".out.partial"
    while running.poll() is None and not (partial / FIRST).exists():
        time.sleep(0.005)
    running.send_signal(signal.SIGSTOP)
    assert labdb("catalogue", "export", "many", "--to", out) == 6  # it is at work
    assert "another export" in labdb.error["what"]
    running.kill()
    running.communicate()
    assert not out.exists()
    (partial / "stray.parquet").write_bytes(b"x")
    assert labdb("catalogue", "export", "many", "--to", out) == 0
    assert _left(tmp_path) == ["out"]
    assert not (out / "stray.parquet").exists()


def test_a_lost_connection_leaves_nothing(
    labdb: Command, desi: Desi, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desi.do(TYPES)
    whole = copy_out.batches

    def cut(connection: psycopg.Connection, *args: Any) -> Iterator[list[bytes]]:
        desi.do(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE 'labdb%'"
        )
        yield from whole(connection, *args)

    monkeypatch.setattr(copy_out, "batches", cut)
    assert labdb("catalogue", "export", "every", "--to", out) == 5
    assert "the connection was lost" in labdb.error["what"]
    assert _left(tmp_path) == []


def test_a_file_that_is_damaged_on_its_way_to_the_disk_is_noticed(
    labdb: Command, desi: Desi, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desi.do(TYPES)
    whole = file_state.sha256

    def flip(path: Path) -> str:
        content = bytearray(path.read_bytes())
        content[len(content) // 3] ^= 1
        path.write_bytes(content)
        return whole(path)

    monkeypatch.setattr(parquet_out, "sha256", flip)
    assert labdb("catalogue", "export", "every", "--to", out) == 5
    assert "are not what was written" in labdb.error["what"]
    assert _left(tmp_path) == []


def test_a_wrong_value_in_a_file_is_noticed_by_its_column(
    labdb: Command, desi: Desi, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desi.do(TYPES)
    whole = pq.ParquetWriter.write_table

    def wrong(writer: Any, table: Any, **how: Any) -> None:
        values = table.column("long").to_numpy().copy()
        values[7] += 1
        place = table.schema.get_field_index("long")
        mask = np.zeros(len(values), bool)
        changed = pa.array(np.nan_to_num(values).astype("i8"), mask=mask)
        whole(writer, table.set_column(place, table.schema.field(place), changed), **how)

    monkeypatch.setattr(pq.ParquetWriter, "write_table", wrong)
    assert labdb("catalogue", "export", "every", "--to", out) == 5
    assert labdb.error["why"] == "the values of column long are not those that were written"


@pytest.mark.long
@pytest.mark.parametrize("kind", ["many rows", "wide rows", "long texts"])
def test_memory_is_bounded_whatever_the_table(desi: Desi, tmp_path: Path, kind: str) -> None:
    """Below 500 MB, on the way out and back."""
    numbers = ", ".join(f"random()::real AS f{place}" for place in range(1050))
    texts = ", ".join(f"repeat(md5((n + {place})::text), 20) AS t{place}" for place in range(4))
    if kind == "many rows":
        _many(desi, 2_000_000)
    else:
        rows, columns = (40_000, numbers) if kind == "wide rows" else (150_000, texts)
        desi.do(
            f"CREATE SCHEMA raw_catalogs; CREATE TABLE raw_catalogs.many AS SELECT n, {columns}"
            f" FROM generate_series(1, {rows}) AS n"
        )
    # What the process says at its end: the most memory that it had itself.
    told = (
        "import atexit, sys; atexit.register(lambda: sys.stderr.write('peak ' + [line.split()[1]"
        " for line in open('/proc/self/status') if line.startswith('VmHWM')][0] + chr(10)));"
    )
    out = tmp_path / "out"
    for words in (
        ["archive", "many", "--to", str(out), "--confirm", "many"],
        ["restore-from-archive", str(out)],
    ):
        running = _start(desi, "catalogue", *words, before=told)
        answer, err = running.communicate(timeout=600)
        assert running.returncode == 0, answer
        assert int(err.split("peak ")[1]) * 1024 < 500_000_000, (words[0], err)
