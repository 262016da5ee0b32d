"""A table that an older version of its model loaded is brought to the newer one, or refused."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.catalogue import Desi, Loader

from labdb.cli.app import run

pytestmark = pytest.mark.postgres
DATA = Path(__file__).parents[1] / "data" / "models"
TABLE = "raw_catalogs.lines"
NEW = str(DATA / "lines.yaml")


class Migrate:
    """The command ``labdb catalogue migrate``, and what it printed."""

    def __init__(self, desi: Desi, capsys: Any) -> None:
        self.desi, self.capsys = desi, capsys
        self.answer: dict[str, Any] = {}

    def __call__(self, *options: str, model: str = NEW) -> int:
        self.capsys.readouterr()
        code = run(
            ["catalogue", "migrate", model, *options, "--conninfo", self.desi.conninfo, "--json"]
        )
        self.answer = json.loads(self.capsys.readouterr().out)
        return code


@pytest.fixture
def migrate(desi: Desi, capsys: pytest.CaptureFixture[str]) -> Migrate:
    return Migrate(desi, capsys)


@pytest.fixture
def old(tmp_path: Path) -> str:
    """The older version as somebody had it: without what came later."""
    folder = tmp_path / "old"
    folder.mkdir()
    for end in (".yaml", ".labdb.yaml"):
        shutil.copy(DATA / "migrations" / "lines" / f"1.0{end}", folder / f"lines{end}")
    return str(folder / "lines.yaml")


def lines(path: Path, first: int, **columns: Any) -> Path:
    rng = np.random.default_rng(first)
    given = {
        "targetid": np.arange(first, first + 20),
        "ra": rng.uniform(0, 360, 20),
        "dec": rng.uniform(-90, 90, 20),
        "count": np.full(20, 7, dtype="i2"),
    }
    pq.write_table(pa.table(given | columns), path)
    return path


@pytest.fixture
def loaded(load: Loader, old: str, tmp_path: Path) -> Path:
    flux = np.arange(20, dtype="f4")
    file = lines(tmp_path / "lines-1.parquet", 0, flux=flux, old=flux)
    assert load(file, model=old) == 1, load.answer  # there is no q3c
    return file


def _columns(desi: Desi) -> list[tuple[str, str, bool]]:
    return desi.ask(
        "SELECT attname::text, format_type(atttypid, NULL), attnotnull FROM pg_attribute"
        f" WHERE attrelid = '{TABLE}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY 1"
    )


def test_a_load_by_another_version_names_the_command_which_then_lets_it(
    load: Loader, migrate: Migrate, desi: Desi, loaded: Path, tmp_path: Path
) -> None:
    flux = np.full(20, 5, dtype="f4")
    more = lines(tmp_path / "lines-2.parquet", 100, flux_ha=flux, quality=["good"] * 20, width=flux)
    assert load(more, model=NEW) == 6
    assert "is of version 1.0 of model lines, not 1.1" in load.error["what"]
    assert "labdb catalogue migrate lines --schema raw_catalogs" in load.error["hint"]
    assert migrate() == 0, migrate.answer
    assert load(more, model=NEW) == 1, load.answer
    assert desi.ask(
        f"SELECT flux_ha, count, quality, width FROM {TABLE} WHERE targetid IN (3, 103) ORDER BY 1"
    ) == [(3, 7, "unknown", None), (5, 7, "good", 5)]
    assert _columns(desi) == [
        ("count", "integer", False), ("dec", "double precision", True), ("flux_ha", "real", False),
        ("quality", "text", True), ("ra", "double precision", True), ("source_id", "integer", True),
        ("targetid", "bigint", True), ("width", "real", False),
    ]  # fmt: skip
    assert desi.ask("SELECT DISTINCT model_version FROM raw_catalogs.load_ledger") == [("1.1",)]
    assert desi.one("SELECT count(*) FROM pg_indexes WHERE indexname = 'lines_flux_ha_idx'") == 1
    assert desi.one(
        f"SELECT col_description('{TABLE}'::regclass, attnum) FROM pg_attribute"
        f" WHERE attrelid = '{TABLE}'::regclass AND attname = 'flux_ha'"
    ) == "Flux of Ha. [nmgy] (UCD phot.flux;em.line)"  # fmt: skip


def test_a_second_time_there_is_nothing_to_do(migrate: Migrate, loaded: Path) -> None:
    migrate()
    assert migrate() == 0
    assert migrate.answer["summary"] == "nothing to do: 1 tables are of version 1.1"


def test_a_dry_run_shows_the_steps_with_their_reason_and_changes_nothing(
    migrate: Migrate, desi: Desi, loaded: Path
) -> None:
    before = _columns(desi)
    assert migrate("--dry-run") == 0
    assert _columns(desi) == before
    steps = [(one["subject"], one["after"]) for one in migrate.answer["changes"]]
    assert (f"{TABLE}.old", "dropped, with its values") in steps
    assert (f"{TABLE}.flux", "called flux_ha") in steps
    assert (TABLE, "1.1") in steps
    assert "32,767" in migrate.answer["changes"][0]["reason"]


def test_a_table_that_was_altered_by_hand_is_refused_and_the_differences_are_listed(
    migrate: Migrate, desi: Desi, loaded: Path
) -> None:
    desi.do(
        f"ALTER TABLE {TABLE} ALTER flux TYPE float8, ADD note text;"
        f"COMMENT ON COLUMN {TABLE}.ra IS 'mine'"  # words alone are no hindrance
    )
    before = _columns(desi)
    for options in ((), ("--dry-run",)):
        assert migrate(*options) == 6
        flux, note = sorted(migrate.answer["error"]["why"].splitlines())
        assert flux.endswith(
            "flux: the type is double precision in the database, real in the model"
        )
        assert note.endswith("note: the column is text in the database, nothing in the model")
    assert _columns(desi) == before


def test_a_newer_table_does_not_go_back(
    load: Loader, migrate: Migrate, loaded: Path, old: str
) -> None:
    migrate()
    assert migrate(model=old) == 6
    assert "forward only" in migrate.answer["error"]["why"]
    assert load(loaded, model=old) == 6
    assert "newer model" in load.error["hint"]


def test_where_no_migration_leads_is_told(migrate: Migrate, desi: Desi, loaded: Path) -> None:
    desi.do("UPDATE raw_catalogs.load_ledger SET model_version = '0.5'")
    assert migrate() == 6
    assert "no migration leads from version 0.5" in migrate.answer["error"]["what"]


def test_a_migration_that_does_not_reach_its_version_leaves_the_table_as_it_was(
    migrate: Migrate, desi: Desi, loaded: Path, tmp_path: Path
) -> None:
    shutil.copytree(DATA, tmp_path / "broken")
    step = tmp_path / "broken/migrations/lines/1.0-1.1.yaml"
    text = step.read_text(encoding="utf-8")
    step.write_text(text.replace("    - {add: width}\n", ""), encoding="utf-8")
    before = _columns(desi)
    assert migrate(model=str(tmp_path / "broken/lines.yaml")) == 6
    assert "lines.width: the column is nothing" in migrate.answer["error"]["why"]
    assert _columns(desi) == before
    assert desi.one("SELECT max(model_version) FROM raw_catalogs.load_ledger") == "1.0"


def test_a_step_that_postgresql_refuses_leaves_the_table_as_it_was(
    migrate: Migrate, desi: Desi, loaded: Path
) -> None:
    desi.do(f"CREATE VIEW public.v AS SELECT old FROM {TABLE}")
    before = _columns(desi)
    assert migrate() == 5
    assert "depend" in migrate.answer["error"]["why"]
    assert _columns(desi) == before


def test_an_emptied_table_is_of_the_version_that_fills_it(
    load: Loader, desi: Desi, loaded: Path, old: str, tmp_path: Path
) -> None:
    desi.do(f"DROP TABLE {TABLE}")
    flux = np.full(20, 5, dtype="f4")
    again = lines(loaded, 0, flux_ha=flux, quality=["good"] * 20, width=flux)
    assert load(again, model=NEW) == 1, load.answer
    assert desi.ask("SELECT DISTINCT model_version FROM raw_catalogs.load_ledger") == [("1.1",)]


def test_a_schema_without_the_model_is_told(migrate: Migrate, desi: Desi) -> None:
    assert migrate() == 2
