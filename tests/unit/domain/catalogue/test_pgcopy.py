"""The bytes of COPY's binary format, as PostgreSQL's documentation has them."""

import numpy as np

from labdb.domain.catalogue.kind import Kind
from labdb.domain.catalogue.pgcopy import Cells, records, text


def _hex(*cells: Cells) -> str:
    return b"".join(records(cells)).hex(" ", -2)


def test_a_record_is_the_number_of_fields_then_length_and_value_of_each() -> None:
    small = Cells(Kind.SHORT, np.array([7], dtype="i2"))
    flag = Cells(Kind.BOOLEAN, np.array([True]))
    assert _hex(small) == "0001 0000 0002 0007"
    assert _hex(small, flag) == "0002 0000 0002 0007 0000 0001 01"


def test_a_null_has_the_length_minus_1_and_no_value() -> None:
    nulls = np.array([True, False])
    numbers = Cells(Kind.INT, np.array([5, 6], dtype="i4"), nulls)
    assert _hex(numbers) == "0001 ffff ffff 0001 0000 0004 0000 0006"


def test_a_text_has_its_own_length_and_none_where_it_is_null() -> None:
    words = text(np.array([b"ab", b"", b"x"]), np.array([False, False, True]))
    assert _hex(words) == "0001 0000 0002 6162 0001 0000 0000 0001 ffff ffff"


def test_a_moment_is_counted_from_2000_in_microseconds() -> None:
    moments = Cells(Kind.TIMESTAMP, np.array(["2000-01-01T00:00:01"], dtype="M8[s]"))
    assert _hex(moments) == "0001 0000 0008 0000 0000 000f 4240"


def test_an_array_has_dimensions_type_and_a_length_for_each_element() -> None:
    arrays = Cells(Kind.FLOAT, np.array([[1.0, 2.0]], dtype="f4"))
    head = "0001 0000 0024 0000 0001 0000 0000 0000 02bc 0000 0002 0000 0001"
    assert _hex(arrays) == f"{head} 0000 0004 3f80 0000 0000 0004 4000 0000"


def test_what_was_null_in_one_block_is_no_gap_in_the_next() -> None:
    count = 300_000
    nulls = np.zeros(count, dtype=np.bool_)
    nulls[:10] = True
    cells = Cells(Kind.LONG, np.arange(count), nulls)
    assert sum(map(len, records([cells]))) == count * 14 - 10 * 8


def test_no_rows_are_no_bytes() -> None:
    assert b"".join(records([Cells(Kind.LONG, np.zeros(0, dtype="i8"))])) == b""
