"""Fingerprints in a real PostgreSQL 16: equal for equal rows, and for nothing else."""

import json
import uuid
from collections.abc import Iterator

import pytest
from tests.postgres16 import Postgres16

from labdb.adapters.content import query
from labdb.domain.recovery.fingerprint import TableFingerprint, fingerprints

pytestmark = pytest.mark.postgres

GALAXIES = """
CREATE TABLE galaxies (
  targetid bigint, ra double precision, z real, mass numeric, seen timestamptz, note text
);
INSERT INTO galaxies
SELECT n, n * 0.1, n / 7.0, n / 3.0, timestamptz '2026-11-25 08:12Z' + n * interval '1 s', 'g' || n
FROM generate_series(1, 500) AS n
"""


class Databases:
    """A real server: a new database for each question, asked as the probe asks."""

    def __init__(self, server: Postgres16) -> None:
        self.server = server

    def sql(self, database: str, text: str) -> str:
        path = self.server.scratch / "question.sql"
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)
        done = self.server.run(
            "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", str(self.server.scratch),
            "-U", "postgres", "-d", database, "-f", str(path),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def holding(self, *statements: str) -> str:
        name = f"d{uuid.uuid4().hex}"
        self.sql("postgres", f"CREATE DATABASE {name}")
        self.sql(name, ";\n".join(statements) + ";")
        return name

    def prints(self, database: str) -> dict[str, TableFingerprint]:
        told = self.sql(database, query("fingerprint")).splitlines()
        assert len(told) == 1
        return {item.table: item for item in fingerprints(json.loads(told[0]))}


@pytest.fixture(scope="module")
def databases(postgres16: Postgres16) -> Iterator[Databases]:
    data = postgres16.initialise("fingerprint")
    postgres16.start(data)
    yield Databases(postgres16)
    postgres16.stop(data)


@pytest.fixture(scope="module")
def galaxies(databases: Databases) -> TableFingerprint:
    return databases.prints(databases.holding(GALAXIES))["galaxies"]


def test_the_numbers_are_those_of_the_rows(galaxies: TableFingerprint) -> None:
    assert (galaxies.schema, galaxies.rows) == ("public", 500)
    assert galaxies.sums["targetid"] == str(500 * 501 // 2)
    assert (galaxies.minima["ra"], galaxies.maxima["ra"]) == ("0.1", "50")
    assert list(galaxies.sums) == ["targetid", "ra", "z", "mass"]


def test_the_order_of_rows_does_not_count(databases: Databases, galaxies: TableFingerprint) -> None:
    turned = databases.holding(
        GALAXIES,
        "CREATE TABLE turned AS SELECT * FROM galaxies ORDER BY note DESC",
        "TRUNCATE galaxies",
        "INSERT INTO galaxies SELECT * FROM turned",
        "DROP TABLE turned",
    )
    assert databases.prints(turned) == {"galaxies": galaxies}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE galaxies SET ra = ra + 1e-12 WHERE targetid = 7",
        "UPDATE galaxies SET note = 'g' WHERE targetid = 7",
        "UPDATE galaxies SET note = NULL WHERE targetid = 7",
        "UPDATE galaxies SET z = (SELECT z FROM galaxies WHERE targetid = 8) WHERE targetid = 7",
        "DELETE FROM galaxies WHERE targetid = 7",
        "INSERT INTO galaxies SELECT * FROM galaxies WHERE targetid = 7",
        "ALTER TABLE galaxies ADD COLUMN dec real",
        "ALTER TABLE galaxies DROP COLUMN z",
    ],
)
def test_every_change_is_another_fingerprint(
    databases: Databases, galaxies: TableFingerprint, change: str
) -> None:
    changed = databases.prints(databases.holding(GALAXIES, change))["galaxies"]
    assert changed != galaxies
    assert changed.hash != galaxies.hash


def test_two_rows_that_swap_a_value_are_told_by_the_hash_alone(
    databases: Databases, galaxies: TableFingerprint
) -> None:
    swap = "UPDATE galaxies SET mass = (15 - targetid) / 3.0 WHERE targetid IN (7, 8)"
    swapped = databases.prints(databases.holding(GALAXIES, swap))["galaxies"]
    assert swapped.sums == galaxies.sums
    assert swapped.hash != galaxies.hash


