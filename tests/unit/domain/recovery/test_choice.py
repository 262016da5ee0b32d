"""The newest set before the target is taken, or the operator hears what is possible."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labdb.domain.recovery.choice import (
    Choice,
    Repository,
    choose,
    repository,
    unreadable,
)
from labdb.domain.recovery.clock import Point
from labdb.domain.recovery.destination import space
from labdb.domain.recovery.space import WAL_ROOM, must_fit
from labdb.domain.recovery.target import IMMEDIATE, LATEST, RecoveryTarget, written
from labdb.errors import RefusedError, UnreachableError

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
BEGIN = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)
GB = 1 << 30


def _segment(number: int, timeline: int = 1) -> str:
    return f"{timeline:08X}{number // 256:08X}{number % 256:08X}"


def _backup(
    day: float,
    *,
    ahead: float = 0,
    key: int = 1,
    cluster: int = 1,
    error: bool = False,
) -> dict[str, Any]:
    """What ``info`` says of a backup that ended so many days after the first.

    The server's clock was so many days *ahead* then.
    """
    stop = BEGIN + timedelta(days=day + ahead)
    number = 10 + round(day * 100)
    return {
        "label": f"{stop:%Y%m%d-%H%M%S}F",
        "type": "full",
        "error": error,
        "archive": {"start": _segment(number), "stop": _segment(number + 1)},
        "lsn": {"start": f"0/{number << 24:X}", "stop": f"0/{(number << 24) + 0x138:X}"},
        "timestamp": {"start": int(stop.timestamp()) - 60, "stop": int(stop.timestamp())},
        "info": {"size": 7 * GB, "delta": GB, "repository": {"delta": GB}},
        "database": {"id": cluster, "repo-key": key},
    }


def _info(*backups: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    return [
        {
            "name": "proj-pg01",
            "backup": list(backups),
            "archive": [
                {
                    "id": "16-1",
                    "database": {"id": 1, "repo-key": key},
                    "min": _segment(5),
                    "max": _segment(3000),
                }
                for key in (1, 2)
            ],
            "db": [{"id": 1, "repo-key": key, "system-id": 7, "version": "16"} for key in (1, 2)],
        }
        | more
    ]


THREE = _info(_backup(0), _backup(7), _backup(14))


def _at(day: float, seconds: float = 0) -> RecoveryTarget:
    return RecoveryTarget("time", written(BEGIN + timedelta(days=day, seconds=seconds)))


def _choose(info: list[dict[str, Any]], target: RecoveryTarget, **how: Any) -> Choice:
    return choose(repository(info), target, now=NOW, **how)


@pytest.mark.parametrize(
    ("target", "label"),
    [
        (_at(6.9), "20261101-020000F"),
        (_at(7), "20261101-020000F"),
        (_at(7, 0.9), "20261101-020000F"),
        (_at(7, 1), "20261108-020000F"),
        (_at(20), "20261115-020000F"),
        (LATEST, "20261115-020000F"),
        (IMMEDIATE, "20261115-020000F"),
        (RecoveryTarget("xid", "757"), "20261115-020000F"),
        (RecoveryTarget("name", "before"), "20261115-020000F"),
        (RecoveryTarget("lsn", f"0/{(710 << 24) + 0x137:X}"), "20261101-020000F"),
        (RecoveryTarget("lsn", f"0/{(710 << 24) + 0x138:X}"), "20261108-020000F"),
    ],
)
def test_the_newest_set_that_was_whole_before_the_target_is_taken(
    target: RecoveryTarget, label: str
) -> None:
    assert _choose(THREE, target).set.label == label


def test_the_wal_goes_from_the_set_to_the_end_of_the_archive() -> None:
    found = _choose(THREE, _at(7.5))
    assert (found.wal_first, found.wal_last) == (_segment(710), _segment(3000))
    assert found.segments == 3000 - 710 + 1
    assert found.needed == 7 * GB + WAL_ROOM


def test_the_end_of_a_backup_needs_its_own_wal_alone() -> None:
    found = _choose(THREE, IMMEDIATE)
    assert (found.wal_last, found.segments) == (_segment(1411), 2)


def test_a_target_before_the_oldest_set_is_refused_with_what_is_possible() -> None:
    with pytest.raises(RefusedError, match="before the oldest") as caught:
        _choose(THREE, _at(-0.5))
    assert "2026-11-01 02:00:01+00 to 2026-11-25 12:00:00+00" in caught.value.why


def test_a_position_before_the_oldest_set_is_refused() -> None:
    with pytest.raises(RefusedError, match="before the oldest"):
        _choose(THREE, RecoveryTarget("lsn", "0/1"))


def test_what_the_servers_clock_has_not_seen_is_refused() -> None:
    with pytest.raises(RefusedError, match="future"):
        _choose(THREE, _at(30))


def test_an_older_set_can_be_asked_for() -> None:
    assert _choose(THREE, LATEST, label="20261101-020000F").set.label == "20261101-020000F"


def test_a_set_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(RefusedError, match="no backup set 20260101-000000F") as caught:
        _choose(THREE, LATEST, label="20260101-000000F")
    assert "20261108-020000F" in caught.value.why


def test_a_set_that_ended_after_the_target_is_refused() -> None:
    with pytest.raises(RefusedError, match="end of backup set 20261115-020000F"):
        _choose(THREE, _at(8), label="20261115-020000F")


def test_only_the_time_of_a_transaction_or_a_name_is_unknown() -> None:
    assert _choose(THREE, _at(8)).is_certain
    assert not _choose(THREE, RecoveryTarget("xid", "757")).is_certain
    assert not _choose(THREE, RecoveryTarget("name", "before")).is_certain


def test_the_repository_can_be_asked_for() -> None:
    both = _info(_backup(0), _backup(7, key=2))
    assert _choose(both, LATEST).set.repository == 2
    assert _choose(both, LATEST, number=1).set.repository == 1
    with pytest.raises(RefusedError, match="repository 3"):
        _choose(both, LATEST, number=3)


def test_damaged_sets_and_those_of_an_older_cluster_are_not_taken() -> None:
    clusters = [
        {"id": number, "repo-key": 1, "system-id": number, "version": "16"} for number in (1, 2)
    ]
    archive = [
        {
            "id": f"16-{number}",
            "database": {"id": number, "repo-key": 1},
            "min": _segment(5),
            "max": _segment(9000),
        }
        for number in (1, 2)
    ]
    upgraded = _info(
        _backup(0, cluster=2),
        _backup(7, cluster=2, error=True),
        _backup(14, cluster=1),
        db=clusters,
        archive=archive,
    )
    assert _choose(upgraded, LATEST).set.label == "20261101-020000F"


@pytest.mark.parametrize("info", [[], _info(), _info(_backup(0, error=True))])
def test_without_a_whole_set_nothing_can_be_restored(info: list[dict[str, Any]]) -> None:
    with pytest.raises(RefusedError, match="no backup set"):
        _choose(info, LATEST)


def test_a_set_whose_wal_is_gone_is_refused() -> None:
    gone = _info(_backup(0))
    gone[0]["archive"][0]["min"] = _segment(11)
    with pytest.raises(RefusedError, match="not in the archive"):
        _choose(gone, LATEST)
    gone[0]["archive"][0] |= {"min": None, "max": None}
    with pytest.raises(RefusedError, match="nothing"):
        _choose(gone, LATEST)


def test_segments_are_counted_over_the_end_of_a_log_and_over_timelines() -> None:
    info = _info(_backup(0))
    info[0]["archive"][0]["max"] = _segment(10 + 300, timeline=2)
    assert _choose(info, LATEST).segments == 301


AHEAD = _info(_backup(0), _backup(7, ahead=5), _backup(9), _backup(14))
"""The clock ran ahead, some time between the first set and the second, and was put right."""


@pytest.mark.parametrize(
    ("day", "label"), [(-0.1 + 7, None), (0.5, None), (12.5, None), (14.5, "20261115-020000F")]
)
def test_a_time_near_a_jump_of_the_clock_is_refused_and_others_are_not(
    day: float, label: str | None
) -> None:
    if label:
        assert _choose(AHEAD, _at(day)).set.label == label
    else:
        with pytest.raises(RefusedError, match="may have come twice"):
            _choose(AHEAD, _at(day))


def test_a_time_that_came_twice_is_refused_with_reason_and_ways_out() -> None:
    with pytest.raises(RefusedError, match="came twice on this server") as caught:
        _choose(AHEAD, _at(10))
    assert caught.value.what.startswith("2026-11-11 02:00:00+00 came twice")
    assert caught.value.why == (
        "its clock went back, from 2026-11-13 02:00:00+00 at LSN 2/C6000138 "
        "to 2026-11-10 01:59:00+00 at LSN 3/8E000000 or further"
    )
    assert caught.value.hint == (
        "take --name, or --lsn: the first time lies before LSN 2/C6000138, the second behind "
        "LSN 3/8E000000; or --set 20261110-020000F for the second"
    )


def test_a_set_behind_the_jump_means_the_second_time_and_one_before_it_does_not() -> None:
    found = _choose(AHEAD, _at(10), label="20261110-020000F")
    assert (found.set.label, found.crossed) == ("20261110-020000F", ())
    with pytest.raises(RefusedError, match="came twice"):
        _choose(AHEAD, _at(10), label="20261101-020000F")


def test_sets_that_end_in_the_future_make_the_present_doubtful_and_nothing_else() -> None:
    ahead = _info(_backup(0), _backup(7), _backup(23, ahead=30))
    with pytest.raises(RefusedError, match="may have come twice") as caught:
        _choose(ahead, _at(24))
    assert "at the end of the WAL" in caught.value.why
    assert _choose(ahead, _at(6.5)).set.label == "20261101-020000F"
    latest = _choose(ahead, LATEST)
    assert latest.set.label == "20261224-020000F"
    assert [str(jump.after) for jump in latest.crossed] == ["the end of the WAL"]


def test_a_record_tells_of_the_clock_too() -> None:
    ahead = Point(1, (1000 << 24), BEGIN + timedelta(days=20))
    with pytest.raises(RefusedError, match="came twice"):
        choose(repository(THREE, [ahead]), _at(18), now=NOW)
    assert choose(repository(THREE), _at(18), now=NOW).jumps == ()


def test_the_newest_set_is_the_one_that_the_wal_has_last() -> None:
    assert _choose(_info(_backup(7, ahead=5), _backup(9)), LATEST).set.label == "20261110-020000F"


@given(
    st.lists(st.integers(0, 20), min_size=1, max_size=8),
    st.sets(st.integers(0, 7), min_size=1),
    st.integers(-1, 21),
)
def test_a_time_that_is_served_is_one_moment_of_the_wal(
    days: list[int], sets: set[int], day: int
) -> None:
    """Whatever the clock did: of all that was committed, what is restored is what has its time."""
    history = [BEGIN + timedelta(days=shown) for shown in days]
    there = repository(
        _info(*(_backup(at, ahead=days[at] - at) for at in sets if at < len(days))),
        (Point(1, ((10 + at * 100) << 24) + 0x138, moment) for at, moment in enumerate(history)),
    )
    target = _at(day + 0.5)
    try:
        chosen = choose(there, target, now=BEGIN + timedelta(days=30)).set
    except RefusedError:
        return
    after = (chosen.stop_lsn >> 24) // 100
    # As PostgreSQL does: up to the first commit with a later timestamp.
    restored = [
        at
        for at in range(len(history))
        if all(moment <= target.moment for moment in history[after + 1 : at + 1])
    ]
    assert restored == [at for at, moment in enumerate(history) if moment <= target.moment]


DAYS = st.lists(st.integers(0, 20), min_size=1, max_size=8, unique=True)


@given(DAYS, st.floats(-2, 23, allow_nan=False))
def test_no_set_is_newer_and_reaches_the_target_too(days: list[int], day: float) -> None:
    there: Repository = repository(_info(*map(_backup, days)))
    target = _at(day)
    reaching = [item for item in there.sets if item.stop < target.moment.replace(microsecond=0)]
    if not reaching:
        with pytest.raises(RefusedError):
            choose(there, target, now=NOW)
    else:
        assert choose(there, target, now=NOW).set == reaching[-1]


def test_a_restore_may_not_make_the_disk_of_the_running_server_critically_full() -> None:
    disk = space(free=30 * GB, size=250 * GB)
    must_fit(5 * GB, disk)
    with pytest.raises(RefusedError, match="too little space") as caught:
        must_fit(6 * GB, disk)
    assert "30.0 GB are free" in caught.value.why
    with pytest.raises(RefusedError):
        must_fit(1, space(free=GB, size=250 * GB))


def test_a_repository_that_cannot_be_read_is_not_called_empty() -> None:
    said = "[FormatError] unable to load info file\nFormatError: J\x00X}dS\ufffd"
    status = {"key": 1, "status": {"code": 99, "message": said}}
    with pytest.raises(UnreachableError, match="repository 1 cannot be read") as caught:
        choose(repository(_info(repo=[status])), LATEST, now=NOW)
    assert caught.value.why == "[FormatError] unable to load info file"
    assert "passphrase" in caught.value.hint
    # Another one that is read is empty, whatever is wrong with the first.
    with pytest.raises(RefusedError, match="no backup"):
        choose(repository(_info(repo=[status])), LATEST, now=NOW, number=2)


def test_an_object_store_is_quoted_with_the_reason_that_it_gives() -> None:
    said = (
        "[ProtocolError] HTTP request failed with 403 (Forbidden):\n*** Request Headers ***:\n"
        "authorization: <redacted>\n*** Response Content ***:\n"
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        "<Error><Code>SignatureDoesNotMatch</Code><Message>Check your key.</Message></Error>"
    )
    assert unreadable(_info(repo=[{"key": 2, "status": {"code": 99, "message": said}}])) == {
        2: "[ProtocolError] HTTP request failed with 403 (Forbidden): SignatureDoesNotMatch"
    }
