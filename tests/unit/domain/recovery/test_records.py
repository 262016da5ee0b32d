"""A record fits a set when a restore of the set can reach it, and was taken in stillness."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labdb.domain.recovery.choice import RestorableSet
from labdb.domain.recovery.records import FILES, Record, after, before, is_still, points

BEGIN = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


def _record(position: int) -> Record:
    return Record(
        f"labdb {position}", BEGIN + timedelta(seconds=position), position, "00000001", {}
    )


def _set(stop_lsn: int) -> RestorableSet:
    return RestorableSet("20261122-020000F", "full", BEGIN, stop_lsn, "", "", 1, 1)


@pytest.mark.parametrize(
    ("first", "others", "still"),
    [
        ("757:757:", ["757:757:", "757:757:"], True),
        ("757:757:", ["757:757:", "757:758:757"], False),
        ("757:758:757", ["757:758:757"], False),
        ("757:757:", ["758:758:"], False),
        ("757:757:", [], True),
    ],
)
def test_nothing_was_under_way_or_it_is_tried_again(
    first: str, others: list[str], still: bool
) -> None:
    assert is_still(first, others) is still


@given(st.sets(st.integers(0, 1000), max_size=20), st.integers(0, 1000))
def test_the_record_of_a_set_is_the_first_that_it_reaches(positions: set[int], stop: int) -> None:
    found = after([_record(position) for position in positions], _set(stop))
    later = [position for position in positions if position > stop]
    assert (found.position if found else None) == min(later, default=None)


@given(st.sets(st.integers(0, 1000), min_size=1, max_size=20))
def test_the_earlier_record_is_the_one_just_before(positions: set[int]) -> None:
    kept = [_record(position) for position in sorted(positions)]
    found = [before(kept, one) for one in kept]
    assert found == [None, *kept[:-1]]


def test_a_file_is_a_record() -> None:
    told = {
        "name": "labdb 2026-11-22 02:05:00.000001",
        "time": "2026-11-22T02:05:00.000001+00:00",
        "lsn": "1/10",
        "timeline": "00000001",
        "databases": {
            "desi": {
                "tables": [{"schema": "public", "table": "voids", "rows": 3, "hash": "7"}],
                "extensions": {"q3c": "2.0.1"},
            }
        },
    }
    record = Record.of(told)
    assert record.position == (1 << 32) + 16
    assert record.moment == BEGIN + timedelta(minutes=5, microseconds=1)
    assert record.databases["desi"].tables[0].rows == 3
    assert record.databases["desi"].extensions == {"q3c": "2.0.1"}


@given(
    st.integers(1, (1 << 32) - 1),
    st.integers(0, (1 << 64) - 1),
    st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  # their zone is given
)
def test_the_name_of_its_file_says_where_and_when(
    timeline: int, position: int, moment: datetime
) -> None:
    record = Record("labdb", moment, position, f"{timeline:08X}", {})
    assert fnmatchcase(record.file_name, FILES)
    (told,) = points([record.file_name])
    assert told == replace(record.point, moment=moment.replace(microsecond=0))


@given(st.lists(st.tuples(st.integers(1, 99), st.integers(0, 1 << 40)), max_size=20, unique=True))
def test_by_name_they_are_in_the_order_of_the_wal(places: list[tuple[int, int]]) -> None:
    """Whatever the clock showed: the newest are kept, and a clock that ran ahead keeps none."""
    records = [
        Record("labdb", BEGIN - timedelta(hours=number), place, f"{timeline:08X}", {})
        for number, (timeline, place) in enumerate(places)
    ]
    names = sorted(record.file_name for record in records)
    assert names == [record.file_name for record in sorted(records, key=lambda one: one.point)]


def test_files_of_other_names_tell_nothing() -> None:
    assert points(["20261122T020500Z.json", "00000001-0000000003000060-20261122T020500Z.x"]) == ()
