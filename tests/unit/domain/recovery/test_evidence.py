"""What is wrong with a restored instance is said by the name of what it is wrong with."""

from datetime import UTC, datetime, timedelta

from labdb.domain.recovery import evidence
from labdb.domain.recovery.clock import Point, jumps, present
from labdb.domain.recovery.fingerprint import TableFingerprint
from labdb.domain.recovery.records import Contents, Record

GALAXIES = TableFingerprint("public", "galaxies", 1000, "42", {"z": "1"}, {"z": "0"}, {"z": "1"})
FEWER = TableFingerprint("public", "galaxies", 990, "41", {"z": "0.9"}, {"z": "0"}, {"z": "1"})
VOIDS = TableFingerprint("public", "voids", 7, "3")


def _record(*tables: TableFingerprint, days: int = 0, **extensions: str) -> Record:
    moment = datetime(2026, 11, 22, 2, 5, tzinfo=UTC) + timedelta(days=days)
    return Record(f"labdb {days}", moment, days, "00000001", {"desi": Contents(tables, extensions)})


def test_rows_that_came_back_as_they_were_are_counted() -> None:
    (finding,) = evidence.contents(
        _record(GALAXIES, VOIDS), {"desi": Contents((VOIDS, GALAXIES), {})}
    )
    assert finding.severity == "ok"
    assert "2 tables with 1007 rows" in finding.what


def test_a_table_that_lost_rows_is_named_with_both_counts_and_its_columns() -> None:
    (finding,) = evidence.contents(_record(GALAXIES), {"desi": Contents((FEWER,), {})})
    assert finding.severity == "critical"
    assert finding.what == "desi: public.galaxies does not hold the rows that it held"
    assert "1000 rows were recorded, 990 restored" in finding.why
    assert "z" in finding.why


def test_a_table_or_a_database_that_did_not_come_back_is_named() -> None:
    (finding,) = evidence.contents(_record(GALAXIES), {"desi": Contents((), {})})
    assert finding.what == "desi: public.galaxies is not in the restored data"
    (finding,) = evidence.contents(_record(GALAXIES), {})
    assert finding.what == "database desi is not in the restored data"


def test_an_extension_of_another_version_is_a_finding() -> None:
    (finding,) = evidence.contents(_record(q3c="2.0.1"), {"desi": Contents((), {"q3c": "2.0.0"})})
    assert "extension q3c 2.0.1 came back as 2.0.0" in finding.what


def test_a_table_that_was_dropped_since_the_record_before_is_told_with_the_way_back() -> None:
    (finding,) = evidence.lost_since(_record(VOIDS, days=1), _record(VOIDS, GALAXIES))
    assert finding.severity == "warning"
    assert "desi: public.galaxies was dropped between" in finding.what
    assert "labdb restore SERVER --name 'labdb 0'" in finding.hint
    assert evidence.lost_since(_record(VOIDS), None) == []


def test_a_clock_that_went_back_is_named_with_what_it_means_for_a_restore() -> None:
    ahead, after = (
        Point(1, place, datetime(2026, 11, 22, hour, tzinfo=UTC))
        for place, hour in ((1, 4), (2, 2))
    )
    (back,) = jumps([ahead, after])
    found = evidence.clock(back, "warning")
    assert (found.severity, found.what) == (
        "warning", "the server's clock went back, by 2:00:00 or more",
    )  # fmt: skip
    assert found.why.startswith("from 2026-11-22 04:00:00+00 at LSN 0/1 to 2026-11-22 02:00:00+00")
    assert "--name or --lsn" in found.hint
    (behind,) = jumps([ahead, present(after.moment)])
    found = evidence.clock(behind, "warning")
    assert found.what == "the server's clock is behind its own backups, by 2:00:00"
    assert "chronyc tracking" in found.hint


def test_what_could_have_been_lost_is_unknown_where_wal_was_archived_in_the_future() -> None:
    now = datetime(2026, 11, 22, 2, tzinfo=UTC)
    assert evidence.archived(now - timedelta(hours=2), now) == []
    (finding,) = evidence.archived(now + timedelta(hours=2), now)
    assert finding.severity == "warning"
    assert "2026-11-22 04:00:00+00" in finding.why


def test_amcheck_s_complaints_name_table_and_index() -> None:
    said = """\
heap table "desi.public.galaxies", block 0, offset 3, attribute 1:
    attribute 1 with length 4 ends at offset 99 beyond total tuple length 61
heap table "desi.public.galaxies", block 7:
    line pointer redirection to item at offset 99 exceeds maximum offset 61
btree index "desi.public.galaxies_pkey":
    ERROR:  item order invariant violated for index "galaxies_pkey"
    DETAIL:  Lower index tid=(1,2)
"""
    table, index = evidence.amcheck(said)
    assert table.what == "heap table desi.public.galaxies is corrupt"
    assert table.why.startswith("block 0, offset 3, attribute 1: attribute 1 with length 4")
    assert index.what == "btree index desi.public.galaxies_pkey is corrupt"
    assert "item order invariant violated" in index.why
    assert index.hint.startswith("REINDEX")
    assert evidence.amcheck("") == []


def test_a_wrong_checksum_names_the_relation_in_whichever_of_its_files_it_is() -> None:
    said = (
        'pg_checksums: error: checksum verification failed in file "/mnt/data/drill/data/base/'
        '16384/16390.1", block 12: calculated checksum E9C8 but block contains 3D06\n'
        'pg_checksums: error: checksum verification failed in file "/mnt/data/drill/data/base/'
        '16384/16399_fsm", block 0: calculated checksum E9C8 but block contains 3D06\n'
    )
    relations = {"base/16384/16390": "desi: galaxies"}
    known, unknown = evidence.checksums(said, relations)
    assert known.what == "page with a wrong checksum in desi: galaxies"
    assert known.why == "block 12 of base/16384/16390.1"
    assert unknown.what == "page with a wrong checksum in base/16384/16399_fsm"
