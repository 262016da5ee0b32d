"""Columns of a file find their columns of the table, or are told."""

import pytest

from labdb.adapters.catalogue import models
from labdb.domain.catalogue import layout
from labdb.domain.catalogue.kind import Kind, holds
from labdb.domain.catalogue.mapping import SourceColumn, fit
from labdb.domain.catalogue.table import Table


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


def test_a_column_of_two_hdus_comes_from_the_first_or_from_the_one_it_names(
    galaxies: Table,
) -> None:
    others = [SourceColumn("Z", "x", Kind.DOUBLE, hdu="SPECPHOT"),
              SourceColumn("TARGETID", "x", Kind.LONG, hdu="SPECPHOT")]  # fmt: skip
    filled, _ = fit(galaxies, [*others, *_sources(galaxies)])
    places = {one.column.name: one.source.hdu for one in filled if one.source}
    assert (places["z"], places["targetid"]) == ("METADATA", "METADATA")


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
