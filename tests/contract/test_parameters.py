"""The parameter catalogue is what a real server says, to the letter."""

import runpy
from pathlib import Path

import pytest
import yaml
from tests.postgres16 import Postgres16

TOP = Path(__file__).parents[2]
pytestmark = pytest.mark.postgres


def test_the_catalogue_equals_the_server(postgres16: Postgres16) -> None:
    data = postgres16.initialise("catalogue")
    (data / "postgresql.auto.conf").write_text(
        "shared_preload_libraries = 'pg_stat_statements'\n", encoding="utf-8"
    )
    postgres16.start(data)
    try:
        program = runpy.run_path(str(TOP / "bench" / "capture_parameters.py"))
        captured = program["capture"](postgres16.conninfo)
    finally:
        postgres16.stop(data)
    shipped = yaml.safe_load(
        (TOP / "src/labdb/domain/parameters-16.yaml").read_text(encoding="utf-8")
    )
    assert yaml.safe_load(yaml.safe_dump(captured)) == shipped
