"""What labdb says in TAP_SCHEMA is what Felis says of the same model."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from labdb.adapters.catalogue import models
from labdb.domain.catalogue import live, tap
from labdb.domain.catalogue.live import LiveTable
from labdb.domain.catalogue.table import Table

FELIS = Path(sys.executable).with_name("felis")
SHOWN = "column_name, datatype, arraysize, xtype, description, utype, unit, ucd, principal, std"
LOADED = ("zcatalog", "exposures", "embeddings")


def felis(*arguments: str) -> None:
    done = subprocess.run(
        [FELIS, *arguments], check=False, capture_output=True, text=True, env=dict(os.environ)
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    file = tmp_path_factory.mktemp("felis") / "tap.db"
    url = f"--engine-url=sqlite:///{file}"
    felis("init-tap-schema", url)
    for name in LOADED:
        felis("load-tap-schema", url, str(models.SHIPPED / f"{name}.yaml"))
    connection = sqlite3.connect(file)
    yield connection
    connection.close()


def _ours(table: Table) -> list[tuple[object, ...]]:
    columns = tuple(
        live.column(one.name, one.sql_type, one.comment, nullable=one.nullable)
        for one in table.columns
    )
    there = LiveTable("s", table.name, table.description, columns)
    described = tap.table(there, 1, table.description, table.columns)
    return [tuple(getattr(one, name) for name in SHOWN.split(", ")) for one in described.columns]


@pytest.mark.parametrize("name", LOADED)
def test_felis_describes_the_columns_in_the_same_words(
    theirs: sqlite3.Connection, name: str
) -> None:
    for table in models.load(name).tables:
        rows = theirs.execute(
            f"SELECT {SHOWN} FROM columns WHERE table_name = ?", [f"{name}.{table.name}"]
        ).fetchall()
        assert rows
        assert sorted(_ours(table)) == sorted(rows)


def test_the_standard_s_own_tables_have_the_standard_s_columns(
    theirs: sqlite3.Connection,
) -> None:
    from labdb.adapters.catalogue.tap_schema import COLUMNS  # noqa: PLC0415 - for this test alone

    for name, columns in COLUMNS.items():
        rows = theirs.execute(
            "SELECT column_name FROM columns WHERE table_name = ?", [f"tap_schema.{name}"]
        )
        assert {row[0].strip('"') for row in rows} == set(columns)
