"""A time series in partitions: loaded into them, detached, attached."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.catalogue import Desi, Loader
from tests.exposures import PART, TABLE, YEARS, exposures, of_partitions

from labdb.adapters.catalogue import models
from labdb.adapters.catalogue import partitions as adapter
from labdb.adapters.catalogue.tables import Target
from labdb.domain.catalogue.partition import Span

pytestmark = pytest.mark.postgres
Command = Callable[..., int]


@pytest.mark.usefixtures("loaded")
def test_a_load_makes_the_partitions_that_its_rows_need(desi: Desi) -> None:
    assert of_partitions(desi) == {
        "raw_catalogs.exposures_20200000": 3,
        "raw_catalogs.exposures_20210000": 6,
        "raw_catalogs.exposures_20220000": 3,
    }
    indexes = desi.ask("SELECT indexname FROM pg_indexes WHERE tablename = 'exposures' ORDER BY 1")
    assert [row[0] for row in indexes] == [
        "exposures_mjd_idx", "exposures_pkey", "exposures_tileid_idx",
    ]  # fmt: skip
    # Those of the partitions follow: no row can come twice.
    with pytest.raises(psycopg.errors.UniqueViolation):
        desi.do(f"INSERT INTO {PART} SELECT * FROM {PART} LIMIT 1")


@pytest.mark.usefixtures("loaded")
def test_a_query_of_one_night_touches_one_partition(desi: Desi) -> None:
    plan = desi.one(f"EXPLAIN (FORMAT JSON) SELECT * FROM {TABLE} WHERE night = 20210101")
    text = json.dumps(plan)
    assert "exposures_20210000" in text
    assert "exposures_20200000" not in text
    assert "exposures_20220000" not in text


@pytest.mark.usefixtures("loaded")
def test_fingerprints_count_each_row_of_a_partitioned_table_once(desi: Desi) -> None:
    prints = desi.prints()
    assert set(prints) == {f"exposures_{year}0000" for year in (2020, 2021, 2022)}
    assert sum(one.rows for one in prints.values()) == len(YEARS) * 3
    minima = [one.minima["night"] for one in prints.values()]
    assert sorted(map(str, minima)) == ["20201231", "20210101", "20220415"]


def test_a_second_load_does_nothing(load: Loader, loaded: Path, desi: Desi) -> None:
    before = desi.prints()
    assert load(loaded, model="exposures") == 0
    assert load.answer["summary"] == "nothing to do: all 1 parts are there"
    assert desi.prints() == before


def test_a_changed_file_replaces_its_rows_in_all_partitions(
    load: Loader, loaded: Path, desi: Desi
) -> None:
    exposures(loaded, (20210101, 20230101), each=2)
    assert load(loaded, model="exposures") == 6
    assert load(loaded, model="exposures", options=("--replace",)) == 0
    assert of_partitions(desi) == {
        "raw_catalogs.exposures_20210000": 2,
        "raw_catalogs.exposures_20230000": 2,
    }


def test_two_files_in_parallel_may_need_the_same_partition(
    load: Loader, desi: Desi, tmp_path: Path
) -> None:
    files = [
        exposures(tmp_path / f"exposures-{n}.fits", (20210101 + n, 20220101), first=1 + 100 * n)
        for n in range(6)
    ]
    assert load(*files, model="exposures", options=("--jobs", "3")) == 0, load.answer
    assert of_partitions(desi) == {
        "raw_catalogs.exposures_20210000": 18,
        "raw_catalogs.exposures_20220000": 18,
    }


@pytest.mark.parametrize("together", [True, False])
def test_a_key_that_comes_in_two_files_is_found_in_partitions_too(
    load: Loader, tmp_path: Path, *, together: bool
) -> None:
    files = [exposures(tmp_path / f"exposures-{n}.fits", YEARS) for n in "ab"]
    if not together:
        assert load(files[0], model="exposures") == 0
    assert load(*files[0 if together else 1 :], model="exposures") == 5
    assert "(night, expid)" in load.error["why"]


def test_making_a_partition_waits_for_no_reader_and_no_load(
    load: Loader, loaded: Path, desi: Desi, tmp_path: Path
) -> None:
    other = exposures(loaded.with_name("exposures-b.fits"), (20230101,), first=500)
    with desi.session() as reader, reader.transaction():
        reader.execute(f"SELECT count(*) FROM {TABLE}")
        reader.execute(f"LOCK TABLE {TABLE} IN ROW EXCLUSIVE MODE")
        done = threading.Thread(target=load, args=(other,), kwargs={"model": "exposures"})
        done.start()
        done.join(timeout=20)
        assert not done.is_alive()
    assert of_partitions(desi)["raw_catalogs.exposures_20230000"] == 3


@pytest.mark.usefixtures("loaded")
def test_a_detached_partition_stays_and_can_be_attached_again(
    load: Loader, desi: Desi, verb: Command
) -> None:
    before = desi.prints()
    assert verb("detach", "exposures_20210000", "--confirm", "exposures_20210000") == 0
    assert PART not in of_partitions(desi)
    assert desi.one(f"SELECT count(*) FROM {PART}") == 6
    assert verb("list") == 0
    state = {one["partition"]: one["state"] for one in load.answer["data"]["partitions"]}
    assert state["exposures_20210000"] == "detached"
    assert verb("attach", "exposures_20210000") == 0
    assert of_partitions(desi)[PART] == 6
    assert desi.prints() == {**before, **_ledger(desi)}
    assert desi.one(f"SELECT count(*) FROM pg_constraint WHERE conrelid = '{PART}'::regclass"
                    " AND conname LIKE '%span%'") == 0  # fmt: skip


def _ledger(desi: Desi) -> dict[str, Any]:
    return {name: one for name, one in desi.prints().items() if name == "partition_ledger"}


@pytest.mark.usefixtures("loaded")
def test_detaching_asks_for_the_name(verb: Command, load: Loader, desi: Desi) -> None:
    assert verb("detach", "exposures_20210000", "--confirm", "exposures_2021") == 6
    assert "nothing was done" in load.error["what"]
    assert PART in of_partitions(desi)
    assert verb("detach", "exposures_20990000", "--confirm", "exposures_20990000") == 2
    assert "exposures_20220000" in load.error["why"]


def test_rows_of_a_detached_partition_are_refused_by_name(
    load: Loader, loaded: Path, verb: Command, desi: Desi
) -> None:
    verb("detach", "exposures_20210000", "--confirm", "exposures_20210000")
    new = exposures(loaded.with_name("exposures-b.fits"), (20210601,), first=700)
    assert load(new, model="exposures") == 6
    assert "exposures_20210000" in load.error["what"]
    assert "attach raw_catalogs.exposures exposures_20210000" in load.error["hint"]
    # The file that was loaded before counts as loaded: a run without the new one has nothing to do.
    assert load(loaded, model="exposures") == 0
    assert desi.one(f"SELECT count(*) FROM {TABLE}") == 6


def test_what_was_detached_with_alter_table_is_refused_by_its_name_too(
    load: Loader, loaded: Path, desi: Desi
) -> None:
    desi.do(f"ALTER TABLE {TABLE} DETACH PARTITION {PART}")
    new = exposures(loaded.with_name("exposures-b.fits"), (20210601,), first=700)
    assert load(new, model="exposures") == 6
    assert "exposures_20210000" in load.error["what"]


def test_a_table_all_of_whose_partitions_were_detached_is_not_loaded_anew(
    load: Loader, loaded: Path, verb: Command, desi: Desi
) -> None:
    for year in (2020, 2021, 2022):
        assert verb("detach", f"exposures_{year}0000", "--confirm", f"exposures_{year}0000") == 0
    assert load(loaded, model="exposures") == 0
    assert load.answer["summary"] == "nothing to do: all 1 parts are there"
    assert desi.one(f"SELECT count(*) FROM {TABLE}") == 0


def test_a_load_that_is_killed_leaves_partitions_that_the_next_one_fills(
    load: Loader, desi: Desi, tmp_path: Path
) -> None:
    nights = [year * 10_000 + 101 for year in range(2019, 2023)]
    file = exposures(tmp_path / "exposures-a.fits", nights, each=40_000)
    process = subprocess.Popen(
        [sys.executable, "-m", "labdb", "catalogue", "load", str(file), "--model", "exposures",
         "--conninfo", desi.conninfo], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    with desi.session() as connection:
        while not connection.execute(
            "SELECT 1 FROM pg_stat_progress_copy"
            " WHERE datname = current_database() AND tuples_processed > 5000"
        ).fetchone():
            assert process.poll() is None
    process.kill()
    process.communicate()
    assert desi.one(f"SELECT count(*) FROM {TABLE}") == 0
    assert load(file, model="exposures") == 0
    assert of_partitions(desi) == {
        f"raw_catalogs.exposures_{y}0000": 40_000 for y in range(2019, 2023)
    }


def test_a_file_whose_rows_are_spread_beyond_reason_makes_no_partition(
    load: Loader, desi: Desi, tmp_path: Path
) -> None:
    felis = (models.SHIPPED / "exposures.yaml").read_text()
    source = (models.SHIPPED / "exposures.labdb.yaml").read_text()
    (tmp_path / "mine.yaml").write_text(felis)
    (tmp_path / "mine.labdb.yaml").write_text(source.replace("step: 10000", "step: 1"))
    nights = list(range(20200101, 20200101 + 1200))
    file = exposures(tmp_path / "exposures-a.fits", nights, each=1)
    assert load(file, model=str(tmp_path / "mine.yaml")) == 5
    assert "1,200 new partitions" in load.error["what"]
    assert desi.one("SELECT count(*) FROM pg_inherits") == 0


def test_a_table_that_is_partitioned_otherwise_is_refused(
    load: Loader, desi: Desi, loaded: Path
) -> None:
    definition = "(LIKE raw_catalogs.exposures) PARTITION BY RANGE (expid)"
    desi.do(f"CREATE SCHEMA other; CREATE TABLE other.exposures {definition}")
    assert load(loaded, model="exposures", options=("--schema", "other")) == 3
    assert "partitioned by RANGE (expid), wanted RANGE (night)" in load.error["why"]


def test_a_plain_table_from_before_stays_plain(load: Loader, desi: Desi, loaded: Path) -> None:
    desi.do("CREATE SCHEMA old; CREATE TABLE old.exposures (LIKE raw_catalogs.exposures)")
    assert load(loaded, model="exposures", options=("--schema", "old")) == 0
    assert desi.one("SELECT count(*) FROM old.exposures") == len(YEARS) * 3


def test_a_truncated_partitioned_table_is_loaded_again(
    load: Loader, loaded: Path, desi: Desi
) -> None:
    before = desi.prints()
    desi.do(f"TRUNCATE {TABLE}")
    assert load(loaded, model="exposures") == 0
    assert desi.prints() == before


def _forget_its_range(desi: Desi) -> None:
    """Drop the CHECK that detaching concurrently leaves behind."""
    constraint = desi.one(
        f"SELECT conname FROM pg_constraint WHERE conrelid = '{PART}'::regclass"
        " AND contype = 'c' AND pg_get_constraintdef(oid) LIKE '%20220000%'"
    )
    desi.do(f'ALTER TABLE {PART} DROP CONSTRAINT "{constraint}"')


@pytest.mark.usefixtures("loaded")
def test_a_detached_table_with_rows_of_another_year_is_not_attached(
    load: Loader, verb: Command, desi: Desi
) -> None:
    verb("detach", "exposures_20210000", "--confirm", "exposures_20210000")
    _forget_its_range(desi)
    desi.do(f"UPDATE {PART} SET night = 20250101 WHERE expid = 4")
    assert verb("attach", "exposures_20210000") == 5
    assert "do not belong to 20210000..20220000" in load.error["what"]
    assert PART not in of_partitions(desi)
    desi.do(f"UPDATE {PART} SET night = 20210101 WHERE expid = 4")
    assert verb("attach", "exposures_20210000") == 0


@pytest.mark.usefixtures("loaded")
def test_attaching_does_not_scan_under_the_lock(
    desi: Desi, verb: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What PostgreSQL says itself: the partition constraint is implied by the CHECK."""
    verb("detach", "exposures_20210000", "--confirm", "exposures_20210000")
    _forget_its_range(desi)
    told: list[str] = []
    with desi.session() as connection:
        connection.execute("SET client_min_messages = debug1")
        connection.add_notice_handler(lambda notice: told.append(notice.message_primary or ""))
        target = Target("raw_catalogs", "exposures")
        (one,) = adapter.detached(connection, target)
        adapter.attach(connection, target, "night", one)
    assert any("is implied by existing constraints" in line for line in told), told


