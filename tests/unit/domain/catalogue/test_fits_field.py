"""What the keywords of a FITS column mean."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labdb.domain.catalogue.fits_field import field
from labdb.domain.catalogue.kind import Kind


@pytest.mark.parametrize(
    ("tform", "kind", "length", "width"),
    [
        ("K", Kind.LONG, None, 8), ("1J", Kind.INT, None, 4), ("I", Kind.SHORT, None, 2),
        ("B", Kind.SHORT, None, 1), ("E", Kind.FLOAT, None, 4), ("D", Kind.DOUBLE, None, 8),
        ("L", Kind.BOOLEAN, None, 1), ("20A", Kind.TEXT, None, 20), ("A", Kind.TEXT, None, 1),
        ("10D", Kind.DOUBLE, 10, 80), ("168E", Kind.FLOAT, 168, 672), (" 3K", Kind.LONG, 3, 24),
    ],
)  # fmt: skip
def test_a_column_has_the_type_of_its_code(
    tform: str, kind: Kind, length: int | None, width: int
) -> None:
    found = field(tform)
    assert (found.kind, found.length, found.width) == (kind, length, width)


@pytest.mark.parametrize("tform", ["9X", "C", "2M", "1PE(30)", "QD", "0D", "3L"])
def test_what_is_not_loaded_says_why(tform: str) -> None:
    found = field(tform)
    assert found.kind is None
    assert found.why_not


@pytest.mark.parametrize(
    ("tform", "zero", "kind"),
    [("I", 1 << 15, Kind.INT), ("J", 1 << 31, Kind.LONG), ("B", -128, Kind.SHORT)],
)
def test_offsets_make_unsigned_numbers(tform: str, zero: float, kind: Kind) -> None:
    assert field(tform, zero=zero).kind is kind


def test_unsigned_numbers_of_64_bits_are_refused() -> None:
    found = field("K", zero=float(1 << 63))
    assert found.kind is None
    assert "64 bits" in found.why_not


@pytest.mark.parametrize(("tform", "kind"), [("I", Kind.FLOAT), ("J", Kind.DOUBLE)])
def test_scaled_integers_are_floating(tform: str, kind: Kind) -> None:
    found = field(tform, scale=0.1, zero=3)
    assert found.kind is kind
    assert found.is_scaled


def test_a_null_of_a_floating_column_means_nothing() -> None:
    assert field("E", null=-99).null is None
    assert field("J", null=-99).null == -99


@given(st.text(max_size=8))
def test_a_code_is_read_or_refused(tform: str) -> None:
    with suppress(ValueError):
        assert field(tform).width >= 0


def test_a_code_that_is_none_is_told() -> None:
    with pytest.raises(ValueError, match="'Z9' is not of the FITS standard"):
        field("Z9")
