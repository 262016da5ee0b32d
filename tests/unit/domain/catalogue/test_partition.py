"""Which partition a row belongs to, and what may be a partition at all."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from labdb.adapters.catalogue import models
from labdb.domain.catalogue import layout, partition
from labdb.domain.catalogue.partition import Span
from labdb.errors import DeclarationError

STEPS = st.integers(1, 10**6)
VALUES = st.integers(-(10**12), 10**12)


@given(value=VALUES, step=STEPS)
def test_every_value_is_in_its_own_span_and_spans_do_not_overlap(value: int, step: int) -> None:
    span = partition.span_of(value, step)
    assert span.low <= value < span.high
    assert partition.spans(np.array([value]), step) == {span}
    assert partition.spans(np.array([float(value)]), step) == {span}
    assert not span.meets(partition.span_of(span.high, step))
    assert not span.meets(partition.span_of(span.low - 1, step))


def test_small_integers_do_not_overflow() -> None:
    values = np.array([32_767, -32_768], dtype="i2")
    assert partition.spans(values, 10_000) == {Span(30_000, 40_000), Span(-40_000, -30_000)}


@given(value=VALUES, step=STEPS, table=st.text("abc_", min_size=1, max_size=80))
def test_a_name_tells_where_the_span_begins(value: int, step: int, table: str) -> None:
    span = partition.span_of(value, step)
    name = partition.name_of(table, span)
    assert len(name) <= layout.NAME_BYTES
    assert partition.low_in_name(table, name) == span.low


@pytest.mark.parametrize("name", ["exposures", "exposures_pkey", "exposures_b_20210000", "x_1"])
def test_other_names_are_no_partitions(name: str) -> None:
    assert partition.low_in_name("exposures", name) is None


@pytest.mark.parametrize(
    "text", ["DEFAULT", "FOR VALUES IN (1)", "FOR VALUES FROM (MINVALUE) TO (5)",
             "FOR VALUES FROM ('2021-01-01') TO ('2022-01-01')", "FOR VALUES FROM (0.5) TO (1)"]
)  # fmt: skip
def test_bounds_of_another_kind_are_no_spans(text: str) -> None:
    assert partition.read_bound(text) is None


def test_bounds_of_any_number_are_read() -> None:
    assert partition.read_bound("FOR VALUES FROM ('-10') TO ('0')") == Span(-10, 0)
    assert partition.read_bound("FOR VALUES FROM ('59000') TO ('59030')") == Span(59000, 59030)


def test_partitions_ahead_begin_where_the_last_one_ends() -> None:
    there = [Span(20210000, 20220000)]
    assert partition.ahead(there, 20231231, 10000) == [
        Span(20220000, 20230000), Span(20230000, 20240000),
    ]  # fmt: skip
    assert partition.ahead(there, 20210101, 10000) == []
    assert partition.ahead([], 20210101, 10000) == there
    with pytest.raises(ValueError, match="partitions of 1 lie before"):
        partition.ahead(there, 20231231, 1)


@given(
    starts=st.lists(st.integers(0, 50), min_size=1, max_size=20, unique=True),
    keep=st.integers(1, 25),
)
def test_retention_keeps_the_newest(starts: list[int], keep: int) -> None:
    filled = [Span(10 * one, 10 * one + 10) for one in starts]
    oldest = partition.cutoff(filled, keep)
    kept = [one for one in filled if oldest is None or one.low >= oldest]
    assert len(kept) == min(keep, len(filled))
    assert sorted(kept) == sorted(filled)[-len(kept) :]


def test_skew_of_nothing_is_nothing() -> None:
    assert partition.skew([]) == 0
    assert partition.skew([5, 5, 5]) == 1


def _changed(tmp_path: Path, **partition_of: object) -> Path:
    felis = yaml.safe_load((models.SHIPPED / "exposures.yaml").read_text())
    source = yaml.safe_load((models.SHIPPED / "exposures.labdb.yaml").read_text())
    source["tables"]["exposures"]["partition"] = partition_of
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(felis))
    (tmp_path / "mine.labdb.yaml").write_text(yaml.safe_dump(source))
    return tmp_path / "mine.yaml"


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        ("mjd", "which is not in its primary key (night, expid)"),
        ("source_id", "which is not in its primary key (night, expid)"),
        ("nights", "has no column nights"),
    ],
)
def test_a_model_that_cannot_be_partitioned_is_refused_while_it_is_read(
    tmp_path: Path, column: str, reason: str
) -> None:
    with pytest.raises(DeclarationError) as refused:
        models.load(str(_changed(tmp_path, column=column, step=10)))
    assert reason in refused.value.why


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        ("survey", "which is text: ranges are those of numbers"),
        ("airmass", "which may be missing"),
        ("source_id", "which no column of a file fills"),
    ],
)
def test_without_a_key_the_column_must_still_be_a_number_of_every_row(
    tmp_path: Path, column: str, reason: str
) -> None:
    path = _changed(tmp_path, column=column, step=10)
    felis = yaml.safe_load(path.read_text())
    del felis["tables"][0]["primaryKey"]
    path.write_text(yaml.safe_dump(felis))
    with pytest.raises(DeclarationError) as refused:
        models.load(str(path))
    assert reason in refused.value.why


def test_a_sorted_column_has_an_index_on_block_ranges_unless_another_begins_with_it() -> None:
    (exposures,) = models.load("exposures").tables
    assert not [one for one in layout.after_load(exposures, "exposures") if one.brin]
    tables = {one.name: one for one in models.load("desivast").tables}
    triangle = layout.after_load(tables["triangle"], "triangle")
    assert [(one.name, one.columns) for one in triangle if one.brin] == [
        ("triangle_void_brin_idx", ("void",))
    ]
    # Of positions it would be of no use.
    assert not [one for one in layout.after_load(tables["voids"], "voids") if one.brin]