@pytest.mark.usefixtures("loaded")
def test_partitions_are_made_ahead(load: Loader, verb: Command, desi: Desi) -> None:
    assert verb("create", "--until", "20251231", "--dry-run") == 0
    assert [one["low"] for one in load.answer["data"]["made"]] == [20230000, 20240000, 20250000]
    assert desi.one("SELECT to_regclass('raw_catalogs.exposures_20230000') IS NULL")
    assert verb("create", "--until", "20251231") == 0
    assert verb("create", "--until", "20251231") == 0
    assert "nothing to do" in load.answer["summary"]
    assert verb("create", "--until", "2025123100") == 2
    assert verb("list") == 0
    data = load.answer["data"]
    assert data["step"] == 10000
    assert [one["partition"] for one in data["partitions"]][-1] == "exposures_20250000"
    assert data["partitions"][1]["rows"] == 6
    assert data["skew"] == 1.5
    assert all(one["bytes"] > 0 for one in data["partitions"])


def test_a_detaching_that_was_broken_off_is_told_and_finished(
    desi: Desi, load: Loader, loaded: Path, verb: Command
) -> None:
    with desi.session() as reader, reader.transaction():
        reader.execute(f"SELECT count(*) FROM {TABLE}")
        with desi.session() as connection:
            connection.execute("SET statement_timeout = '300ms'")
            with pytest.raises(psycopg.errors.QueryCanceled):
                connection.execute(f"ALTER TABLE {TABLE} DETACH PARTITION {PART} CONCURRENTLY")
    new = exposures(loaded.with_name("exposures-b.fits"), (20210601,), first=700)
    assert load(new, model="exposures") == 6
    assert "exposures_20210000" in load.error["what"]
    assert verb("list") == 1
    assert "was not detached to the end" in load.answer["findings"][0]["what"]
    assert verb("detach", "exposures_20210000", "--confirm", "exposures_20210000") == 0
    assert verb("attach", "exposures_20210000") == 0
    assert of_partitions(desi)[PART] == 6


