"""Two servers differ in exactly the tables whose fingerprints differ."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from labdb.domain.recovery.fingerprint import (
    TableFingerprint,
    differences,
    fingerprints,
)

NUMBERS = st.dictionaries(
    st.sampled_from(["ra", "dec", "z"]), st.sampled_from([None, "0", "1.5", "NaN"])
)


@st.composite
def _tables(draw: st.DrawFn) -> TableFingerprint:
    sums = draw(NUMBERS)
    return TableFingerprint(
        draw(st.sampled_from(["public", "raw_catalogs"])),
        draw(st.sampled_from(["galaxies", "voids", "notes"])),
        draw(st.integers(0, 3)),
        str(draw(st.integers(-3, 3))),
        sums,
        draw(st.fixed_dictionaries({name: st.just("0") for name in sums})),
        draw(st.fixed_dictionaries({name: st.just("9") for name in sums})),
    )


SERVERS = st.lists(_tables(), unique_by=lambda table: table.name, max_size=6)


@given(SERVERS)
def test_a_server_does_not_differ_from_itself_in_whatever_order(
    tables: list[TableFingerprint],
) -> None:
    assert differences(tables, list(reversed(tables))) == ()


@given(SERVERS, SERVERS)
def test_a_table_is_named_exactly_when_its_fingerprint_is_not_the_same(
    restored: list[TableFingerprint], running: list[TableFingerprint]
) -> None:
    before, after = ({table.name: table for table in tables} for tables in (restored, running))
    found = differences(restored, running)
    assert {(item.schema, item.table) for item in found} == {
        name for name in before | after if before.get(name) != after.get(name)
    }
    for item in found:
        name = (item.schema, item.table)
        assert item.restored_rows == (before[name].rows if name in before else None)
        assert item.running_rows == (after[name].rows if name in after else None)


@given(SERVERS, SERVERS)
def test_seen_from_the_other_server_what_is_gone_is_new(
    restored: list[TableFingerprint], running: list[TableFingerprint]
) -> None:
    turned = {"gone": "new", "new": "gone", "changed": "changed"}
    there, back = differences(restored, running), differences(running, restored)
    assert [turned[item.kind] for item in there] == [item.kind for item in back]


GALAXIES = TableFingerprint("public", "galaxies", 2, "17", {"z": "3"}, {"z": "1"}, {"z": "2"})


def test_a_dropped_table_is_gone_and_says_how_many_rows_came_back() -> None:
    (found,) = differences([GALAXIES], [])
    assert (found.kind, found.restored_rows, found.running_rows) == ("gone", 2, None)


def test_a_changed_column_is_named() -> None:
    now = replace(GALAXIES, hash="18", maxima={"z": "7"})
    (found,) = differences([GALAXIES], [now])
    assert (found.kind, found.columns) == ("changed", ("z",))


def test_a_column_that_came_or_went_is_named() -> None:
    now = replace(
        GALAXIES,
        hash="18",
        sums={"z": "3", "ra": "1"},
        minima={"z": "1", "ra": "1"},
        maxima={"z": "2", "ra": "1"},
    )
    assert differences([GALAXIES], [now])[0].columns == ("ra",)
    assert differences([now], [GALAXIES])[0].columns == ("ra",)


def test_rows_whose_numbers_are_the_same_differ_by_their_hash_alone() -> None:
    (found,) = differences([GALAXIES], [replace(GALAXIES, hash="18")])
    assert (found.kind, found.columns) == ("changed", ())


def test_fingerprints_are_read_as_the_query_writes_them() -> None:
    row = {
        "schema": "public",
        "table": "galaxies",
        "rows": 2,
        "hash": "17",
        "sums": {"z": "3"},
        "minima": {"z": "1"},
        "maxima": {"z": "2"},
    }
    assert fingerprints([row]) == (GALAXIES,)
