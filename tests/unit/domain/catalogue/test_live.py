"""What a COMMENT was made of is read back from it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labdb.adapters.catalogue import models
from labdb.domain.catalogue import live
from labdb.domain.catalogue.kind import Kind
from labdb.domain.catalogue.table import Column


def back(column: Column) -> Column | None:
    return live.column(
        column.name, column.sql_type, column.comment, nullable=column.nullable
    ).described


@given(
    description=st.text().filter(lambda text: not text.endswith((")", "]"))),
    unit=st.sampled_from(["", "deg", "mas/yr", "10**-17 erg s**-1 cm**-2", "dex(Msun)", "%"]),
    ucd=st.sampled_from(["", "pos.eq.ra;meta.main", "phot.flux;em.opt.B"]),
    length=st.sampled_from([None, 1, 10]),
)
def test_any_description_with_unit_ucd_and_length_comes_back(
    description: str, unit: str, ucd: str, length: int | None
) -> None:
    column = Column("z", Kind.FLOAT, length, True, unit, ucd, description)
    assert back(column) == column


@pytest.mark.parametrize("name", models.names())
def test_every_column_of_a_shipped_model_comes_back(name: str) -> None:
    for table in models.load(name).tables:
        for column in table.columns:
            found = back(column)
            assert found is not None
            for what in ("kind", "length", "nullable", "unit", "ucd", "description", "is_vector"):
                assert getattr(found, what) == getattr(column, what), (table.name, column.name)


def test_a_type_that_no_model_has_is_described_by_none() -> None:
    assert live.column("p", "point", "", nullable=True).described is None
