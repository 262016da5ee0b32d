"""Parts that are made beforehand come in order, and errors in their place."""

import threading
import time
from collections.abc import Iterator

import pytest

from labdb.adapters.catalogue.ahead import ahead


def test_parts_come_in_order() -> None:
    assert list(ahead(iter(range(100)))) == list(range(100))


def test_no_more_are_made_than_are_allowed() -> None:
    made: list[int] = []

    def parts() -> Iterator[int]:
        for number in range(50):
            made.append(number)
            yield number

    stream = ahead(parts(), depth=3)
    next(stream)
    time.sleep(0.1)
    assert len(made) <= 6
    stream.close()


def test_an_error_is_raised_where_the_parts_are_used() -> None:
    def parts() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    stream = ahead(parts())
    assert next(stream) == 1
    with pytest.raises(ValueError, match="broken"):
        next(stream)


def test_the_thread_ends_when_the_parts_are_not_wanted_any_more() -> None:
    before = threading.active_count()
    stream = ahead(iter(range(10_000)), depth=2)
    next(stream)
    stream.close()
    assert threading.active_count() == before


def test_what_was_made_and_is_not_wanted_any_more_is_dropped() -> None:
    made: list[int] = []
    dropped: list[int] = []

    def parts() -> Iterator[int]:
        for number in range(50):
            made.append(number)
            yield number

    stream = ahead(parts(), depth=2, drop=dropped.append)
    used = [next(stream), next(stream)]
    stream.close()
    assert used + dropped == made
