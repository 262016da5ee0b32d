"""Rows of a FITS table are the same whichever way they are read."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.catalogue import fits_file, stars

from labdb.adapters.catalogue import fits_table
from labdb.adapters.catalogue.fits import FitsSource

ROWS = 200


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fits_file(tmp_path_factory.mktemp("fits") / "a.fits", stars(ROWS))


@pytest.mark.parametrize(
    ("kept", "span"), [(1 << 20, 1 << 20), (0, 1 << 20), (0, 0)],
    ids=["the table is kept", "what lies between is read", "each row is read"],
)  # fmt: skip
@given(rows=st.lists(st.integers(0, ROWS - 1), max_size=50))
def test_scattered_rows_are_those_that_were_asked_for(
    file: Path, kept: int, span: int, rows: list[int]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fits_table, "KEPT", kept)
        patch.setattr(fits_table, "SPAN", span)
        source = FitsSource(file, (), ())
        wanted = stars(ROWS)
        for one in source.columns:
            found = source.take(one, np.array(rows, dtype=np.int64)).values
            assert found.tolist() == wanted[one.name][rows].tolist(), one.name
        source.close()
