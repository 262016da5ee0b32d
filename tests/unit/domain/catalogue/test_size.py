"""The bytes of a table, as formulas: what they promise, and worked examples by hand."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labdb.adapters.catalogue import models
from labdb.domain.catalogue.growth import Asked, plan
from labdb.domain.catalogue.kind import Kind
from labdb.domain.catalogue.row_count import row_count
from labdb.domain.catalogue.size import brin, btree, table_size
from labdb.domain.catalogue.table import Column, Table
from labdb.domain.catalogue.wal import indexes_wal, rows_wal
from labdb.domain.tuning import Inputs
from labdb.domain.tuning.inputs import Load, Machine
from labdb.spec import WorkloadKind

GB = 1 << 30
PLAIN = models.load("positions").tables[0]
NUMBERS = (Kind.BOOLEAN, Kind.SHORT, Kind.INT, Kind.LONG, Kind.FLOAT, Kind.DOUBLE)
ROWS = st.integers(0, 10**9)
COLUMN = st.one_of(
    st.sampled_from(NUMBERS).map(lambda kind: Column("c", kind)),
    st.integers(1, 400).map(lambda length: Column("c", Kind.FLOAT, length=length)),
    st.integers(1, 3000).map(lambda most: Column("c", Kind.TEXT, letters=most)),
)
COLUMNS = st.lists(COLUMN, min_size=1, max_size=40)


def table(columns: list[Column]) -> Table:
    named = tuple(replace(one, name=f"c{number}") for number, one in enumerate(columns))
    return replace(PLAIN, columns=named, key=("c0",), position=None, indexes=())


def payload(columns: list[Column]) -> int:
    """Bytes of the values alone, without any header, alignment or length."""
    sizes = {Kind.BOOLEAN: 1, Kind.SHORT: 2, Kind.INT: 4, Kind.FLOAT: 4}
    return sum((one.letters or sizes.get(one.kind, 8)) * (one.length or 1) for one in columns)


def test_a_row_of_known_columns_has_the_bytes_that_the_documentation_counts() -> None:
    # 24 of header; boolean 1, 3 of padding, integer 4, double 8.
    size = table_size(table([Column("a", Kind.BOOLEAN), Column("b", Kind.INT),
                             Column("c", Kind.DOUBLE)]), 1000)  # fmt: skip
    assert size.row == 40
    assert size.heap == 8192 * 6  # 8168 / (40 + 4) = 185 rows in a page
    # A boolean last needs no padding, and the row is rounded up.
    assert table_size(table([Column("a", Kind.DOUBLE), Column("b", Kind.BOOLEAN)]), 1).row == 33


def test_a_short_text_is_not_aligned_and_a_long_one_is() -> None:
    short = table([Column("a", Kind.BOOLEAN), Column("b", Kind.TEXT, letters=126)])
    long = table([Column("a", Kind.BOOLEAN), Column("b", Kind.TEXT, letters=127)])
    assert table_size(short, 1).row == 24 + 1 + 127
    assert table_size(long, 1).row == 24 + 4 + 131


def test_a_text_that_is_seldom_long_counts_as_it_usually_is() -> None:
    declared = Column("a", Kind.TEXT, letters=64)
    assert table_size(table([declared]), 1).row == 24 + 65
    assert table_size(table([replace(declared, usual_letters=11)]), 1).row == 24 + 12


def test_a_column_that_is_null_in_all_rows_costs_a_bitmap_only() -> None:
    columns = [Column("a", Kind.LONG) for _ in range(9)]
    whole = table_size(table(columns), 1)
    without = table_size(table(columns), 1, absent=["c8"])
    assert (whole.row, without.row) == (24 + 72, 32 + 64)


def test_a_btree_of_numbers_has_366_entries_in_a_page() -> None:
    assert btree(366, 8) == 2 * 8192  # one page, and the one that describes the index
    assert btree(3660, 8) == (1 + 10 + 1) * 8192
    # Dozens of rows to a key: their addresses alone, six bytes each.
    assert btree(1_000_000, 8, 100) < btree(1_000_000, 8) / 2.5


def test_brin_is_small() -> None:
    assert brin(GB, 8) == 6 * 8192  # 1024 ranges, 291 of them in a page, and two pages of maps


def test_long_values_are_moved_out_of_the_row() -> None:
    wide = table_size(table([Column("a", Kind.LONG), Column("b", Kind.DOUBLE, length=600)]), 100)
    assert wide.row == 24 + 8 + 18
    assert wide.toast >= 100 * 600 * 8
    kept = table_size(table([Column("a", Kind.LONG), Column("b", Kind.DOUBLE, length=200)]), 100)
    assert kept.toast == 0


def test_a_row_that_no_page_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="more than fit into a page"):
        table_size(table([Column("a", Kind.DOUBLE)] * 1100), 1)


@given(COLUMNS, ROWS, ROWS)
def test_more_rows_never_take_less(columns: list[Column], one: int, other: int) -> None:
    few, many = (table_size(table(columns), rows) for rows in sorted((one, other)))
    assert few.heap <= many.heap
    assert few.table <= many.table
    assert few.index <= many.index
    assert rows_wal(few) <= rows_wal(many)
    assert indexes_wal(few) <= indexes_wal(many)


@given(COLUMNS, COLUMN, st.integers(1, 10**9))
def test_one_more_column_never_takes_less(columns: list[Column], more: Column, rows: int) -> None:
    before = table_size(table(columns), rows)
    after = table_size(table([*columns, more]), rows)
    assert after.total >= before.total or after.toast > before.toast
    assert after.payload > before.payload


@given(COLUMNS, st.integers(1, 10**9))
def test_a_table_never_takes_less_than_its_values(columns: list[Column], rows: int) -> None:
    size = table_size(table(columns), rows)
    assert size.table >= rows * payload(columns)
    assert rows_wal(size) >= rows * payload(columns)


@given(st.integers(0, 10**9), st.integers(1, 200), st.floats(1, 10**5))
def test_a_btree_never_takes_less_than_its_addresses(rows: int, width: int, per: float) -> None:
    assert btree(rows, width, per) >= rows * 6
    assert btree(rows, width, per) <= btree(rows, width) * 1.01 + 8192


@pytest.mark.parametrize(
    ("text", "rows"),
    [("6445927", 6_445_927), ("6,445,927", 6_445_927), ("6_445_927", 6_445_927),
     ("6.4M", 6_400_000), ("1k", 1000), ("0.5G", 500_000_000)],
)  # fmt: skip
def test_numbers_of_rows_are_read_as_people_write_them(text: str, rows: int) -> None:
    assert row_count(text) == rows


@pytest.mark.parametrize(
    "text",
    ["", "-1", "0", "0.0M", "1.5", "1.2345k", "many", "6.4m", "1e6", "12,34", "2000G", "nan"],
)
def test_what_is_no_number_of_rows_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="rows"):
        row_count(text)


def inputs(disk: int, backup: int | None = None) -> Inputs:
    return Inputs(Machine(8, 8 * GB, disk, backup_disk=backup),
                  Load(WorkloadKind.MIXED, 200, 4, 60 * GB))  # fmt: skip


def test_as_many_releases_fit_as_the_disk_has_room_for() -> None:
    asked = [Asked(models.load("fastspecfit").tables[0], "galaxies", 30_000_000)]
    found = plan(asked, inputs(250 * GB, 500 * GB))
    assert 1 < found.releases < 30
    assert found.budget.fits
    double = plan([replace(asked[0], rows=60_000_000)], inputs(250 * GB, 500 * GB))
    assert double.releases == found.releases // 2
    assert plan(asked, inputs(250 * GB)).releases < found.releases  # backups stand there too
    assert plan([replace(asked[0], rows=10**9)], inputs(250 * GB)).releases == 0


def test_a_sort_spills_once_its_memory_is_too_small() -> None:
    asked = Asked(models.load("fastspecfit").tables[0], "galaxies", 100_000)
    assert plan([asked], inputs(250 * GB)).temporary == 0
    many = plan([replace(asked, rows=100_000_000)], inputs(250 * GB))
    assert many.temporary == 100_000_000 * 20


def test_a_measured_rate_takes_the_place_of_the_usual_one() -> None:
    asked = Asked(models.load("agn_lines").tables[0], "lines", 1_000_000)
    usual = plan([asked], inputs(250 * GB)).seconds
    slow = plan([asked], inputs(250 * GB), rate=1000).seconds
    assert slow > 1000 > usual


def test_every_shipped_model_can_be_planned() -> None:
    for name in models.names():
        asked = [Asked(one, one.name, 1_000_000) for one in models.load(name).tables]
        found = plan(asked, inputs(250 * GB))
        assert found.size > 0
        assert found.full < found.size
        assert found.wal < 3 * found.size
