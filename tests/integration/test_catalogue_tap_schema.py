"""TAP_SCHEMA, as one who asks it sees it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.catalogue import Desi, Loader, fits_file, stars

from labdb.cli.app import run

pytestmark = pytest.mark.postgres


class Describer:
    """The command ``labdb catalogue tap-schema``, and what it printed."""

    def __init__(self, desi: Desi, capsys: Any) -> None:
        self.desi, self.capsys = desi, capsys
        self.answer: dict[str, Any] = {}

    def __call__(self, *options: str) -> int:
        self.capsys.readouterr()
        code = run(
            ["catalogue", "tap-schema", *options, "--conninfo", self.desi.conninfo, "--json"]
        )
        self.answer = json.loads(self.capsys.readouterr().out)
        return code

    @property
    def changed(self) -> list[str]:
        return [one["subject"] for one in self.answer["changes"]]


@pytest.fixture
def describe(desi: Desi, capsys: pytest.CaptureFixture[str]) -> Describer:
    return Describer(desi, capsys)


@pytest.fixture
def stranger(desi: Desi) -> Iterator[str]:
    """A role with no right at all."""
    desi.do("CREATE ROLE stranger")
    yield "stranger"
    desi.do("DROP ROLE stranger")


def test_who_asks_finds_type_unit_ucd_and_index_of_each_column(
    load: Loader, describe: Describer, desi: Desi, tmp_path: Path, stranger: str
) -> None:
    load(fits_file(tmp_path / "a.fits", stars()))
    assert describe() == 0, describe.answer
    with desi.session() as connection:
        connection.execute(f"SET ROLE {stranger}".encode())
        rows = connection.execute(
            "SELECT column_name, datatype, unit, ucd, indexed FROM tap_schema.columns"
            " WHERE table_name = 'raw_catalogs.positions' ORDER BY column_index"
        ).fetchall()
        assert rows[0] == ("source_number", "long", None, "meta.id;meta.main", 1)
        assert rows[1] == ("ra", "double", "deg", "pos.eq.ra;meta.main", 0)  # no q3c here
        assert len(rows) == 14
        joined = connection.execute(
            "SELECT s.schema_name, t.table_type, t.description FROM tap_schema.schemas s"
            " JOIN tap_schema.tables t USING (schema_name)"
            " WHERE t.table_name = 'raw_catalogs.positions'"
        ).fetchall()
    assert joined == [
        ("raw_catalogs", "table", "One star a row; the position is that of ref_epoch.")
    ]


def test_it_describes_itself_and_its_keys(describe: Describer, desi: Desi) -> None:
    assert describe() == 0
    own = desi.ask("SELECT table_name FROM tap_schema.tables ORDER BY table_index")
    assert [row[0] for row in own] == [
        f"tap_schema.{name}" for name in ("schemas", "tables", "columns", "keys", "key_columns")
    ]
    assert desi.one("SELECT count(*) FROM tap_schema.columns WHERE std = 1") == 32
    assert desi.one(
        "SELECT count(*) FROM tap_schema.columns WHERE coalesce(description, '') = ''"
    ) == 0  # fmt: skip
    keys = desi.ask(
        "SELECT from_table, from_column, target_table, target_column"
        " FROM tap_schema.keys JOIN tap_schema.key_columns USING (key_id)"
    )
    assert ("tap_schema.columns", "table_name", "tap_schema.tables", "table_name") in keys
    assert len(keys) == 5
    for table, column in desi.ask("SELECT table_name, column_name FROM tap_schema.columns"):
        desi.ask(f"SELECT {column} FROM {table} LIMIT 1")  # names are as a query has them


def test_a_second_time_nothing_is_written(
    load: Loader, describe: Describer, desi: Desi, tmp_path: Path
) -> None:
    load(fits_file(tmp_path / "a.fits", stars()))
    describe()
    assert describe.changed == ["tap_schema", "raw_catalogs.positions"]
    before = desi.one("SELECT array_agg(xmin::text) FROM tap_schema.columns")
    assert describe() == 0
    assert describe.changed == []
    assert describe.answer["summary"] == "nothing to do: 1 tables with 14 columns are described"
    assert desi.one("SELECT array_agg(xmin::text) FROM tap_schema.columns") == before


def test_a_table_that_was_dropped_vanishes_and_a_new_index_is_told(
    load: Loader, describe: Describer, desi: Desi, tmp_path: Path
) -> None:
    load(fits_file(tmp_path / "a.fits", stars()))
    load(tmp_path / "a.fits", options=("--as", 'odd "name"; DROP TABLE x'))
    describe()
    odd = 'raw_catalogs."odd ""name""; DROP TABLE x"'
    assert odd in describe.changed
    desi.ask(f"SELECT * FROM {odd}")
    desi.do(f"DROP TABLE {odd}; CREATE INDEX ON raw_catalogs.positions ((round(pmra)), pmdec)")
    assert describe("--dry-run") == 0
    assert describe.changed == [odd, "raw_catalogs.positions"]
    assert desi.one(f"SELECT count(*) FROM tap_schema.tables WHERE table_name = '{odd}'") == 1
    describe()
    assert desi.one(f"SELECT count(*) FROM tap_schema.columns WHERE table_name = '{odd}'") == 0
    indexed = desi.ask("SELECT column_name FROM tap_schema.columns WHERE indexed = 1 AND std = 0")
    assert {row[0] for row in indexed} == {"source_number", "pmra"}


def test_a_dry_run_makes_nothing(describe: Describer, desi: Desi) -> None:
    assert describe("--dry-run") == 0
    assert desi.one("SELECT to_regnamespace('tap_schema') IS NULL")


def test_a_table_of_another_version_is_described_by_its_comments(
    load: Loader, describe: Describer, desi: Desi, tmp_path: Path
) -> None:
    load(fits_file(tmp_path / "a.fits", stars()))
    describe()
    said = (
        "SELECT array_agg((column_name, datatype, unit, ucd, description)::text ORDER BY 1)"
        " FROM tap_schema.columns WHERE std = 0"
    )
    by_model = desi.one(said)
    desi.do("UPDATE raw_catalogs.load_ledger SET model_version = '0.9'")
    describe()
    assert describe.answer["data"]["tables"][0]["described_by"] == "comments"
    assert desi.one(said) == by_model


def test_arrays_and_texts_have_their_size(
    load: Loader, describe: Describer, desi: Desi, tmp_path: Path
) -> None:
    desi.do(
        "CREATE TABLE public.load_ledger (table_name text, model text, model_version text,"
        " model_table text, finished_at timestamptz, rows_loaded bigint);"
        "INSERT INTO load_ledger VALUES ('t', 'mine', '1', 't');"
        "CREATE TABLE t (a real[], b text, c timestamptz, d point);"
        "COMMENT ON COLUMN t.a IS 'Colours. [mag] (UCD phot.color; 4 values)';"
        "COMMENT ON COLUMN t.b IS 'A name (of no use)'"
    )
    assert describe() == 0, describe.answer
    assert desi.ask(
        "SELECT column_name, datatype, arraysize, xtype, unit, description"
        " FROM tap_schema.columns WHERE table_name = 'public.t' ORDER BY column_index"
    ) == [
        ("a", "float", "4", None, "mag", "Colours."),
        ("b", "char", "*", None, None, "A name (of no use)"),
        ("c", "char", "*", "timestamp", None, ""),
    ]


def test_who_may_not_make_a_schema_is_told(describe: Describer, desi: Desi, stranger: str) -> None:
    conninfo = desi.conninfo
    desi.do(f"ALTER ROLE {stranger} LOGIN")
    code = run(["catalogue", "tap-schema", "--conninfo", conninfo + f" user={stranger}", "--json"])
    answer = json.loads(describe.capsys.readouterr().out)
    assert code == 6
    assert "a right is missing" in answer["error"]["what"]
