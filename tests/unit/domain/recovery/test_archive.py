"""A segment that is not in the archive is named before anything is restored."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from labdb.domain.recovery.archive import archive_folder, missing, segments
from labdb.domain.recovery.choice import Choice, RestorableSet
from labdb.domain.recovery.target import LATEST


def _name(number: int, timeline: int = 1) -> str:
    return f"{timeline:08X}{number // 256:08X}{number % 256:08X}"


def _choice(first: int, last: int, timeline: int = 1) -> Choice:
    chosen = RestorableSet(
        "20261122-020000F", "full", datetime(2026, 11, 22, tzinfo=UTC), 0,
        _name(first), _name(first), 1, 1,
    )  # fmt: skip
    return Choice(LATEST, chosen, _name(first), _name(last, timeline))


@given(st.integers(0, 1000), st.integers(0, 600), st.data())
def test_exactly_what_was_taken_out_is_missing(first: int, count: int, data: st.DataObject) -> None:
    whole = range(first, first + count + 1)
    gone = data.draw(st.sets(st.sampled_from(whole)))
    there = [_name(number) for number in whole if number not in gone]
    wanted = _choice(first, first + count)
    assert missing(there, wanted) == tuple(_name(number) for number in sorted(gone))


def test_a_segment_of_an_older_timeline_counts() -> None:
    there = [_name(1), _name(2), _name(3, timeline=2)]
    assert missing(there, _choice(1, 3, timeline=2)) == ()


def test_a_missing_segment_is_named_on_the_timeline_that_is_replayed() -> None:
    assert missing([_name(1)], _choice(1, 2, timeline=2)) == (_name(2, timeline=2),)


def test_partial_segments_histories_and_backup_labels_are_no_segments() -> None:
    good = "16-1/0000000100000000/000000010000000000000002-" + "a" * 40 + ".zst"
    others = [
        "16-1/0000000100000000/000000010000000000000003.partial-" + "a" * 40 + ".zst",
        "16-1/00000002.history",
        "16-1/0000000100000000/000000010000000000000002.00000028.backup",
        "archive.info",
    ]
    assert segments([good, *others]) == {_name(2)}
    assert segments([good.removesuffix(".zst")]) == {_name(2)}


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
