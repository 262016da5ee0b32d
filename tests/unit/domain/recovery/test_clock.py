"""A clock that only goes forward is never doubted; one that went back is found, and how far."""

from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from labdb.domain.recovery.clock import (
    EVER,
    NEVER,
    TOLERANCE,
    Jump,
    Point,
    jumps,
    present,
)

BEGIN = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURS = st.lists(st.integers(0, 1000), min_size=2, max_size=20)


def _points(hours: list[int], timeline: int = 1) -> list[Point]:
    """What the clock showed at one place of the WAL after the other."""
    return [Point(timeline, place, BEGIN + hour * HOUR) for place, hour in enumerate(hours)]


def _one(hours: list[int]) -> Jump:
    (jump,) = jumps(_points(hours))
    return jump


@given(HOURS, st.randoms(use_true_random=False))
def test_a_clock_that_only_goes_forward_gives_nothing(hours: list[int], order: Random) -> None:
    points = _points(sorted(hours))
    order.shuffle(points)
    assert jumps(points) == ()


@given(HOURS, st.integers(1, 1000), st.data(), st.randoms(use_true_random=False))
def test_one_jump_is_found_in_whatever_order_the_points_come(
    hours: list[int], back: int, data: st.DataObject, order: Random
) -> None:
    hours.sort()
    place = data.draw(st.integers(1, len(hours) - 1))
    # From there on the clock is behind, by more than it had gone on since the point before.
    back += hours[place] - hours[place - 1]
    points = _points(hours[:place] + [hour - back for hour in hours[place:]])
    shuffled = points.copy()
    order.shuffle(shuffled)
    (jump,) = jumps(shuffled)
    assert (jump.before, jump.after) == (points[place - 1], points[place])
    assert jump.least <= back * HOUR
    assert jump.least == points[place - 1].moment - points[place].moment


@given(HOURS, st.integers(0, 1000))
def test_a_moment_came_twice_where_a_jump_says_so_and_nowhere_else(
    hours: list[int], hour: int
) -> None:
    points = _points(hours)
    moment = BEGIN + hour * HOUR + HOUR / 2
    later = [index for index, point in enumerate(points) if point.moment > moment]
    earlier = [index for index, point in enumerate(points) if point.moment <= moment]
    twice = bool(later and earlier) and min(later) < max(earlier)
    assert any(jump.doubles(moment) for jump in jumps(points)) == twice


@given(HOURS)
def test_what_is_certain_lies_within_what_is_in_doubt(hours: list[int]) -> None:
    for jump in jumps(_points(hours)):
        assert jump.since <= jump.after.moment < jump.before.moment <= jump.until


def test_doubt_reaches_to_the_next_known_moments_on_both_sides() -> None:
    jump = _one([0, 24, 36, 30, 48, 72])
    assert (jump.since, jump.until) == (BEGIN + 24 * HOUR, BEGIN + 48 * HOUR)
    assert _one([36, 30]).since == EVER
    assert _one([36, 30]).until == NEVER


def test_two_jumps_are_two() -> None:
    assert [jump.least for jump in jumps(_points([0, 36, 30, 40, 20]))] == [6 * HOUR, 20 * HOUR]


def test_reading_clock_and_wal_one_after_the_other_is_no_jump() -> None:
    one, other = Point(1, 1, BEGIN), Point(1, 2, BEGIN - TOLERANCE)
    assert jumps([one, other]) == ()
    assert jumps([one, Point(1, 2, other.moment - timedelta(seconds=1))])


def test_two_readings_at_one_place_are_no_jump() -> None:
    assert jumps([Point(1, 7, BEGIN + HOUR), Point(1, 7, BEGIN)]) == ()


def test_a_later_timeline_comes_later_wherever_it_began() -> None:
    old, new = Point(1, 900, BEGIN), Point(2, 500, BEGIN + HOUR)
    assert jumps([new, old]) == ()
    (jump,) = jumps([Point(2, 500, BEGIN - HOUR), old])
    assert (jump.before, jump.after.timeline) == (old, 2)


def test_what_lies_in_the_future_of_the_clock_is_a_jump_up_to_now() -> None:
    (jump,) = jumps([present(BEGIN), *_points([3])])
    assert str(jump) == (
        "from 2026-11-01 05:00:00+00 at LSN 0/0 to 2026-11-01 02:00:00+00 at the end of the WAL"
    )
    assert jumps([present(BEGIN + 4 * HOUR), *_points([3])]) == ()
