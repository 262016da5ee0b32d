"""What was put on a shelf is read again, whatever parts it came in."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from labdb.adapters.catalogue.shelf import Shelf


@given(st.lists(st.lists(st.binary(min_size=1, max_size=5), max_size=6)), st.data())
def test_any_rows_are_read_from_any_parts(parts: list[list[bytes]], data: st.DataObject) -> None:
    whole = [value for part in parts for value in part]
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, len(whole)))
    shelf = Shelf()
    for part in parts:
        shelf.put(np.array(part, dtype=f"S{max(map(len, part), default=1)}"))
    found = shelf.read(start, stop)
    shelf.close()
    assert shelf.rows == len(whole)
    assert [value.rstrip(b"\0") for value in found.tolist() or []] == [
        value.rstrip(b"\0") for value in whole[start:stop]
    ]
