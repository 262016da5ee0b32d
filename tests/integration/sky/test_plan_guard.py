"""The plan guard on catalogues as labdb loads them: green, and red for all that spoils it."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bench.desi import fits
from psycopg.sql import SQL, Composed
from tests.catalogue import fits_file, stars
from tests.exposures import exposures
from tests.integration.sky.conftest import Container

from labdb.adapters.catalogue import questions
from labdb.adapters.catalogue.tables import Target
from labdb.cli.app import run

STARS = 120_000
TABLE = "raw_catalogs.positions"


@dataclass
class Lab:
    """A database with catalogues, and the command that judges it."""

    container: Container
    name: str
    capsys: Any = None

    @property
    def conninfo(self) -> str:
        return f"host={self.container.sockets} user=postgres dbname={self.name}"

    def do(self, *statements: str) -> None:
        with self.container.connect(self.name) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def load(self, *paths: Path, model: str) -> None:
        code = run(["catalogue", "load", *map(str, paths), "--model", model, "--conninfo",
                    self.conninfo, "--json"])  # fmt: skip
        assert code == 0

    def answer(self, *command: str) -> tuple[int, dict[str, Any]]:
        self.capsys.readouterr()
        code = run([*command, "--conninfo", self.conninfo, "--json"])
        return code, json.loads(self.capsys.readouterr().out)

    def doctor(self) -> tuple[int, dict[str, Any]]:
        return self.answer("doctor", "--plans")


@pytest.fixture(scope="module")
def template(container: Container, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Stars of the whole sky in three files, exposures of four years, and DESI's voids."""
    folder = tmp_path_factory.mktemp("catalogues")
    lab = Lab(container, "guarded")
    with container.connect("postgres") as connection:
        connection.execute("CREATE DATABASE guarded")
    lab.do("CREATE EXTENSION labdb CASCADE")
    files = [fits_file(folder / f"gaia-{n}.fits", stars(STARS // 3, seed=n)) for n in range(3)]
    lab.load(*files, model="positions")
    nights = [year * 10_000 + 100 + day for year in range(2019, 2023) for day in range(1, 29)]
    lab.load(exposures(folder / "exposures-a.fits", nights, each=200), model="exposures")
    fits.write(folder / "desi", fits.How(seed=1, scale=0.005, quirks=False))
    lab.load(folder / "desi", model="desivast")
    lab.do("VACUUM ANALYZE")
    return lab


@pytest.fixture
def lab(template: Lab, capsys: pytest.CaptureFixture[str]) -> Iterator[Lab]:
    """A database of its own, with the catalogues in it."""
    name = f"g{uuid.uuid4().hex[:12]}"
    with template.container.connect("postgres") as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template.name}".encode())
        yield Lab(template.container, name, capsys)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _problems(answer: dict[str, Any]) -> list[dict[str, str]]:
    return [one for one in answer["findings"] if one["severity"] in ("warning", "critical")]


def _faults(answer: dict[str, Any], table: str = TABLE) -> dict[str, list[str]]:
    return {one["query"]: one["faults"] for one in answer["data"]["plans"] if one["table"] == table}


def test_catalogues_as_they_were_loaded_are_green(lab: Lab) -> None:
    code, answer = lab.doctor()
    assert _problems(answer) == []
    assert code == 0
    asked = {(one["table"], one["query"]) for one in answer["data"]["plans"]}
    for query in ("cone of 1 arcmin", "cone of 1 degree", "cross-match",
                  "cross-match by labdb.crossmatch_all"):  # fmt: skip
        assert (TABLE, query) in asked
    assert ("raw_catalogs.exposures", "one night") in asked
    assert ("raw_catalogs.desivast_galzone", "members of a void") in asked
    assert ("raw_catalogs.desivast_voids", "redshift slice") in asked


def test_one_night_touches_one_partition(lab: Lab) -> None:
    _, answer = lab.doctor()
    (night,) = [one for one in answer["data"]["plans"] if one["query"] == "one night"]
    assert night["partitions"] == 1
    assert night["rows"] == 200


@pytest.mark.parametrize(
    "what", ['(ra, "dec")', '("dec", phot_g_mean_mag, ra)', '(ra) INCLUDE ("dec")']
)
def test_an_index_on_both_coordinates_is_red_and_named(lab: Lab, what: str) -> None:
    lab.do(f'CREATE INDEX "Innocent" ON {TABLE} {what}', f"ANALYZE {TABLE}")
    code, answer = lab.doctor()
    assert code == 1
    (finding,) = _problems(answer)
    assert finding["check"] == "plans.bad-index"
    assert finding["severity"] == "critical"
    assert "Innocent" in finding["what"]
    assert TABLE in finding["what"]
    assert finding["hint"] == 'DROP INDEX raw_catalogs."Innocent";'
    (fault,) = {fault for fault in _faults(answer)["cross-match"] if "not run" in fault}
    assert "pairs of rows" in fault
    # As the function writes it, the same cross-match is not led astray.
    assert _faults(answer)["cross-match by labdb.crossmatch_all"] == []
    lab.do(finding["hint"])
    assert lab.doctor()[0] == 0


@pytest.mark.parametrize("what", ["(ra)", '("dec")', "(ra, phot_g_mean_mag)"])
def test_an_index_on_one_coordinate_is_none_of_our_business(lab: Lab, what: str) -> None:
    lab.do(f"CREATE INDEX innocent ON {TABLE} {what}", f"ANALYZE {TABLE}")
    assert lab.doctor()[0] == 0


def test_without_its_q3c_index_a_table_is_red_and_the_statement_mends_it(lab: Lab) -> None:
    lab.do("DROP INDEX raw_catalogs.positions_q3c_idx")
    code, answer = lab.doctor()
    assert code == 1
    (finding,) = _problems(answer)
    assert finding["check"] == "plans.missing-index"
    assert TABLE in finding["what"]
    assert "reads the whole of positions" in finding["why"]
    create, analyze = finding["hint"].split("; ")
    lab.do(create, analyze)
    assert lab.doctor()[0] == 0


def test_an_index_whose_building_was_broken_off_is_red(lab: Lab) -> None:
    lab.do("UPDATE pg_index SET indisvalid = false"
           " WHERE indexrelid = 'raw_catalogs.positions_q3c_idx'::regclass")  # fmt: skip
    code, answer = lab.doctor()
    assert code == 1
    assert "positions_q3c_idx" in _problems(answer)[0]["what"]
    assert _problems(answer)[0]["hint"] == "REINDEX INDEX raw_catalogs.positions_q3c_idx;"


def test_a_shuffled_table_is_red_and_clustering_mends_it(lab: Lab) -> None:
    lab.do(
        f"CREATE TABLE shuffled AS SELECT * FROM {TABLE} ORDER BY hashint8(source_number)",
        f"TRUNCATE {TABLE}",
        f"INSERT INTO {TABLE} SELECT * FROM shuffled",
        "SELECT pg_stat_force_next_flush()",
        f"VACUUM ANALYZE {TABLE}",
    )
    code, answer = lab.doctor()
    assert code == 1
    (finding,) = _problems(answer)
    assert finding["check"] == "plans.order"
    assert TABLE in finding["what"]
    assert "correlation of positions_q3c_idx" in finding["why"]
    cluster, rest = finding["hint"].split("; ", 1)
    assert cluster == f"CLUSTER {TABLE} USING positions_q3c_idx"
    lab.do(cluster, rest.split(";")[0])
    assert lab.doctor()[0] == 0


def test_small_tables_are_no_false_alarms(lab: Lab) -> None:
    lab.do(
        f"DELETE FROM {TABLE} WHERE source_id <> 1 OR source_number % 20 > 0",
        f"VACUUM FULL ANALYZE {TABLE}",
        "DROP INDEX raw_catalogs.positions_q3c_idx",
        f'CREATE INDEX innocent ON {TABLE} (ra, "dec")',
    )
    code, answer = lab.doctor()
    assert _problems(answer) == []
    assert code == 0
    told = {one["check"] for one in answer["findings"] if one["severity"] == "info"}
    assert told == {"plans.bad-index", "plans.missing-index"}


def test_a_catalogue_in_partitions_asks_all_of_them_for_a_cone(lab: Lab) -> None:
    """The partition trap: by what is touched, not by time."""
    lab.do(
        f"ALTER TABLE {TABLE} RENAME TO whole",
        f"CREATE TABLE {TABLE} (LIKE raw_catalogs.whole) PARTITION BY RANGE (source_number)",
        *(
            f"CREATE TABLE raw_catalogs.p{n} PARTITION OF {TABLE}"
            f" FOR VALUES FROM ({n * 5_000_000_000}) TO ({(n + 1) * 5_000_000_000})"
            for n in range(9)
        ),
        f"INSERT INTO {TABLE} SELECT * FROM raw_catalogs.whole ORDER BY q3c_ang2ipix(ra, dec)",
        "DROP TABLE raw_catalogs.whole",
        "SELECT pg_stat_force_next_flush()",
        f"CREATE INDEX sky ON {TABLE} (q3c_ang2ipix(ra, dec))",
        f"ANALYZE {TABLE}",
    )
    code, answer = lab.doctor()
    assert code == 1
    (finding,) = _problems(answer)
    assert finding["check"] == "plans.partitions", json.dumps(finding)
    assert "a cone asks every partition" in finding["what"]
    assert "it touches 9 partitions, not 2" in finding["why"]


def test_old_statistics_are_told(lab: Lab) -> None:
    lab.do(f"UPDATE {TABLE} SET parallax = 1 WHERE source_id <> 1")
    with lab.container.connect(lab.name) as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
    _, answer = lab.doctor()
    assert "plans.statistics" in {one["check"] for one in _problems(answer)}


def test_a_database_without_catalogues_is_green_and_says_so(lab: Lab) -> None:
    lab.do("DROP SCHEMA raw_catalogs CASCADE")
    code, answer = lab.doctor()
    assert code == 0
    assert "holds no catalogue" in answer["summary"]


def test_nothing_is_written(lab: Lab) -> None:
    with lab.container.connect(lab.name) as connection:
        before = connection.execute("SELECT pg_current_xact_id()").fetchone()
        lab.doctor()
        after = connection.execute("SELECT pg_current_xact_id()").fetchone()
    assert before is not None
    assert after is not None
    assert int(after[0]) - int(before[0]) == 1


def test_a_locked_table_is_told_and_the_others_are_judged(lab: Lab) -> None:
    with lab.container.connect(lab.name) as connection, connection.transaction():
        connection.execute(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE")
        code, answer = lab.doctor()
    assert code == 1
    (finding,) = _problems(answer)
    assert (finding["check"], finding["what"]) == ("plans.locked", f"{TABLE} could not be judged")
    assert {one["table"] for one in answer["data"]["plans"]} >= {"raw_catalogs.exposures"}


def test_a_query_that_takes_too_long_is_stopped_and_told(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.do("DROP TABLE raw_catalogs.desivast_voids, raw_catalogs.desivast_maximals")
    counted = questions.counted

    def slowly(target: Target, condition: Composed) -> Composed:
        return SQL("{} AND pg_sleep(1) IS NOT NULL").format(counted(target, condition))

    monkeypatch.setattr(questions, "counted", slowly)
    code, answer = lab.answer("doctor", "--plans", "--time-limit", "0.2")
    assert code == 1
    assert "plans.slow" in {one["check"] for one in _problems(answer)}
    assert _faults(answer)["cone of 1 degree"] == ["it was stopped after 0.2 s"]
