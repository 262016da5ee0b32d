"""Local time is told with the rules of its zone, whatever the present offset is."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from labdb.adapters.clock import LocalZone, now


@pytest.fixture(autouse=True)
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(("month", "hours"), [(1, 1), (7, 2)])
def test_summer_and_winter_have_their_own_offset(month: int, hours: int) -> None:
    noon = datetime(2026, month, 1, 12, tzinfo=LocalZone())
    assert noon.utcoffset() == timedelta(hours=hours)
    assert noon.astimezone(UTC) == datetime(2026, month, 1, 12 - hours, tzinfo=UTC)
    assert datetime(2026, month, 1, 12, tzinfo=UTC).astimezone(LocalZone()).hour == 12 + hours


def test_the_hour_that_comes_twice_has_two_offsets() -> None:
    first = datetime(2026, 10, 25, 2, 30, tzinfo=LocalZone())
    assert first.utcoffset() == timedelta(hours=2)
    assert first.replace(fold=1).utcoffset() == timedelta(hours=1)


def test_the_zone_has_a_name_and_the_present_a_zone() -> None:
    assert datetime(2026, 7, 1, tzinfo=LocalZone()).tzname() == "CEST"
    assert now().tzinfo is UTC
