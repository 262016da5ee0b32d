"""A segment that is not in the archive is named before anything is restored."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from labdb.domain.recovery.archive import archive_folder, lost, lost_wal, missing, numbers
from labdb.domain.recovery.choice import Repository, RestorableSet


def _name(number: int, timeline: int = 1) -> str:
    return f"{timeline:08X}{number // 256:08X}{number % 256:08X}"


def _held(*starts: int, last: int) -> Repository:
    """A repository whose sets began at the segments *starts*, and its archive up to *last*."""
    sets = tuple(
        RestorableSet(
            f"202611{22 + day}-020000F", "full", datetime(2026, 11, 22 + day, tzinfo=UTC), 0,
            _name(start), _name(start), 1, 1,
        )
        for day, start in enumerate(starts)
    )  # fmt: skip
    return Repository(sets, {1: (_name(starts[0]), _name(last))})


@given(st.integers(0, 1000), st.integers(0, 600), st.data())
def test_exactly_what_was_taken_out_is_missing(first: int, count: int, data: st.DataObject) -> None:
    whole = range(first, first + count + 1)
    gone = data.draw(st.sets(st.sampled_from(whole)))
    there = [number for number in whole if number not in gone]
    names = tuple(_name(number) for number in sorted(gone))
    assert missing(there, _name(first), _name(first + count)) == names


def test_a_missing_segment_is_named_on_the_timeline_that_is_replayed() -> None:
    assert missing([1], _name(1), _name(2, timeline=2)) == (_name(2, timeline=2),)


@given(st.sets(st.integers(1, 30)), st.integers(1, 31))
def test_what_still_waits_is_not_lost(gone: set[int], waiting: int) -> None:
    there = set(range(1, 31)) - gone
    found = lost(_held(1, last=30), 1, there, waiting=_name(waiting))
    assert bool(found) == any(number < waiting for number in gone)


def test_a_gap_after_the_newest_set_is_worse_than_one_before_it() -> None:
    held = _held(1, 10, last=20)
    before, after = ({*range(1, 21)} - {number} for number in (5, 15))
    assert [item.severity for item in lost(held, 1, before)] == ["warning"]
    assert [item.severity for item in lost(held, 1, after)] == ["critical"]
    assert "labdb backup run --kind full --repository 1" in lost(held, 1, after)[0].hint
    assert lost(held, 1, {*range(1, 21)}) == ()


def test_an_archive_that_cannot_be_listed_is_told_and_not_called_lost() -> None:
    (found,) = lost_wal([], {"2": {"error": "unable to list"}}, waiting=None)
    assert (found.severity, found.why) == ("warning", "unable to list")


def test_partial_segments_histories_and_backup_labels_are_no_segments() -> None:
    good = "16-1/0000000100000000/000000010000000000000002-" + "a" * 40 + ".zst"
    others = [
        "16-1/0000000100000000/000000010000000000000003.partial-" + "a" * 40 + ".zst",
        "16-1/00000002.history",
        "16-1/0000000100000000/000000010000000000000002.00000028.backup",
        "archive.info",
    ]
    assert numbers([good, *others]) == {2}
    assert numbers([good.removesuffix(".zst")]) == {2}


def test_the_folder_is_the_newest_cluster_s_in_the_repository_that_is_asked() -> None:
    info = [
        {
            "archive": [
                {"id": "15-1", "database": {"id": 1, "repo-key": 1}},
                {"id": "16-2", "database": {"id": 2, "repo-key": 1}},
                {"id": "16-3", "database": {"id": 3, "repo-key": 2}},
            ]
        }
    ]
    assert archive_folder(info, 1) == "16-2"
    assert archive_folder(info, 2) == "16-3"
    assert archive_folder(info, 3) == archive_folder([], 1) == ""
