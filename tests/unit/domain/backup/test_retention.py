"""A set is kept as long as pgBackRest keeps it, and some full set always is."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from labdb.domain.backup.retention import expired, kept_until, would_expire
from labdb.domain.backup.sets import BackupSet, backup_sets

BEGIN = datetime(2026, 1, 1, 2, 0, tzinfo=UTC)


def _set(day: int, *, needs: int | None = None, repository: int = 1) -> BackupSet:
    """A set of that day: full, or differential on the full one of another day."""
    stop = BEGIN + timedelta(days=day)
    full = f"{BEGIN + timedelta(days=needs if needs is not None else day):%Y%m%d-%H%M%S}F"
    label = full if needs is None else f"{full}_{stop:%Y%m%d-%H%M%S}D"
    kind = "full" if needs is None else "diff"
    return BackupSet(label, kind, stop, stop, 1, 1, "", "", repository, full, damaged=False)


@given(
    st.sets(st.integers(0, 200), min_size=1, max_size=30), st.integers(1, 60), st.integers(0, 300)
)
def test_an_expiry_leaves_a_full_set_that_is_old_enough_where_there_was_one(
    days: set[int], retention: int, now: int
) -> None:
    full = [_set(day) for day in sorted(days) if day <= now]
    gone = would_expire(full, {1: retention}, BEGIN + timedelta(days=now))
    left = [day for day in sorted(days) if day <= now and _set(day).label not in gone]
    if full:
        assert left
    old = [day for day in days if day <= now - retention]
    if old:
        assert max(old) in left
        assert [day for day in left if day < max(old)] == []


def test_what_depends_on_a_full_set_goes_with_it() -> None:
    sets = [_set(0), _set(1, needs=0), _set(7), _set(8, needs=7)]
    ends = kept_until(sets, {1: 30})
    assert ends[1, sets[0].label] == ends[1, sets[1].label] == BEGIN + timedelta(days=37)
    assert ends[1, sets[2].label] is ends[1, sets[3].label] is None
    gone = would_expire(sets, {1: 30}, BEGIN + timedelta(days=40))
    assert gone == (sets[0].label, sets[1].label)


def test_repositories_are_kept_each_by_itself() -> None:
    sets = [_set(0), _set(7), _set(0, repository=2), _set(1, repository=2)]
    ends = kept_until(sets, {1: 30, 2: 90})
    assert ends[1, sets[0].label] == BEGIN + timedelta(days=37)
    assert ends[2, sets[0].label] == BEGIN + timedelta(days=91)
    assert ends[2, sets[3].label] is None
    assert set(kept_until(sets, {1: 30}).values()) == {None, BEGIN + timedelta(days=37)}
    assert kept_until([_set(1, needs=0)], {1: 30}) == {(1, _set(1, needs=0).label): None}


def test_the_words_of_an_expiry_are_read() -> None:
    said = """\
P00   INFO: [DRY-RUN] expire command begin 2.55.1: --stanza=proj-pg01
P00   INFO: repo1: expire time-based backup set 20260101-020000F, 20260101-020000F_20260102-020000D
P00   INFO: [DRY-RUN] repo1: remove expired backup 20260101-020000F_20260102-020000D
P00   INFO: [DRY-RUN] repo1: 16-1 remove archive, start = 000000010000000000000001, stop = 1
"""
    assert expired(said) == ("20260101-020000F", "20260101-020000F_20260102-020000D")
    assert expired("P00   INFO: repo1: time-based archive retention not met") == ()


def test_what_info_lists_are_sets_oldest_first() -> None:
    info = [
        {
            "backup": [
                {
                    "label": "20260108-020000F_20260109-020000D",
                    "type": "diff",
                    "error": None,
                    "archive": {"start": "A", "stop": "B"},
                    "timestamp": {"start": 1_767_924_000, "stop": 1_767_924_060},
                    "info": {"size": 7, "repository": {"delta": 2}},
                    "database": {"id": 1, "repo-key": 1},
                }
            ]
        }
    ]
    (found,) = backup_sets(info)
    assert (found.full, found.seconds, found.stored) == ("20260108-020000F", 60.0, 2)
    assert backup_sets([]) == ()