def test_settings_of_a_database_do_not_change_how_its_rows_are_hashed(
    databases: Databases, galaxies: TableFingerprint
) -> None:
    name = databases.holding(GALAXIES)
    for setting in (
        "TimeZone = 'Asia/Tokyo'",
        "DateStyle = 'SQL, DMY'",
        "extra_float_digits = -3",
        "search_path = nowhere",
    ):
        databases.sql("postgres", f"ALTER DATABASE {name} SET {setting}")
    assert databases.prints(name)["galaxies"] == galaxies


def test_numbers_that_are_none_and_tables_without_rows_or_columns_are_taken(
    databases: Databases,
) -> None:
    found = databases.prints(
        databases.holding(
            "CREATE TABLE odd (x double precision, y real)",
            "INSERT INTO odd VALUES ('NaN', 'Infinity'), ('-Infinity', NULL), (1e308, 'Infinity')",
            "CREATE TABLE empty (x integer)",
            "CREATE TABLE bare ()",
            "INSERT INTO bare DEFAULT VALUES",
            "CREATE TABLE words (w text)",
        )
    )
    assert found["odd"].sums == {"x": "NaN", "y": "Infinity"}
    assert (found["empty"].rows, found["empty"].hash, found["empty"].sums) == (0, "0", {"x": None})
    assert found["bare"].rows == 1
    assert found["words"].sums == {}


def test_names_may_be_as_odd_as_postgresql_takes_them(databases: Databases) -> None:
    found = databases.prints(
        databases.holding(
            'CREATE SCHEMA "it\'s; odd"',
            'CREATE TABLE "it\'s; odd"."a\\b %s :x ""q""" (t integer, "u\'s" integer)',
            'INSERT INTO "it\'s; odd"."a\\b %s :x ""q""" VALUES (1, 2)',
        )
    )
    (table,) = found.values()
    assert (table.schema, table.table) == ("it's; odd", 'a\\b %s :x "q"')
    assert table.sums == {"t": "1", "u's": "2"}


def test_a_column_called_as_the_query_calls_the_table_does_not_hide_the_others(
    databases: Databases,
) -> None:
    make = "CREATE TABLE named (t integer, x text)"
    one = databases.prints(databases.holding(make, "INSERT INTO named VALUES (1, 'a')"))
    other = databases.prints(databases.holding(make, "INSERT INTO named VALUES (1, 'b')"))
    assert one["named"].hash != other["named"].hash


def test_a_catalogue_with_hundreds_of_columns_has_all_of_them(databases: Databases) -> None:
    columns = ", ".join(f"c{number} real" for number in range(1050))
    found = databases.prints(
        databases.holding(f"CREATE TABLE wide ({columns})", "INSERT INTO wide (c1049) VALUES (3)")
    )
    assert len(found["wide"].sums) == 1050
    assert found["wide"].sums["c1049"] == "3"


def test_partitions_count_once_and_what_no_backup_holds_not_at_all(databases: Databases) -> None:
    found = databases.prints(
        databases.holding(
            "CREATE TABLE sky (tile integer) PARTITION BY LIST (tile)",
            "CREATE TABLE sky_1 PARTITION OF sky FOR VALUES IN (1)",
            "INSERT INTO sky VALUES (1), (1)",
            "CREATE TABLE parent (x integer)",
            "CREATE TABLE child () INHERITS (parent)",
            "INSERT INTO child VALUES (5)",
            "CREATE UNLOGGED TABLE scratch (x integer)",
            "CREATE VIEW seen AS SELECT * FROM sky",
        )
    )
    assert {name: item.rows for name, item in found.items()} == {
        "sky_1": 2,
        "parent": 0,
        "child": 1,
    }


def test_a_database_without_tables_has_no_fingerprints(databases: Databases) -> None:
    assert databases.prints(databases.holding("SELECT 1")) == {}


def test_databases_are_those_that_are_not_templates(databases: Databases) -> None:
    name = databases.holding("SELECT 1")
    databases.sql("postgres", f"ALTER DATABASE {name} IS_TEMPLATE true")
    told = json.loads(databases.sql("postgres", query("databases")))
    assert "postgres" in told
    assert {name, "template0", "template1"}.isdisjoint(told)
