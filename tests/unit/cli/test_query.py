"""labdb query without a database: the list, what a query is, and wrong command lines."""

import json
from pathlib import Path

import pytest

from labdb.adapters import query_library
from labdb.cli.app import run

Printed = pytest.CaptureFixture[str]


@pytest.mark.parametrize("arguments", [["query"], ["query", "--list"]])
def test_queries_are_listed_with_what_they_answer(arguments: list[str], capsys: Printed) -> None:
    assert run(arguments) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in query_library.names())


def test_the_list_is_json_too(capsys: Printed) -> None:
    assert run(["query", "--list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["data"]["queries"]
    assert [one["name"] for one in listed] == list(query_library.names())


def test_a_query_is_shown_with_parameters_units_and_sql(capsys: Printed) -> None:
    assert run(["query", "cone-search", "--show", "--no-color"]) == 0
    shown = capsys.readouterr().out
    assert "Right ascension of the centre, ICRS." in shown
    assert "arcsec" in shown
    assert "required" in shown
    assert "labdb.in_cone(ra, dec, %(ra)s" in shown
    assert run(["query", "cone-search", "--show", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["data"]["parameters"]["radius"]["unit"] == "deg"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["cone-serch"], "did you mean cone-search?"),
        (["cone-search"], "missing: ra"),
        (["cone-search", "--set", "ra=400", "--set", "dec=0"], "out of 0..360"),
        (["cone-search", "--csv", "--json"], "an answer has one form"),
        (["cone-search", "--plot", "a.png"], "the answer of cone-search has no plot"),
        (["void-slice", "--plot", "a.txt"], "a.txt is no name of a picture"),
        (["void-slice", "--plot", "nowhere/a.png"], "there is no folder nowhere"),
        (["void-slice", "--limit", "0"], "--limit"),
        (["void-slice", "--timeout", "-1"], "--timeout"),
        (["void-slice", "--conninfo", "password=x"], "a password does not belong"),
    ],
)
def test_a_wrong_command_line_is_told(
    arguments: list[str], said: str, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOST", "/nonexistent")
    assert run(["query", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_server_that_does_not_answer_is_told(capsys: Printed, tmp_path: Path) -> None:
    assert run(["query", "void-sizes", "--conninfo", f"host={tmp_path}"]) == 4
    assert "PostgreSQL does not let us in" in capsys.readouterr().err
