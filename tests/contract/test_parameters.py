"""The parameter catalogue is what a real server says, to the letter."""

import sys
from pathlib import Path

import pytest
import yaml
from tests.postgres16 import Postgres16

TOP = Path(__file__).parents[2]
sys.path.insert(0, str(TOP / "bench"))

from capture_parameters import capture  # noqa: E402 - a program, not a package

pytestmark = pytest.mark.postgres


def test_the_catalogue_equals_the_server(postgres16: Postgres16) -> None:
    data = postgres16.initialise("catalogue")
    (data / "postgresql.auto.conf").write_text(
        "shared_preload_libraries = 'pg_stat_statements'\n", encoding="utf-8"
    )
    postgres16.start(data)
    try:
        captured = capture(postgres16.conninfo)
    finally:
        postgres16.stop(data)
    shipped = yaml.safe_load(
        (TOP / "src/labdb/domain/parameters-16.yaml").read_text(encoding="utf-8")
    )
    assert yaml.safe_load(yaml.safe_dump(captured)) == shipped
