"""The adviser on a real table: what it finds, and that its statements do what they say."""

import json
from typing import Any

import pytest
from bench.desi import fits
from bench.desi import galaxies as survey
from tests.integration.sky.conftest import Container

from labdb.cli.app import run

TABLE = "raw_catalogs.fastspecfit_galaxies"
Advice = list[dict[str, str]]


@pytest.fixture(scope="module")
def conninfo(container: Container, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with the galaxies of the survey, a hundredth of them."""
    folder = tmp_path_factory.mktemp("galaxies")
    how = fits.How(seed=1, scale=0.01, quirks=False)
    for piece in survey.generate(how.seed, how.scale):
        fits.write_galaxies(folder, piece, how)
    with container.connect("postgres") as connection:
        connection.execute("CREATE DATABASE advised")
    with container.connect("advised") as connection:
        connection.execute("CREATE EXTENSION labdb CASCADE")
    text = f"host={container.sockets} user=postgres dbname=advised"
    assert run(["catalogue", "load", str(folder), "--model", "fastspecfit", "--conninfo", text,
                "--json"]) == 0  # fmt: skip
    return text


@pytest.fixture
def advice(conninfo: str, capsys: pytest.CaptureFixture[str]) -> Any:
    def ask(*options: str) -> tuple[int, Advice]:
        capsys.readouterr()
        code = run(["catalogue", "advise", *options, "--conninfo", conninfo, "--json"])
        answer = json.loads(capsys.readouterr().out)
        return code, [one for table in answer["data"]["tables"] for one in table["advice"]]

    return ask


def _one(advice: Advice, text: str) -> dict[str, str]:
    (found,) = [one for one in advice if text in one["what"]]
    return found


def test_a_table_as_it_was_loaded_has_nothing_urgent(advice: Any) -> None:
    code, found = advice("fastspecfit_galaxies")
    assert code == 0
    assert not [one for one in found if one["state"] == "to do now"]
    assert _one(found, "q3c_ang2ipix")["state"] == "as it should be"
    assert _one(found, "an index on (z)")["state"] == "as it should be"
    assert "its correlation is" in _one(found, "order of the sky")["why"]


def test_each_fault_is_found_and_its_statement_mends_it(advice: Any, container: Container) -> None:
    with container.connect("advised") as connection:
        for statement in (
            "DROP INDEX raw_catalogs.fastspecfit_galaxies_q3c_idx",
            f"CREATE INDEX innocent ON {TABLE} (ra, dec)",
            f"CREATE INDEX twin ON {TABLE} (z)",
            f"CREATE INDEX blocks ON {TABLE} USING brin (dec)",
        ):
            connection.execute(statement.encode())
        code, found = advice()
        assert code == 1
        mending = [
            _one(found, text)["statement"]
            for text in ("q3c_ang2ipix", "without innocent", "without twin", "without blocks")
        ]
        assert all(mending)
        for statement in mending:
            connection.execute(statement.encode())
        code, found = advice()
    assert code == 0
    assert not [one for one in found if "without" in one["what"]]


def test_extended_statistics_make_the_number_of_groups_right(
    advice: Any, container: Container
) -> None:
    query = f"EXPLAIN (FORMAT JSON) SELECT floor(z * 100), count(*) FROM {TABLE} GROUP BY 1"

    def expected(connection: Any) -> int:
        plan = connection.execute(query.encode()).fetchone()[0][0]["Plan"]
        return int(plan["Plan Rows"])

    with container.connect("advised") as connection:
        before = expected(connection)
        one = _one(advice()[1], "floor(z * 100)")
        assert f"{before:,} groups" in one["why"]
        for statement in one["statement"].split("; "):
            connection.execute(statement.encode())
        row = connection.execute(
            f"SELECT count(DISTINCT floor(z * 100)) FROM {TABLE}".encode()
        ).fetchone()
        assert row is not None
        assert expected(connection) < 2 * row[0] < before / 10
    assert _one(advice()[1], "floor(z * 100)")["state"] == "as it should be"


def test_a_table_that_labdb_did_not_load_is_told(
    conninfo: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["catalogue", "advise", "nothing", "--conninfo", conninfo, "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert "nothing was not loaded by labdb" in error["what"]
    assert TABLE in error["why"]


def test_advice_on_a_planned_table_asks_no_database(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["catalogue", "advise", "--model", "exposures", "--rows", "5000000", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["data"]["planned"] is True
    assert run(["catalogue", "advise", "--rows", "5", "--json"]) == 2
