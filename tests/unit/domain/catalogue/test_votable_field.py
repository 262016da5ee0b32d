"""Values of VOTables, as text and as bytes, by the standard's words."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labdb.domain.catalogue.votable_field import BinaryRows, field


@pytest.mark.parametrize(
    ("datatype", "arraysize", "text", "value"),
    [
        ("int", None, " 42 ", 42),
        ("short", "1", "0xFF", 255),
        ("long", None, "", None),
        ("double", None, "+Inf", float("inf")),
        ("boolean", None, "T", True),
        ("boolean", None, "0", False),
        ("boolean", None, "?", None),
        ("float", "3", "1 2 3", [1, 2, 3]),
        ("float", "*", "", None),
        ("int", "2x2", "1 2 3 4", [1, 2, 3, 4]),
        ("int", "4*", "1 2", [1, 2]),
        ("char", "*", " M 31 ", " M 31 "),
        ("floatComplex", None, "1 2", None),
    ],
)
def test_text_is_read_by_its_datatype(
    datatype: str, arraysize: str | None, text: str, value: object
) -> None:
    assert field("x", datatype, arraysize).parser()(text) == value


@pytest.mark.parametrize(
    ("datatype", "arraysize", "text"),
    [
        ("int", None, "1.5"),
        ("boolean", None, "maybe"),
        ("float", "3", "1 2"),
        ("double", None, "x"),
    ],
)
def test_text_that_is_no_value_is_an_error(datatype: str, arraysize: str | None, text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        field("x", datatype, arraysize).parser()(text)


@pytest.mark.parametrize(
    ("datatype", "arraysize", "null"),
    [("colour", None, None), ("int", "n", None), ("int", "", "x")],
)
def test_a_field_that_is_none_of_the_standard_is_an_error(
    datatype: str, arraysize: str | None, null: str | None
) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        field("x", datatype, arraysize, null=null)


FIELDS = [
    field("key", "long", null="-1"),
    field("flag", "boolean"),
    field("bits", "bit", "9"),
    field("name", "unicodeChar", "*"),
    field("pair", "float", "2"),
    field("many", "int", "*"),
    field("wave", "doubleComplex"),
]


def _row(key: int, name: str, many: list[int], flags: bytes) -> bytes:
    wide = name.encode("utf-16-be")
    return b"".join(
        [
            flags,
            struct.pack(">q", key), b"T", b"\0\0", struct.pack(">i", len(wide) // 2), wide,
            struct.pack(">ff", 0.5, 1.5), struct.pack(f">i{len(many)}i", len(many), *many),
            bytes(16),
        ]
    )  # fmt: skip


@given(
    rows=st.lists(
        st.tuples(
            st.integers(-(1 << 63), (1 << 63) - 1),
            st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"],
                                  exclude_characters="\0"), max_size=5),
            st.lists(st.integers(-(1 << 31), (1 << 31) - 1), max_size=4),
            st.booleans(),
        ),
        max_size=6,
    ),
    flags=st.booleans(),
    piece=st.integers(1, 40),
)  # fmt: skip
def test_binary_rows_come_out_whole_in_whatever_pieces_they_come_in(
    rows: list[tuple[int, str, list[int], bool]], flags: bool, piece: int
) -> None:
    data = b"".join(
        _row(key, name, many, (b"\x10" if hidden else b"\0") if flags else b"")
        for key, name, many, hidden in rows
    )
    reader = BinaryRows(FIELDS, flags=flags)
    found = [
        row
        for start in range(0, len(data), piece)
        for row in reader.feed(data[start : start + piece])
    ]
    assert reader.left == 0
    assert found == [
        [None if key == -1 else key, True, None, None if hidden and flags else name, [0.5, 1.5],
         many, None]
        for key, name, many, hidden in rows
    ]  # fmt: skip


def test_a_row_that_is_cut_off_is_left_over() -> None:
    reader = BinaryRows(FIELDS, flags=False)
    assert reader.feed(_row(1, "a", [], b"")[:-1]) == []
    assert reader.left > 0


def test_a_negative_count_is_an_error() -> None:
    reader = BinaryRows([field("many", "int", "*")], flags=False)
    with pytest.raises(ValueError, match="-5 values"):
        reader.feed(struct.pack(">i", -5))
