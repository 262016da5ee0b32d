"""labdb plan-data: what it prints, and what it says of a wrong command line."""

import json
from pathlib import Path

import pytest

from labdb.cli.app import run

Printed = pytest.CaptureFixture[str]
PRODUCTION = str(Path(__file__).parents[3] / "inventories" / "production")


def answer(capsys: Printed, *arguments: str) -> tuple[int, dict[str, object]]:
    code = run(["plan-data", *arguments, "--json"])
    data: dict[str, object] = json.loads(capsys.readouterr().out)
    return code, data


def test_the_lab_s_galaxies_fit_the_default_disk(capsys: Printed) -> None:
    assert run(["plan-data", "--schema", "fastspecfit", "--rows", "6,445,927", "--no-color"]) == 0
    shown = capsys.readouterr().out
    assert "6,445,927 rows of fastspecfit" in shown
    assert "fastspecfit_galaxies_q3c_idx" in shown
    assert "a full backup" in shown
    assert "of 250.0 GB" in shown


def test_json_holds_every_part_in_bytes(capsys: Printed) -> None:
    code, said = answer(capsys, "--schema", "desivast", "--rows", "voids=6989",
                        "--rows", "triangle=10.4M")  # fmt: skip
    assert code == 0
    data = said["data"]
    assert isinstance(data, dict)
    tables = {one["table"]: one for one in data["tables"]}
    assert set(tables) == {"desivast_voids", "desivast_triangle"}
    voids = tables["desivast_voids"]
    assert voids["rows"] == 6989
    indexes = sum(index["bytes"] for index in voids["indexes"])
    parts = voids["heap_bytes"] + voids["toast_bytes"] + voids["maps_bytes"] + indexes
    assert voids["bytes"] == parts
    assert data["bytes"] == sum(one["bytes"] for one in tables.values())
    assert data["fits"] is True
    assert data["releases"] > 10


def test_the_declared_disk_and_backups_count(capsys: Printed) -> None:
    server = ("proj-pg01", "-i", PRODUCTION)
    code, said = answer(capsys, *server, "--schema", "fastspecfit", "--rows", "20M")
    assert (code, said["server"]) == (0, "proj-pg01")
    code, said = answer(capsys, *server, "--schema", "fastspecfit", "--rows", "900M")
    assert code == 1
    findings = said["findings"]
    assert isinstance(findings, list)
    checks = {one["check"] for one in findings if one["severity"] == "warning"}
    assert checks == {"workload.expected_data", "space.backup", "space.data"}


def test_a_smaller_disk_is_a_what_if(capsys: Printed) -> None:
    code, said = answer(capsys, "--schema", "fastspecfit", "--rows", "20M", "--disk", "40GB")
    data = said["data"]
    assert isinstance(data, dict)
    assert (code, data["fits"], data["releases"]) == (1, False, 0)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--schema", "desivast", "--rows", "5"], 2, "of which table of model desivast"),
        (["--schema", "fastspecfit", "--rows", "-5"], 2, "not a number of rows"),
        (["--schema", "fastspecfit", "--rows", "0"], 2, "from 1 to"),
        (["--schema", "fastspecfit", "--rows", "nan"], 2, "not a number of rows"),
        (["--schema", "fastspecfit", "--rows", "900G"], 3, "more than a table of PostgreSQL"),
        (["--schema", "fastspecfit", "--rows", "9000G"], 2, "from 1 to"),
        (["--schema", "fastspecfit", "--rows", "galaxies=1", "--rows", "2"], 2, "given twice"),
        (["--schema", "fastspecfit", "--rows", "stars=1"], 2, "has no table 'stars'"),
        (["--schema", "desivast", "--table", "star", "--rows", "1"], 2, "has no table 'star'"),
        (["--schema", "fastspecfi", "--rows", "5"], 2, "did you mean fastspecfit?"),
        (["--schema", "fastspecfit"], 2, "--rows"),
        (["--schema", "fastspecfit", "--rows", "5", "proj-pg01"], 2, "in which inventory"),
        (["--schema", "fastspecfit", "--rows", "5", "--disk", "big"], 3, "disk"),
        (["--schema", "fastspecfit", "--rows", "5", "--rate", "0"], 2, "--rate"),
    ],
)
def test_a_wrong_command_line_is_told(
    arguments: list[str], code: int, said: str, capsys: Printed
) -> None:
    assert run(["plan-data", *arguments]) == code
    assert said in capsys.readouterr().err
