"""What people type is one moment, or it is refused with what it may have meant."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Literal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labdb.domain.recovery.target import (
    IMMEDIATE,
    LATEST,
    RecoveryTarget,
    lsn_bytes,
    parse,
    written,
)
from labdb.errors import UsageError

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
ZONES = {"the server": UTC, "this machine": BERLIN}

Typed = Literal["time", "xid", "lsn", "name"]


def _at(text: str) -> str:
    return parse("time", text, now=NOW, zones=ZONES).value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-11-25 08:12:57+00:00", "2026-11-25 08:12:57+00"),
        ("2026-11-25T08:12:57Z", "2026-11-25 08:12:57+00"),
        ("2026-11-25 08:12 UTC", "2026-11-25 08:12:00+00"),
        ("2026-11-25 08:12:57.25+00", "2026-11-25 08:12:57.250000+00"),
        ("2026-11-25 09:12 Europe/Berlin", "2026-11-25 08:12:00+00"),
        ("2026-11-25 03:12 -0500", "2026-11-25 08:12:00+00"),
        ("  2026-11-25 13:42+05:30 ", "2026-11-25 08:12:00+00"),
        ("20 min ago", "2026-11-25 11:40:00+00"),
        ("90s ago", "2026-11-25 11:58:30+00"),
        ("2 hours ago", "2026-11-25 10:00:00+00"),
        ("1 day ago", "2026-11-24 12:00:00+00"),
    ],
)
def test_a_time_with_a_zone_is_one_moment(text: str, value: str) -> None:
    assert _at(text) == value


def test_a_time_without_a_zone_is_refused_with_both_readings() -> None:
    with pytest.raises(UsageError, match="has no zone") as caught:
        _at("2026-11-25 08:12")
    assert "2026-11-25 08:12:00+00:00 by the clock of the server" in caught.value.why
    assert "2026-11-25 08:12:00+01:00 by the clock of this machine" in caught.value.why


def test_the_hour_that_comes_twice_is_refused_with_both_of_its_moments() -> None:
    with pytest.raises(UsageError, match="was twice") as caught:
        _at("2026-10-25 02:30 Europe/Berlin")
    assert "2026-10-25 02:30:00+02:00" in caught.value.why
    assert "2026-10-25 02:30:00+01:00" in caught.value.why


def test_without_a_zone_the_hour_that_comes_twice_has_three_readings() -> None:
    with pytest.raises(UsageError) as caught:
        _at("2026-10-25 02:30")
    assert caught.value.why.count("by the clock of") == 3


def test_the_hour_that_clocks_left_out_never_was() -> None:
    with pytest.raises(UsageError, match="never was"):
        _at("2026-03-29 02:30 Europe/Berlin")


def test_the_future_cannot_be_restored() -> None:
    with pytest.raises(UsageError, match="in the future") as caught:
        _at("2026-11-25 12:00:01Z")
    assert "2026-11-25 12:00:00+00" in caught.value.why
    assert _at("2026-11-25 12:00:00Z") == "2026-11-25 12:00:00+00"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "08:12",
        "2026-11-25",
        "2026-02-30 08:12Z",
        "2026-11-25 25:12Z",
        "2026-11-25 08:12 CET",
        "2026-11-25 08:12 Europe/Nowhere",
        "2026-11-25 08:12 ../../etc/localtime",
        "2026-11-25 08:12+25:00",
        "0001-01-01 00:00+14:00",
        "3 decades ago",
        "20 months ago",
        "-5 min ago",
    ],
)
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        _at(text)
    assert "Europe/Berlin" in caught.value.hint


OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
AGES = st.timedeltas(timedelta(0), timedelta(days=20000))
PAST = st.builds(lambda age, offset: (NOW - age).astimezone(offset), AGES, OFFSETS)


@given(PAST)
def test_whatever_is_written_with_its_offset_is_read_as_the_same_moment(moment: datetime) -> None:
    for text in (moment.isoformat(), moment.isoformat(sep=" "), written(moment)):
        assert parse("time", text, now=NOW, zones={}).moment == moment


@given(st.text(max_size=40))
def test_nothing_that_can_be_typed_is_a_crash(text: str) -> None:
    kinds: tuple[Typed, ...] = ("time", "xid", "lsn", "name")
    for kind in kinds:
        found = None
        with suppress(UsageError):
            found = parse(kind, text, now=NOW, zones=ZONES)
        if found is not None:
            assert found.kind == kind
            # It goes into a command line, a unit and a configuration file.
            assert not set(found.value) & set("'\"\\$%\n")


@pytest.mark.parametrize("text", ["", "2", "-7", "1.5", "0x10", "two", str(1 << 64), "٣٣٣"])
def test_what_is_no_transaction_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="transaction"):
        parse("xid", text, now=NOW, zones=ZONES)


@pytest.mark.parametrize("text", ["", "3000060", "0/", "0/G", "0/123456789", "0/1/2"])
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="position"):
        parse("lsn", text, now=NOW, zones=ZONES)


@pytest.mark.parametrize("text", ["", " x", "x ", "it's", 'a"b', "a$b", "100%", "a\nb", "x" * 64])
def test_a_name_that_would_have_to_be_quoted_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="restore point"):
        parse("name", text, now=NOW, zones=ZONES)


def test_positions_count_from_the_beginning_of_the_wal() -> None:
    target = parse("lsn", " 1/ab ", now=NOW, zones=ZONES)
    assert (target.value, target.position) == ("1/AB", (1 << 32) + 0xAB)
    assert lsn_bytes("0/0") == 0


@pytest.mark.parametrize(
    ("target", "options", "text"),
    [
        (LATEST, ("--type=default",), "the end of the archive"),
        (
            IMMEDIATE,
            ("--type=immediate", "--target-action=promote"),
            "the end of the backup",
        ),
        (
            RecoveryTarget("time", "2026-11-25 08:12:57+00"),
            ("--type=time", "--target=2026-11-25 08:12:57+00", "--target-action=promote"),
            "2026-11-25 08:12:57+00",
        ),
        (
            RecoveryTarget("xid", "757", exclusive=True),
            ("--type=xid", "--target=757", "--target-exclusive", "--target-action=promote"),
            "transaction 757, without it",
        ),
        (
            RecoveryTarget("name", "before release 7"),
            ("--type=name", "--target=before release 7", "--target-action=promote"),
            "restore point before release 7",
        ),
    ],
)
def test_a_target_is_told_to_pgbackrest_and_to_people(
    target: RecoveryTarget, options: tuple[str, ...], text: str
) -> None:
    assert target.options == options
    assert str(target) == text


def test_only_a_transaction_can_be_left_out() -> None:
    assert parse("xid", "757", now=NOW, zones={}, exclusive=True).exclusive
    for kind in ("name", "latest", "immediate"):
        with pytest.raises(UsageError, match="left out"):
            parse(kind, "x", now=NOW, zones={}, exclusive=True)
