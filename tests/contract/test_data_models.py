"""The shipped data models are Felis's, and complete."""

import logging
from pathlib import Path

import pytest
import yaml
from bench.desi import fastspecfit_model
from felis.datamodel import Schema

from labdb.adapters.catalogue import models
from labdb.domain.catalogue.table import SOURCE_ID

CHECKS = {"check_description": True, "check_redundant_datatypes": True}


@pytest.mark.parametrize("name", models.names())
def test_felis_validates_the_model(name: str, caplog: pytest.LogCaptureFixture) -> None:
    text = (models.SHIPPED / f"{name}.yaml").read_text(encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        Schema.model_validate(yaml.safe_load(text), context=CHECKS)
    assert caplog.messages == []


@pytest.mark.parametrize("name", models.names())
def test_the_two_files_of_a_model_belong_together(name: str) -> None:
    found = models.load(name)
    assert found.name == name
    assert found.tables


def test_no_file_stands_alone() -> None:
    files = {path.name for path in models.SHIPPED.iterdir()}
    assert files == {f"{name}{end}" for name in models.names() for end in (".yaml", ".labdb.yaml")}


@pytest.mark.parametrize("name", models.names())
def test_every_column_has_a_ucd_and_every_row_its_file(name: str) -> None:
    for table in models.load(name).tables:
        assert [one.name for one in table.columns if not one.ucd] == []
        assert table.column(SOURCE_ID).nullable is False
        assert table.columns[-1].name == SOURCE_ID


@pytest.mark.parametrize("name", models.names())
def test_lengths_and_angles_have_units(name: str) -> None:
    for table in models.load(name).tables:
        for column in table.columns:
            if column.ucd.startswith(("pos.eq", "phys.size", "pos.distance")):
                assert column.unit, f"{table.name}.{column.name}"


def test_desivast_has_the_tables_of_all_its_files() -> None:
    desivast = models.load("desivast")
    found = {
        (algorithm, cap): sorted(
            table.name
            for table in desivast.tables
            if table.constants(f"DESIVAST_BGS_VOLLIM_{algorithm}_{cap}.fits")
        )
        for algorithm in ("V2_REVOLVER", "V2_VIDE", "V2_ZOBOV", "VoidFinder")
        for cap in ("NGC", "SGC")
    }
    mesh = ["galviz", "galzone", "triangle", "voids", "zonevoid"]
    assert found["V2_REVOLVER", "NGC"] == found["V2_VIDE", "SGC"] == mesh
    assert found["V2_ZOBOV", "NGC"] == ["galzone", "voids", "zonevoid"]
    assert found["VoidFinder", "SGC"] == ["holes", "maximals"]


def test_fastspecfit_full_has_every_column_of_the_three_hdus() -> None:
    text = (models.SHIPPED / "fastspecfit_full.yaml").read_text(encoding="utf-8")
    assert text == fastspecfit_model.felis(), "python bench/desi/fastspecfit_model.py makes it"
    found = models.load("fastspecfit_full").tables
    assert [len(table.from_source) for table in found] == [54, 127, 887]
    names = {column.name for table in found for column in table.from_source}
    assert len(names) == 1060
    for curated, column in (("fastspecfit", "logmstar"), ("agn_lines", "halpha_flux")):
        for table in models.load(curated).tables:
            mine = {one.name for one in table.from_source}
            assert column in mine
            assert mine - names == set()


@pytest.mark.parametrize("broken", ["tables: {}\n", "tables: {a: {files: '('}}\n", "- 1\n", ": ["])
def test_a_model_of_one_s_own_that_is_wrong_is_told(tmp_path: Path, broken: str) -> None:
    from labdb.errors import DeclarationError  # noqa: PLC0415 - for this test alone

    source = models.SHIPPED / "positions.yaml"
    (tmp_path / "mine.yaml").write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "mine.labdb.yaml").write_text(broken, encoding="utf-8")
    with pytest.raises(DeclarationError) as caught:
        models.load(str(tmp_path / "mine.yaml"))
    assert "mine" in caught.value.what
    assert caught.value.hint
