"""A forecast is made from growth that was seen, and from nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labdb.domain.capacity import DAY, Sample, days_to_full

SIZE = 250 << 30


def _line(per_day: float, days: int, start: int = 0) -> list[Sample]:
    return [Sample(n * DAY, int(start + per_day * n), SIZE) for n in range(days + 1)]


@given(st.integers(1 << 20, 1 << 30), st.integers(1, 20))
def test_steady_growth_is_followed_to_the_end(per_day: int, days: int) -> None:
    samples = _line(per_day, days)
    left = SIZE - samples[-1].used
    assert days_to_full(samples) == pytest.approx(left / per_day, rel=1e-6)


def test_one_sample_gives_no_forecast() -> None:
    assert days_to_full([Sample(0, 1, SIZE)]) is None


def test_samples_of_less_than_a_day_give_no_forecast() -> None:
    loaded = [Sample(0, 1, SIZE), Sample(DAY / 2, 100 << 30, SIZE)]
    assert days_to_full(loaded) is None
    assert days_to_full([*loaded, Sample(DAY, 100 << 30, SIZE)]) is not None


def test_a_disk_that_shrinks_or_stands_still_is_never_full() -> None:
    assert days_to_full(_line(0, 5, start=SIZE // 2)) is None
    assert days_to_full(_line(-1e9, 5, start=SIZE // 2)) is None


def test_a_disk_that_grew_has_its_new_size() -> None:
    samples = [*_line(1 << 30, 3)[:-1], Sample(3 * DAY, 3 << 30, 2 * SIZE)]
    found = days_to_full(samples)
    assert found is not None
    assert found == pytest.approx((2 * SIZE - (3 << 30)) / (1 << 30))
