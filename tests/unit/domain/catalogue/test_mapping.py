"""Columns of a file find their columns of the table, or are told."""

from dataclasses import replace
from typing import Any

import pytest
import yaml

from labdb.adapters.catalogue import models
from labdb.domain.catalogue import layout
from labdb.domain.catalogue.kind import Kind, holds
from labdb.domain.catalogue.mapping import SourceColumn, fit
from labdb.domain.catalogue.table import Table, join
from labdb.spec.data_model import SchemaModel
from labdb.spec.data_source import ModelSource


@pytest.fixture
def galaxies() -> Table:
    return models.load("fastspecfit").tables[0]


def _sources(table: Table) -> list[SourceColumn]:
    return [
        SourceColumn(one.source.upper(), "x", one.kind, one.length, one.unit, "METADATA")
        for one in table.from_source
    ]


def test_names_fit_whatever_their_case(galaxies: Table) -> None:
    filled, wrong = fit(galaxies, _sources(galaxies))
    assert wrong == []
    assert [one.column.name for one in filled] == [one.name for one in galaxies.from_source]


def test_other_names_of_a_column_count_where_the_first_one_is_not_there() -> None:
    table = models.load("exposures").tables[0]
    assert table.column("mjd").names == ("mjd", "mjdobs")
    plain = [replace(one, hdu="") for one in _sources(table) if one.name != "MJD"]
    old = SourceColumn("MJDOBS", "x", Kind.DOUBLE)
    filled, wrong = fit(table, [old, *plain])
    assert wrong == []
    assert {one.column.name: one.source.name for one in filled if one.source}["mjd"] == "MJDOBS"
    new = SourceColumn("MJD", "x", Kind.DOUBLE)
    filled, _ = fit(table, [old, new, *plain])
    assert {one.column.name: one.source.name for one in filled if one.source}["mjd"] == "MJD"
    _, wrong = fit(table, plain)
    assert [str(one) for one in wrong] == ["mjd: the file has no column MJD"]


def test_a_column_of_two_hdus_comes_from_the_first_or_from_the_one_it_names(
    galaxies: Table,
) -> None:
    others = [SourceColumn("Z", "x", Kind.DOUBLE, hdu="SPECPHOT"),
              SourceColumn("TARGETID", "x", Kind.LONG, hdu="SPECPHOT")]  # fmt: skip
    filled, _ = fit(galaxies, [*others, *_sources(galaxies)])
    places = {one.column.name: one.source.hdu for one in filled if one.source}
    assert (places["z"], places["targetid"]) == ("METADATA", "METADATA")


def _told(galaxies: Table, **changed: Any) -> str:
    """Return what is said of the column z when its source is changed."""
    sources = [replace(one, **changed) if one.name == "Z" else one for one in _sources(galaxies)]
    filled, wrong = fit(galaxies, sources)
    assert len(filled) == len(sources) - 1
    return str(wrong[0])


def test_every_kind_of_mismatch_says_what_is_there_and_what_is_wanted(galaxies: Table) -> None:
    assert _told(galaxies, name="ZZ") == (
        "z: the file has no column Z of HDU METADATA; the nearest name is 'ZZ'"
    )
    assert _told(galaxies, kind=None, why_not="it is complex") == (
        "z: 'Z' cannot be loaded: it is complex"
    )
    assert _told(galaxies, length=3) == "z: 'Z' has 3 values in a row, wanted one value"
    assert _told(galaxies, kind=Kind.TEXT, native="TFORM 5A") == (
        "z: 'Z' is text (TFORM 5A), wanted double precision"
    )
    galaxies = replace(galaxies, columns=tuple(replace(c, unit="km/s") for c in galaxies.columns))
    sources = [replace(one, unit="mag") for one in _sources(galaxies)]
    assert all("is in 'mag', wanted 'km/s'" in str(one) for one in fit(galaxies, sources)[1])


def test_other_words_for_a_unit_are_taken_where_the_model_knows_them(galaxies: Table) -> None:
    sources = [
        replace(one, unit="dex(Msun)") if one.name == "LOGMSTAR" else one
        for one in _sources(galaxies)
    ]
    assert fit(galaxies, sources)[1] == []


def test_an_optional_column_that_is_not_there_is_null_and_one_that_is_wrong_is_told() -> None:
    stars = models.load("positions").tables[0]
    sources = [one for one in _sources(stars) if one.name != "RA_ERROR"]
    filled, wrong = fit(stars, [replace(one, hdu="") for one in sources])
    assert wrong == []
    assert [one.column.name for one in filled if one.source is None] == ["ra_error"]
    bad = SourceColumn("RA_ERROR", "x", Kind.TEXT)
    assert [one.column for one in fit(stars, [*sources, bad])[1]] == ["ra_error"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"position": {"ra": "ra", "dec": "delta"}}, "table positions has no column delta"),
        ({"indexes": [["nowhere"]]}, "table positions has no column nowhere"),
        ({"files": "(?P<field>.)"}, "table positions has no column field"),
    ],
)
def test_sources_that_name_what_is_not_there_are_refused(
    change: dict[str, object], told: str
) -> None:
    schema = _schema("positions")
    sources = ModelSource.model_validate({"tables": {"positions": {"files": "x"} | change}})
    with pytest.raises(ValueError, match=told):
        join(schema, sources)


def test_a_table_that_only_one_file_has_is_refused() -> None:
    sources = ModelSource.model_validate({"tables": {"other": {"files": "x"}}})
    with pytest.raises(
        ValueError, match="only one of the two files has the table other, positions"
    ):
        join(_schema("positions"), sources)


def _schema(name: str) -> SchemaModel:
    text = (models.SHIPPED / f"{name}.yaml").read_text(encoding="utf-8")
    return SchemaModel.model_validate(yaml.safe_load(text))


def test_wider_types_hold_narrower_ones_and_not_the_other_way() -> None:
    assert holds(Kind.DOUBLE, Kind.FLOAT)
    assert holds(Kind.LONG, Kind.SHORT)
    assert not holds(Kind.FLOAT, Kind.DOUBLE)
    assert holds(Kind.FLOAT, Kind.DOUBLE, narrow=True)
    assert not holds(Kind.FLOAT, Kind.INT)
    assert not holds(Kind.DOUBLE, Kind.LONG)
    assert not holds(Kind.TEXT, Kind.INT)
    assert not holds(Kind.INT, Kind.TEXT, narrow=True)


def test_a_file_without_units_fits(galaxies: Table) -> None:
    bare = [SourceColumn(one.name, "x", one.kind, one.length) for one in _sources(galaxies)]
    assert fit(galaxies, bare)[1] == []


def test_no_index_is_ever_on_a_position_but_q3c_s() -> None:
    for name in models.names():
        for table in models.load(name).tables:
            indexes = layout.after_load(table, f"{name}_{table.name}")
            assert sum(index.spherical for index in indexes) == bool(table.position)
            for index in indexes:
                assert index.spherical or not {"ra", "dec"} & set(index.columns)
                assert len(index.name.encode()) <= 63


def test_long_names_of_indexes_are_cut_before_postgresql_does_it() -> None:
    found = layout.index_name("t" * 63, "column_" * 12)
    assert len(found) <= 63
    assert found.endswith("_idx")
