"""What the encoder writes is what PostgreSQL reads: any values, NULLs, texts and arrays."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.postgres16 import Postgres16

from labdb.domain.catalogue import pgcopy
from labdb.domain.catalogue.kind import Kind
from labdb.domain.catalogue.pgcopy import Cells

pytestmark = pytest.mark.postgres

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INTEGERS = {Kind.SHORT: 16, Kind.INT: 32, Kind.LONG: 64}
FLOATS = {Kind.FLOAT: 32, Kind.DOUBLE: 64}


@pytest.fixture(scope="module")
def session(catalogues: Postgres16) -> Iterator[psycopg.Connection]:
    with psycopg.connect(catalogues.conninfo, autocommit=True) as connection:
        connection.execute("SET timezone = 'UTC'")
        connection.prepare_threshold = None  # the table changes with each example
        yield connection


def scalars(kind: Kind) -> st.SearchStrategy[Any]:
    if kind in INTEGERS:
        half = 1 << (INTEGERS[kind] - 1)
        return st.integers(-half, half - 1)
    if kind in FLOATS:
        return st.floats(width=32 if kind is Kind.FLOAT else 64)
    if kind is Kind.BOOLEAN:
        return st.booleans()
    if kind is Kind.TIMESTAMP:
        span = st.timedeltas(timedelta(days=-40_000), timedelta(days=40_000))
        return span.map(lambda delta: EPOCH + delta)
    return st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


@st.composite
def columns(draw: st.DrawFn) -> list[tuple[Kind, int | None, list[Any]]]:
    rows = draw(st.integers(1, 20))
    chosen = []
    for kind in draw(st.lists(st.sampled_from(list(Kind)), min_size=1, max_size=6)):
        length = draw(st.sampled_from([None, 1, 3])) if kind.is_number else None
        one = scalars(kind) if length is None else st.lists(
            scalars(kind), min_size=length, max_size=length
        )  # fmt: skip
        values = draw(st.lists(st.none() | one, min_size=rows, max_size=rows))
        chosen.append((kind, length, values))
    return chosen


def cells(kind: Kind, length: int | None, values: list[Any]) -> Cells:
    nulls = np.array([value is None for value in values])
    blank: Any = {Kind.TEXT: "", Kind.TIMESTAMP: EPOCH}.get(kind, 0)
    full: list[Any]
    full = [value if value is not None else ([0] * length if length else blank) for value in values]
    if kind is Kind.TEXT:
        return pgcopy.text(np.array([value.encode() for value in full]), nulls)
    if kind is Kind.TIMESTAMP:
        naive = [value.replace(tzinfo=None) for value in full]
        return Cells(kind, np.array(naive, dtype="M8[us]"), nulls)
    dtype = "?" if kind is Kind.BOOLEAN else np.dtype(pgcopy.WIRE[kind][0]).newbyteorder("=")
    return Cells(kind, np.array(full, dtype=dtype), nulls if nulls.any() else None)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and math.isnan(one):
        return isinstance(other, float) and math.isnan(other)
    if isinstance(one, float):
        return bool(one == other) and math.copysign(1, one) == math.copysign(1, other)
    return bool(one == other)


def round_trip(session: psycopg.Connection, given_columns: list[Any], block: int) -> None:
    names = [f"c{number}" for number in range(len(given_columns))]
    types = [f"{kind}[]" if length else str(kind) for kind, length, _ in given_columns]
    session.execute("DROP TABLE IF EXISTS t")
    table = ", ".join(f"{name} {kind}" for name, kind in zip(names, types, strict=True))
    session.execute(f"CREATE TABLE t ({table})".encode())
    batch = [cells(*column) for column in given_columns]
    before, pgcopy.BLOCK_BYTES = pgcopy.BLOCK_BYTES, block
    try:
        stream = b"".join([pgcopy.HEADER, *pgcopy.records(batch), pgcopy.TRAILER])
    finally:
        pgcopy.BLOCK_BYTES = before
    with session.cursor() as cursor, cursor.copy("COPY t FROM STDIN (FORMAT binary)") as copy:
        copy.write(stream)
    shown = ", ".join(
        f"{name}::float8{'[]' if length else ''}" if kind is Kind.FLOAT else name
        for name, (kind, length, _) in zip(names, given_columns, strict=True)
    )
    found = session.execute(f"SELECT {shown} FROM t ORDER BY ctid".encode()).fetchall()
    wanted = list(zip(*[values for _, _, values in given_columns], strict=True))
    assert len(found) == len(wanted)
    for got, expected in zip(found, wanted, strict=True):
        assert all(map(same, expected, got)), (expected, got)


@settings(max_examples=150, deadline=None)
@given(given_columns=columns(), block=st.sampled_from([1, 100, 1 << 20]))
def test_values_come_back_as_they_were(
    session: psycopg.Connection, given_columns: list[Any], block: int
) -> None:
    round_trip(session, given_columns, block)


def test_many_rows_with_gaps_come_back_over_many_blocks(session: psycopg.Connection) -> None:
    rng = np.random.default_rng(1)
    rows = 5000
    gaps = rng.random((3, rows)) < 0.3
    given_columns = [
        (Kind.LONG, None, [None if gap else int(n) for n, gap in enumerate(gaps[0])]),
        (Kind.TEXT, None, [None if gap else "x" * (n % 7) for n, gap in enumerate(gaps[1])]),
        (Kind.DOUBLE, None, [None if gap else n / 7 for n, gap in enumerate(gaps[2])]),
        (Kind.FLOAT, 4, [[float(n)] * 4 for n in range(rows)]),
    ]
    round_trip(session, given_columns, 4096)


def test_values_in_the_byte_order_of_fits_are_taken(session: psycopg.Connection) -> None:
    session.execute("DROP TABLE IF EXISTS t")
    session.execute("CREATE TABLE t (a bigint, b real)")
    batch = [
        Cells(Kind.LONG, np.array([1, -2], dtype=">i8")),
        Cells(Kind.FLOAT, np.array([0.5, -1.25], dtype=">f4")),
    ]
    with session.cursor() as cursor, cursor.copy("COPY t FROM STDIN (FORMAT binary)") as copy:
        copy.write(b"".join([pgcopy.HEADER, *pgcopy.records(batch), pgcopy.TRAILER]))
    assert session.execute("SELECT a, b FROM t").fetchall() == [(1, 0.5), (-2, -1.25)]