def test_a_plain_table_is_told(load: Loader, verb: Command, desi: Desi) -> None:
    assert verb("list") == 2
    assert "there is no table raw_catalogs.exposures" in load.error["what"]
    desi.do("CREATE SCHEMA raw_catalogs; CREATE TABLE raw_catalogs.exposures (night int)")
    assert verb("list") == 2
    assert "plain table" in load.error["why"]


def test_names_that_mean_harm_do_none(desi: Desi) -> None:
    evil = 'exp"; DROP TABLE x; --'
    desi.do('CREATE SCHEMA "s""; --"; CREATE TABLE "s""; --"."exp""; DROP TABLE x; --"'
            ' ("ni""ght" int NOT NULL) PARTITION BY RANGE ("ni""ght")')  # fmt: skip
    target = Target('s"; --', evil)
    with desi.session() as connection:
        column = adapter.column(connection, target)
        assert column == 'ni"ght'
        (name,) = adapter.create(connection, target, column, [Span(0, 10)])
        (one,) = adapter.attached(connection, target)
        assert (one.name, one.span) == (name, Span(0, 10))
        adapter.remember(connection, target, name, Span(0, 10))
        adapter.detach(connection, target, one)
        (out,) = adapter.detached(connection, target)
        adapter.attach(connection, target, column, out)
        assert len(adapter.attached(connection, target)) == 1
