"""Columns of Arrow become numpy's, whatever their chunks, offsets and NULLs."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labdb.adapters.catalogue import arrow
from labdb.domain.catalogue.kind import Kind
from labdb.errors import RunError


def take(values: Any, rows: Any) -> tuple[list[Any], list[bool] | None]:
    found = arrow.take("x", values, rows)
    nulls = found.nulls.get("missing")
    return found.values.tolist(), None if nulls is None else nulls.tolist()


def chunks(kind: Any, *parts: list[Any]) -> Any:
    return pa.chunked_array([pa.array(part, kind) for part in parts], kind)


@given(
    st.lists(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5))),
    st.data(),
)
def test_texts_come_in_any_chunks_and_any_order(parts: list[list[str | None]], data: Any) -> None:
    whole = [value for part in parts for value in part]
    column = chunks(pa.string(), *parts)
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, len(whole)))
    order = data.draw(st.lists(st.integers(0, max(len(whole) - 1, 0)))) if whole else []
    for rows, wanted in (
        (slice(start, stop), whole[start:stop]),
        (np.array(order, dtype="i8"), [whole[row] for row in order]),
    ):
        values, nulls = take(column, rows)
        # numpy's bytes end before the NUL bytes at their end
        assert values == [(one or "").encode().rstrip(b"\0") for one in wanted]
        assert (nulls or [False] * len(wanted)) == [one is None for one in wanted]


def test_numbers_and_booleans_keep_their_nulls() -> None:
    assert take(chunks(pa.int32(), [1, None], [3]), slice(0, 3)) == (
        [1, 0, 3],
        [False, True, False],
    )
    assert take(chunks(pa.bool_(), [True], [None, False]), slice(1, 3)) == (
        [False, False],
        [True, False],
    )
    assert take(chunks(pa.float64(), [0.5]), slice(0, 1)) == ([0.5], None)


def test_vectors_keep_their_rows_and_elements_that_are_none_are_nan() -> None:
    column = chunks(pa.list_(pa.float32(), 2), [[1, 2], None], [[3, None], [5, 6]])
    values, nulls = take(column, slice(1, 4))
    assert nulls == [True, False, False]
    assert values[1][0] == 3
    assert np.isnan(values[1][1])
    assert values[2] == [5, 6]
    whole = chunks(pa.list_(pa.int64(), 2), [[1, 2], None])
    assert take(whole, slice(0, 2)) == ([[1, 2], [0, 0]], [False, True])
    with pytest.raises(RunError, match="elements without a value"):
        take(chunks(pa.list_(pa.int64(), 2), [[1, None]]), slice(0, 1))


def test_moments_are_utc_to_the_microsecond() -> None:
    moment = datetime(2021, 5, 14, 3, 25, 45, 123456, tzinfo=UTC)
    for kind in (pa.timestamp("us", "UTC"), pa.timestamp("ns", "America/Phoenix")):
        values, _ = take(chunks(kind, [moment]), slice(0, 1))
        assert values == [moment.replace(tzinfo=None)]


def test_a_text_that_is_a_document_is_refused() -> None:
    with pytest.raises(RunError, match="a text of column x has 8,193 bytes"):
        take(chunks(pa.string(), ["y" * 8193]), slice(0, 1))


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        (pa.uint8(), (Kind.SHORT, None)), (pa.uint16(), (Kind.INT, None)),
        (pa.uint32(), (Kind.LONG, None)), (pa.float16(), (Kind.FLOAT, None)),
        (pa.dictionary(pa.int8(), pa.string()), (Kind.TEXT, None)),
        (pa.list_(pa.float64(), 10), (Kind.DOUBLE, 10)),
        (pa.timestamp("s"), (Kind.TIMESTAMP, None)),
    ],
)  # fmt: skip
def test_a_type_of_arrow_has_its_kind(kind: Any, wanted: tuple[Kind, int | None]) -> None:
    (column,) = arrow.described(pa.schema([("x", kind)]), {})
    assert (column.kind, column.length) == wanted


@pytest.mark.parametrize(
    "kind", [pa.uint64(), pa.list_(pa.int8()), pa.binary(), pa.list_(pa.string(), 2), pa.null()]
)
def test_what_is_not_loaded_says_why(kind: Any) -> None:
    (column,) = arrow.described(pa.schema([("x", kind)]), {})
    assert column.kind is None
    assert column.why_not
