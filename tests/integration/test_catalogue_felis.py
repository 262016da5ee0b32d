"""A schema goes out as a Felis file that Felis takes and that is the model it came from."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from bench.desi import fits
from tests import pgvector
from tests.catalogue import Desi, Loader, fits_file, stars
from tests.postgres16 import Postgres16

from labdb.cli.app import run

pytestmark = pytest.mark.postgres
FELIS = Path(sys.executable).with_name("felis")


class Export:
    """The command ``labdb catalogue felis``, and what it printed."""

    def __init__(self, desi: Desi, capsys: Any) -> None:
        self.desi, self.capsys = desi, capsys

    def text(self, *options: str) -> str:
        self.capsys.readouterr()
        code = run(["catalogue", "felis", *options, "--conninfo", self.desi.conninfo])
        out = self.capsys.readouterr()
        assert code == 0, out.err
        return str(out.out)

    def differences(self, model: str, *options: str) -> tuple[int, list[str]]:
        self.capsys.readouterr()
        code = run(
            ["catalogue", "felis", "--diff", model, *options, "--conninfo", self.desi.conninfo,
             "--json"]
        )  # fmt: skip
        answer = json.loads(self.capsys.readouterr().out)
        assert answer["error"] is None, answer
        return code, [one["what"] for one in answer["findings"]]


@pytest.fixture
def export(desi: Desi, capsys: pytest.CaptureFixture[str]) -> Export:
    return Export(desi, capsys)


def felis(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [FELIS, *arguments], check=False, capture_output=True, text=True, env=dict(os.environ)
    )


def everything(load: Loader, desi: Desi, survey: Path, folder: Path) -> None:
    """Load tables of all kinds: joined HDUs, texts, vectors, arrays, several keys."""
    desi.do("CREATE EXTENSION vector")
    load(survey, model="desivast")
    load(survey, model="fastspecfit")
    columns = {"TARGETID": np.arange(3), "EMBEDDING": np.ones((3, 128), dtype="f4")}
    latents = fits.save(folder / "quasar-latents-x.fits", [fits.hdu("LATENTS", columns, {})])
    assert load(latents, model="embeddings") == 0, load.answer


@pytest.fixture(scope="module")
def with_extensions(catalogues: Postgres16, tmp_path_factory: pytest.TempPathFactory) -> Postgres16:
    pgvector.install(catalogues, tmp_path_factory.mktemp("pgvector"))
    return catalogues


@pytest.mark.usefixtures("with_extensions")
def test_felis_takes_the_export_and_it_is_the_models_it_came_from(
    load: Loader, export: Export, desi: Desi, survey: Path, tmp_path: Path
) -> None:
    everything(load, desi, survey, tmp_path)
    for described in (False, True):
        if described:
            assert run(["catalogue", "tap-schema", "--conninfo", desi.conninfo]) == 0
        file = tmp_path / f"desi-{described}.yaml"
        file.write_text(export.text(), encoding="utf-8")
        done = felis("validate", "--check-description", str(file))
        assert done.returncode == 0, done.stderr
    exported = yaml.safe_load(file.read_text(encoding="utf-8"))
    tables = {one["name"]: one for one in exported["tables"]}
    assert len(tables) == 9
    voids = {one["name"]: one for one in tables["desivast_voids"]["columns"]}
    assert voids["radius"]["fits:tunit"] == "Mpc/h"
    assert voids["algorithm"]["datatype"] == "string"  # its length is from TAP_SCHEMA
    for model in ("desivast", "fastspecfit", "embeddings"):
        code, found = export.differences(model)
        without_q3c = [one for one in found if "q3c" not in one]
        assert without_q3c == []
        assert code == int(len(found) > 0)


def test_what_somebody_changed_is_shown(
    load: Loader, export: Export, desi: Desi, tmp_path: Path
) -> None:
    load(fits_file(tmp_path / "a.fits", stars()))
    before = export.differences("positions")[1]
    sky = "positions.positions_q3c_idx: the index is nothing in the database"
    assert before == [f"{sky}, btree (q3c_ang2ipix(ra, dec)) in the model"]
    old = tmp_path / "old.yaml"
    old.write_text(export.text(), encoding="utf-8")
    desi.do(
        "ALTER TABLE raw_catalogs.positions ALTER pmra TYPE real, DROP COLUMN pmdec_error,"
        " ADD COLUMN note point, ALTER ref_epoch DROP NOT NULL;"
        "COMMENT ON COLUMN raw_catalogs.positions.ra IS 'Right ascension, ICRS. [arcsec]';"
        "CREATE INDEX by_note ON raw_catalogs.positions (phot_g_mean_mag)"
    )
    code, found = export.differences("positions")
    assert code == 1
    by_note = "positions.by_note: the index is btree (phot_g_mean_mag) in the database"
    assert sorted(set(found) - set(before)) == [
        f"{by_note}, nothing in the model",
        "positions.note: the column is point in the database, nothing in the model",
        "positions.pmdec_error: the column is nothing in the database, real in the model",
        "positions.pmra: the type is real in the database, double precision in the model",
        "positions.ra: the UCD is '' in the database, 'pos.eq.ra;meta.main' in the model",
        "positions.ra: the unit is 'arcsec' in the database, 'deg' in the model",
        "positions.ref_epoch: NULL is allowed in the database, refused in the model",
    ]
    new = tmp_path / "new.yaml"
    new.write_text(export.text(), encoding="utf-8")
    assert felis("diff", "--error-on-change", str(old), str(old)).returncode == 0
    theirs = felis("diff", "--error-on-change", str(old), str(new))
    assert theirs.returncode != 0
    assert "arcsec" in theirs.stdout


def test_names_of_any_kind_go_out_as_they_are(
    load: Loader, export: Export, desi: Desi, tmp_path: Path
) -> None:
    harm = 'odd: "name"\'; DROP TABLE x; --'
    load(fits_file(tmp_path / "a.fits", stars()), options=("--as", harm))
    (table,) = yaml.safe_load(export.text())["tables"]
    assert table["name"] == harm
    assert table["primaryKey"] == [f"#{harm}.source_number"]


def test_a_schema_without_tables_is_told(export: Export, desi: Desi) -> None:
    export.capsys.readouterr()
    code = run(["catalogue", "felis", "--schema", "nowhere", "--conninfo", desi.conninfo])
    assert code == 2
    assert "the schema nowhere has no table" in export.capsys.readouterr().err
