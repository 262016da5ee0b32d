"""The commands on plans and partitions, as far as no database is needed."""

import json

import pytest

from labdb.cli.app import run

NOWHERE = ("--conninfo", "host=/nowhere dbname=desi")


def test_doctor_asks_what_is_to_be_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--json"]) == 2
    assert "--plans" in json.loads(capsys.readouterr().out)["error"]["hint"]


@pytest.mark.parametrize(
    "command",
    [
        ("doctor", "--plans"),
        ("catalogue", "advise"),
        ("catalogue", "partitions", "list", "exposures"),
        ("catalogue", "partitions", "expire", "exposures", "--keep", "1"),
    ],
)
def test_a_server_that_does_not_answer_is_told(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*command, *NOWHERE, "--json"]) == 4
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "unreachable"


@pytest.mark.parametrize(
    "command",
    [
        ("doctor", "--plans", "--conninfo", "password=secret"),
        ("doctor", "--plans", "--time-limit", "0"),
        ("catalogue", "partitions", "expire", "exposures", "--keep", "0"),
        ("catalogue", "partitions", "create", "exposures"),
        ("catalogue", "advise", "--rows", "0", "--model", "positions"),
        ("catalogue", "advise", "voids", "--rows", "10", "--model", "positions"),
    ],
)
def test_a_wrong_command_line_is_told(command: tuple[str, ...]) -> None:
    assert run([*command, "--json"]) == 2


def test_advice_on_a_planned_table_is_printed_for_people(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["catalogue", "advise", "--model", "positions", "--rows", "1000000"]) == 0
    told = capsys.readouterr().out
    assert "raw_catalogs.positions, 1,000,000 rows" in told
    assert "(q3c_ang2ipix(ra, dec));" in told
