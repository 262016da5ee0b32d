"""A table goes out into Parquet files, and everything that could go wrong on the way."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.catalogue import TABLE, Desi, Loader, fits_file, stars

from labdb.cli.app import run

pytestmark = pytest.mark.postgres


class Command:
    """A command of ``labdb catalogue`` against a database, and what it printed."""

    def __init__(self, desi: Desi, capsys: Any) -> None:
        self.desi = desi
        self.capsys = capsys
        self.answer: dict[str, Any] = {}

    def __call__(self, *words: str | Path) -> int:
        self.capsys.readouterr()
        code = run(["catalogue", *map(str, words), "--conninfo", self.desi.conninfo, "--json"])
        self.answer = json.loads(self.capsys.readouterr().out)
        return code

    @property
    def error(self) -> dict[str, str]:
        return dict(self.answer["error"])


@pytest.fixture
def catalogue(desi: Desi, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(desi, capsys)


def test_a_table_goes_out_and_comes_back_equal(
    load: Loader, catalogue: Command, desi: Desi, tmp_path: Path
) -> None:
    load(fits_file(tmp_path / "a.fits", stars()))
    assert catalogue("export", "positions", "--to", tmp_path / "out") == 0, catalogue.answer
    assert load(tmp_path / "out", model=str(tmp_path / "out/model.yaml"), options=("--schema", "again")) <= 1, load.answer
    before, after = desi.ask(f"SELECT * FROM {TABLE} ORDER BY 1"), desi.ask("SELECT * FROM again.positions ORDER BY 1")
    assert before == after
    print(pq.read_schema(tmp_path / "out/part-000000.parquet"))
    print((tmp_path / "out/manifest.json").read_text())
    print((tmp_path / "out/model.yaml").read_text()[:1500])
    print((tmp_path / "out/model.labdb.yaml").read_text())
    print(catalogue.answer)
