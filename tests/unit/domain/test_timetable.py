"""A calendar expression says how often something comes, and how long it may stay away."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labdb.domain.timetable import longest_pause, runs_per_day

WEEKLY = "Sun *-*-* 02:00:00"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EXPRESSIONS = st.text(max_size=30) | st.from_regex(r"[a-zM-W*0-9 ,:./~-]{0,30}", fullmatch=True)


@pytest.mark.parametrize(
    ("expression", "times"),
    [
        ("*-*-* 02:00:00", 1),
        ("daily", 1),
        ("*-*-* 08,14,20:00:00", 3),
        ("*-*-* *:00:00", 24),
        ("*-*-* 0/6:00:00", 4),
        ("*-*-* 8..11:30", 4),
        (WEEKLY, 1 / 7),
        ("Mon..Fri *-*-* 20:00:00", 5 / 7),
        ("Mon,Thu 02:00", 2 / 7),
        ("Sat..Mon 02:00", 3 / 7),
        ("*-*-01,15 02:00:00", 2 / 30),
        ("weekly", 1 / 7),
    ],
)
def test_a_calendar_expression_is_counted(expression: str, times: float) -> None:
    assert runs_per_day(expression) == pytest.approx(times)


@given(EXPRESSIONS)
def test_an_expression_that_nobody_foresaw_still_counts_as_something(expression: str) -> None:
    assert 0 < runs_per_day(expression) <= 24


@pytest.mark.parametrize(
    ("expressions", "pause"),
    [
        (["*-*-* 02:00:00"], DAY),
        (["hourly"], HOUR),
        (["*-*-* 08,14,20:00:00"], 12 * HOUR),
        (["Mon..Fri *-*-* 20:00:00"], 3 * DAY),
        (["Mon,Thu 02:00"], 4 * DAY),
        ([WEEKLY], 7 * DAY),
        (["Monday 02:00"], 7 * DAY),
        (["*-*-01,15 02:00:00"], 17 * DAY),
        (["monthly"], 31 * DAY),
        (["quarterly"], 92 * DAY),
        (["*-*-31 02:00"], 61 * DAY),
        ([WEEKLY, "Mon..Sat *-*-* 02:00:00"], DAY),
        ([WEEKLY, "Wed 02:00"], 4 * DAY),
        (["*-*-* 02:00:00", "*-*-* 08,14,20:00:00"], 6 * HOUR),
    ],
)
def test_the_longest_pause_is_that_between_two_neighbours(
    expressions: list[str], pause: timedelta
) -> None:
    assert longest_pause(*expressions) == pause


@given(EXPRESSIONS, EXPRESSIONS)
def test_one_more_schedule_never_makes_the_pause_longer(one: str, other: str) -> None:
    both = longest_pause(one, other)
    assert HOUR <= both <= min(longest_pause(one), longest_pause(other))
