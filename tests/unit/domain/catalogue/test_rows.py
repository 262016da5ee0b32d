"""Which rows are loaded, in which order, and with which values."""

import numpy as np
from astropy.io.fits import BinTableHDU
from hypothesis import given
from hypothesis import strategies as st

from labdb.domain.catalogue import checksum, duplicate, missing, order, position
from labdb.domain.catalogue.kind import Kind
from labdb.domain.catalogue.rejection import Rejections
from labdb.domain.catalogue.table import Column
from labdb.domain.catalogue.text import not_text


def test_each_null_counts_for_its_first_cause() -> None:
    column = Column("x", Kind.FLOAT, sentinels=(-99.0, -999.9))
    values = np.array([1, np.nan, np.inf, -99, -999.9, 5], dtype="f4")
    said = {"TNULL": np.array([False, True, False, False, False, False])}
    found, causes = missing.cells(column, values, said)
    assert found.nulls is not None
    assert found.nulls.tolist() == [False, True, True, True, True, False]
    assert {cause: int(mask.sum()) for cause, mask in causes.items()} == {
        "TNULL": 1,
        "infinite": 1,
        "sentinel -99": 1,
        "sentinel -999.9": 1,
    }


def test_elements_of_arrays_stay_as_they_are() -> None:
    column = Column("x", Kind.DOUBLE, length=2, sentinels=(-1,))
    found, causes = missing.cells(column, np.array([[np.nan, -1.0]]), {})
    assert found.nulls is None
    assert not causes


def test_positions_off_the_sky_are_found() -> None:
    ra = np.array([0, 360, 359.9, -1e-9, 360.1, np.nan, 10, 10])
    dec = np.array([0, 90, -90, 0, 0, 0, 90.1, np.nan])
    bad = position.off_the_sky(ra, dec)
    assert [np.flatnonzero(mask).tolist() for mask in bad.values()] == [[3, 4, 5], [6, 7]]


def test_360_and_minus_0_are_0() -> None:
    found = position.folded(np.array([360.0, -0.0, 0.5]))
    assert found.tolist() == [0.0, 0.0, 0.5]
    assert not np.signbit(found).any()


KEYS = st.lists(st.tuples(st.integers(-3, 3), st.sampled_from([b"a", b"b", b"long key!", b""])))


@given(KEYS)
def test_exactly_the_keys_that_come_twice_are_repeated(keys: list[tuple[int, bytes]]) -> None:
    whole = np.array([key for key, _ in keys], dtype="i8")
    text = np.array([key for _, key in keys], dtype="S9")
    numbers = duplicate.numbers([whole, text])
    repeated = duplicate.repeated(numbers.copy())
    found = {keys[row] for row in np.flatnonzero(np.isin(numbers, repeated))}
    assert found == {key for key in keys if keys.count(key) > 1}


def test_the_width_of_a_text_makes_no_other_key() -> None:
    narrow = duplicate.numbers([np.array([b"main"], dtype="S4")])
    wide = duplicate.numbers([np.array([b"main"], dtype="S30")])
    assert narrow == wide


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1))
def test_rows_are_sorted_by_the_first_key_then_the_next(rows: list[tuple[int, int]]) -> None:
    keys = [np.array([row[place] for row in rows]) for place in (0, 1)]
    found = order.permutation(keys)
    wanted = sorted(range(len(rows)), key=lambda row: rows[row])
    assert (list(range(len(rows))) if found is None else found.tolist()) == wanted


def test_what_is_in_order_is_left_alone() -> None:
    assert order.permutation([np.arange(10)]) is None
    assert order.permutation([]) is None


@given(st.lists(st.integers(0, (1 << 64) - 1)), st.integers(1, 5))
def test_each_number_belongs_to_one_share(numbers: list[int], shares: int) -> None:
    found = np.array(numbers, dtype=np.uint64)
    belong = [duplicate.share(found, number, shares) for number in range(shares)]
    assert np.sum(belong, axis=0).tolist() == [1] * len(numbers)


def test_what_is_no_position_has_a_pixel_all_the_same() -> None:
    found = order.pixels(np.array([np.nan, 400.0, 10.0]), np.array([0.0, 0.0, 91.0]))
    assert found.dtype == np.uint32


@given(st.lists(st.binary(max_size=6), min_size=1))
def test_texts_are_those_that_python_decodes(values: list[bytes]) -> None:
    array = np.array(values)
    bad = np.logical_or.reduce(list(not_text(array).values()))
    for value, found in zip(array, bad, strict=True):
        stripped = bytes(value)
        try:
            wanted = "\0" in stripped.decode("utf-8")
        except UnicodeDecodeError:
            wanted = True
        assert bool(found) == wanted


def test_a_row_is_rejected_for_its_first_reason_only() -> None:
    found = Rejections(np.zeros(10, dtype=np.bool_))
    mask = np.array([True, False, True])
    found.add(4, mask, "first", np.array([1.5, 2.5, 3.5]))
    found.add(4, np.array([True, True, False]), "second", np.array([b"a", b"b", b"c"]))
    assert found.count == 3
    assert dict(found.reasons) == {"first": 2, "second": 1}
    assert [str(one) for one in found.first] == [
        "row 5: first (1.5)",
        "row 7: first (3.5)",
        "row 6: second ('b')",
    ]


@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=50))
def test_the_checksum_is_astropy_s(values: list[int]) -> None:
    data = np.array(values, dtype=">i4")
    hdu = BinTableHDU(np.rec.array([(value,) for value in values], dtype=[("a", ">i4")]))
    hdu.add_datasum()
    padded = data.tobytes() + b"\0" * (-data.nbytes % 2880)
    assert str(checksum.add(0, padded)) == hdu.header["DATASUM"]
