"""The lab's own server gets this configuration; whoever changes a formula sees what it does.

LABDB_WRITE_EXPECTED=1 pytest tests/unit/domain/test_configuration.py
"""

import os
from pathlib import Path

import yaml

from labdb.domain.access import hba_rows
from labdb.domain.variables import postgresql_parameters
from labdb.spec import Server

TOP = Path(__file__).parents[3]
EXPECTED = TOP / "tests" / "data" / "expected"


def _proj_pg01() -> Server:
    path = TOP / "inventories/production/host_vars/proj-pg01/server.yml"
    return Server.model_validate(yaml.safe_load(path.read_text("utf-8"))["labdb_server"])


def _is_expected(name: str, lines: list[str]) -> None:
    path, text = EXPECTED / name, "\n".join(lines) + "\n"
    if os.environ.get("LABDB_WRITE_EXPECTED"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_the_parameters_of_proj_pg01_are_the_known_ones() -> None:
    _is_expected(
        "proj-pg01.conf",
        [f"{item.name} = '{item.value}'" for item in postgresql_parameters(_proj_pg01())],
    )


def test_the_client_table_of_proj_pg01_gives_the_known_rows() -> None:
    _is_expected(
        "proj-pg01.hba",
        [
            " ".join(filter(None, (row.type, row.database, row.user, row.address, row.method)))
            for row in hba_rows(_proj_pg01())
        ],
    )
