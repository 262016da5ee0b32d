"""A table goes into an archive and comes back, whatever happens meanwhile."""

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.catalogue import TABLE, Desi, Loader, fits_file, stars
from tests.lifecycle import TYPES, Command, print_of
from tests.pages import TOP

from labdb.adapters.catalogue import lock
from labdb.adapters.catalogue.tables import Target
from labdb.domain.catalogue import manifest as manifests
from labdb.operations.catalogue import archive as archiving
from labdb.operations.catalogue import export as exporting

pytestmark = pytest.mark.postgres
FIRST = "part-000000.parquet"
DESCRIBED = """
SELECT json_agg(line ORDER BY line)
FROM (
  SELECT pg_get_indexdef(indexrelid) AS line FROM pg_index WHERE indrelid = '{0}'::regclass
  UNION ALL
  SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = '{0}'::regclass
  UNION ALL
  SELECT concat(attname, format_type(atttypid, atttypmod), attnotnull, col_description(attrelid, attnum))
  FROM pg_attribute
  WHERE attrelid = '{0}'::regclass AND attnum > 0
  UNION ALL
  SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext WHERE stxrelid = '{0}'::regclass
  UNION ALL
  SELECT concat(relacl::text, reloptions::text, relowner::regrole, obj_description(oid))
  FROM pg_class
  WHERE oid = '{0}'::regclass
) AS lines
"""  # noqa: E501 - SQL
LEDGER = "SELECT json_agg(l ORDER BY source_id) FROM raw_catalogs.load_ledger AS l"


@pytest.fixture
def labdb(desi: Desi, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(desi, capsys)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def positions(load: Loader, desi: Desi, tmp_path: Path) -> str:
    """A loaded table with grants, options, an index with an expression, extended statistics."""
    load(fits_file(tmp_path / "a.fits", stars(2000)), fits_file(tmp_path / "b.fits", stars(9, 2)))
    desi.do(
        f"GRANT SELECT ON {TABLE} TO pg_monitor WITH GRANT OPTION;"
        f"GRANT SELECT ON {TABLE} TO PUBLIC; ALTER TABLE {TABLE} SET (fillfactor = 90);"
        f"CREATE INDEX odd ON {TABLE} (abs(ra), dec DESC) WHERE parallax > 1;"
        f"CREATE STATISTICS raw_catalogs.both ON ra, dec FROM {TABLE}"
    )
    return TABLE


def _archive(labdb: Command, out: Path, table: str = "positions", *words: str) -> int:
    return labdb("catalogue", "archive", table, "--to", out, "--confirm", table, *words)


def test_a_table_comes_back_from_its_archive_as_it_was(
    labdb: Command, desi: Desi, positions: str, out: Path
) -> None:
    before = print_of(desi, "raw_catalogs", "positions")
    described, ledger = desi.one(DESCRIBED.format(positions)), desi.one(LEDGER)
    assert _archive(labdb, out) == 0, labdb.answer
    assert desi.one(f"SELECT to_regclass('{TABLE}') IS NULL")
    assert desi.one("SELECT count(*) FROM raw_catalogs.load_ledger") == 0
    assert desi.ask(
        "SELECT table_name, rows, hash, model, archived_by, restored_at"
        " FROM raw_catalogs.archive_ledger"
    ) == [("positions", 2009, before.hash, "positions", "postgres", None)]
    assert labdb("catalogue", "restore-from-archive", out) == 0, labdb.answer
    assert print_of(desi, "raw_catalogs", "positions") == before
    assert desi.one(DESCRIBED.format(positions)) == described
    assert desi.one(LEDGER) == ledger
    assert desi.one("SELECT restored_by FROM raw_catalogs.archive_ledger") == "postgres"
    assert desi.one("SELECT count(*) FROM pg_stats WHERE tablename = 'positions'") > 5
    assert desi.one("SELECT count(*) FROM pg_stats_ext WHERE tablename = 'positions'") == 1


def test_a_restored_table_is_one_that_loads_know(
    load: Loader, labdb: Command, positions: str, out: Path, tmp_path: Path
) -> None:
    _archive(labdb, out)
    labdb("catalogue", "restore-from-archive", out)
    load(tmp_path / "a.fits", tmp_path / "b.fits")
    assert load.answer["summary"] == "nothing to do: all 2 parts are there"


def test_every_type_comes_back_exactly(labdb: Command, desi: Desi, out: Path) -> None:
    desi.do(TYPES)
    before = print_of(desi, "raw_catalogs", "every")
    bits = "SELECT json_agg(encode(float8send(double), 'hex')) FROM raw_catalogs.every"
    exact = desi.one(bits)
    described = desi.one(DESCRIBED.format("raw_catalogs.every"))
    assert _archive(labdb, out, "every") == 0, labdb.answer
    assert labdb("catalogue", "restore-from-archive", out) == 0, labdb.answer
    assert print_of(desi, "raw_catalogs", "every") == before
    assert desi.one(bits) == exact
    assert desi.one(DESCRIBED.format("raw_catalogs.every")) == described


def test_a_detached_partition_is_archived_like_any_table(
    labdb: Command, desi: Desi, out: Path
) -> None:
    desi.do(
        "CREATE SCHEMA raw_catalogs;"
        "CREATE TABLE raw_catalogs.nights (night int, flux real) PARTITION BY RANGE (night);"
        "CREATE TABLE raw_catalogs.nights_1 PARTITION OF raw_catalogs.nights"
        " FOR VALUES FROM (0) TO (9); INSERT INTO raw_catalogs.nights VALUES (1, 2), (3, 4)"
    )
    assert _archive(labdb, out, "nights_1") == 6
    assert "it is a partition of raw_catalogs.nights" in labdb.error["why"]
    assert _archive(labdb, out, "nights") == 6
    desi.do("ALTER TABLE raw_catalogs.nights DETACH PARTITION raw_catalogs.nights_1")
    assert _archive(labdb, out, "nights_1") == 0, labdb.answer
    assert desi.one("SELECT to_regclass('raw_catalogs.nights_1') IS NULL")
    assert labdb("catalogue", "restore-from-archive", out) == 0


# What is refused


@pytest.mark.parametrize("typed", ["", "position", "POSITIONS"])
def test_the_name_has_to_be_typed(
    labdb: Command, desi: Desi, positions: str, out: Path, typed: str
) -> None:
    words = ("catalogue", "archive", "positions", "--to", out, "--confirm", typed)
    assert labdb(*words) == 6
    assert desi.one(f"SELECT count(*) FROM {positions}") == 2009
    assert not out.exists()


def test_everything_that_depends_on_the_table_is_named_and_stays(
    labdb: Command, desi: Desi, positions: str, out: Path
) -> None:
    desi.do(
        f"CREATE VIEW v1 AS SELECT ra FROM {positions};"
        f"CREATE MATERIALIZED VIEW v2 AS SELECT dec FROM {positions};"
        f"CREATE TABLE child (n bigint CONSTRAINT up REFERENCES {positions});"
        f"CREATE FUNCTION f() RETURNS SETOF {positions} LANGUAGE sql AS 'SELECT NULL::{positions}'"
    )
    assert _archive(labdb, out) == 6
    assert labdb.error["why"].splitlines() == [
        "foreign key up of child", "function f()", "materialised view v2", "view v1",
    ]  # fmt: skip
    assert desi.one(f"SELECT count(*) FROM {positions}") == 2009
    assert not out.exists()
    assert labdb("catalogue", "archive", "positions", "--to", out, "--dry-run") == 6


def test_what_an_archive_cannot_bring_back_is_refused(
    labdb: Command, desi: Desi, positions: str, out: Path
) -> None:
    desi.do(
        f"ALTER TABLE {positions} ALTER parallax SET DEFAULT 1, ENABLE ROW LEVEL SECURITY;"
        f"GRANT SELECT (ra) ON {positions} TO pg_monitor"
    )
    assert _archive(labdb, out) == 6
    assert len(labdb.error["why"].splitlines()) == 3


def test_a_dry_run_of_an_archive_changes_nothing(
    labdb: Command, desi: Desi, positions: str, out: Path
) -> None:
    assert labdb("catalogue", "archive", "positions", "--to", out, "--dry-run") == 0
    assert "2,009 rows" in labdb.answer["summary"]
    assert not out.exists()
    assert desi.one(f"SELECT count(*) FROM {positions}") == 2009


def test_a_table_that_is_being_loaded_is_not_archived(
    labdb: Command, desi: Desi, positions: str, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock.take, "__defaults__", (0.3,))
    with desi.session("labdb catalogue load of somebody") as other:
        lock.take(other, Target("raw_catalogs", "positions"))
        assert _archive(labdb, out) == 6
    assert desi.one(f"SELECT count(*) FROM {positions}") == 2009


def test_a_reader_who_stays_keeps_the_table_and_the_next_run_takes_the_archive_up(
    labdb: Command, desi: Desi, positions: str, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "LOCK_TIMEOUT", "300ms")
    with desi.session("a long query") as reader, reader.transaction():
        reader.execute("SELECT count(*) FROM raw_catalogs.positions")
        assert _archive(labdb, out) == 6
    assert "a long query" in labdb.error["why"]
    assert "AccessShareLock" in labdb.error["why"]
    assert desi.one(f"SELECT count(*) FROM {positions}") == 2009
    assert (out / "manifest.json").exists()
    assert _archive(labdb, out) == 0
    assert desi.one(f"SELECT to_regclass('{TABLE}') IS NULL")


def test_an_archive_of_another_state_is_not_taken_for_this_one(
    labdb: Command, desi: Desi, positions: str, out: Path
) -> None:
    labdb("catalogue", "export", "positions", "--to", out)
    desi.do(f"UPDATE {positions} SET parallax = 5 WHERE source_number = 1000004;"
            f"CREATE INDEX more ON {positions} (parallax)")  # fmt: skip
    assert _archive(labdb, out) == 6
    assert labdb.error["why"] == "other are: rows, indexes, keys or grants"
    assert desi.one(f"SELECT count(*) FROM {positions}") == 2009


def test_a_table_that_stands_is_not_overwritten(
    labdb: Command, desi: Desi, positions: str, out: Path
) -> None:
    _archive(labdb, out)
    desi.do(f"CREATE TABLE {positions} ()")
    assert labdb("catalogue", "restore-from-archive", out) == 6
    assert "raw_catalogs.positions is there" in labdb.error["what"]


def test_missing_and_changed_files_are_all_named(
    labdb: Command, desi: Desi, positions: str, out: Path
) -> None:
    _archive(labdb, out, "positions", "--row-group-rows", "1000")
    shutil.copytree(out, out.with_name("two"))
    told = json.loads((out / "manifest.json").read_text())
    told.pop("sha256")
    told["files"] = [*told["files"], told["files"][0] | {"path": "part-000001.parquet"}]
    told |= {"sha256": manifests.digest(told)}
    (out / "manifest.json").write_text(json.dumps(told))
    content = bytearray((out / FIRST).read_bytes())
    content[100] ^= 255
    (out / FIRST).write_bytes(content)
    assert labdb("catalogue", "restore-from-archive", out) == 5
    assert labdb.error["why"].splitlines() == [
        f"{FIRST} has another SHA-256 than it had", "part-000001.parquet is missing",
    ]  # fmt: skip
    (out / FIRST).write_bytes(content[:-1])
    labdb("catalogue", "restore-from-archive", out)
    assert "bytes, not" in labdb.error["why"]
    assert labdb("catalogue", "restore-from-archive", out.with_name("two")) == 0


def _edited(out: Path, **members: Any) -> None:
    """Change the manifest, and its checksum with it: somebody means it."""
    told = json.loads((out / "manifest.json").read_text())
    told.pop("sha256")
    told |= members
    told |= {"sha256": manifests.digest(told)}
    (out / "manifest.json").write_text(json.dumps(told))


def test_an_edited_manifest_is_noticed(
    labdb: Command, desi: Desi, positions: str, out: Path
) -> None:
    _archive(labdb, out)
    path = out / "manifest.json"
    text = path.read_text()
    path.write_text(text.replace('"rows": 2009', '"rows": 2008', 1))
    assert labdb("catalogue", "restore-from-archive", out) == 5
    assert "it was edited" in labdb.error["why"]
    for wrong in ("", "[]", "{}", '{"format": "labdb catalogue export", "version": 9}'):
        path.write_text(wrong)
        assert labdb("catalogue", "restore-from-archive", out) == 5
    path.unlink()
    assert labdb("catalogue", "restore-from-archive", out) == 2
    # With a checksum that fits, the ledger in the database still knows better.
    path.write_text(text)
    definition = json.loads(text)["definition"]
    evil = "CREATE INDEX i ON raw_catalogs.positions (ra); CREATE TABLE public.evil ()"
    _edited(out, definition=definition | {"indexes": [evil]})
    assert labdb("catalogue", "restore-from-archive", out) == 6
    assert "did not archive" in labdb.error["what"]
    assert labdb("catalogue", "restore-from-archive", out, "--trusted") == 5  # one statement alone
    assert desi.one("SELECT to_regclass('public.evil') IS NULL")
    _edited(out, files=[{"path": "../../etc/passwd", "size": 1, "rows": 1, "sha256": ""}])
    assert labdb("catalogue", "restore-from-archive", out, "--trusted") == 5
    assert "leads out of its folder" in labdb.error["why"]


def test_rows_that_are_not_those_that_were_archived_do_not_come_in(
    labdb: Command, desi: Desi, positions: str, out: Path
) -> None:
    _archive(labdb, out)
    fingerprint = json.loads((out / "manifest.json").read_text())["fingerprint"]
    _edited(out, fingerprint=fingerprint | {"hash": "1"})
    assert labdb("catalogue", "restore-from-archive", out, "--trusted") == 5
    assert "would not be what was archived" in labdb.error["what"]
    assert desi.one(f"SELECT to_regclass('{TABLE}') IS NULL")


def test_an_archive_comes_into_another_database_for_whoever_trusts_it(
    labdb: Command, desi: Desi, positions: str, out: Path
) -> None:
    before = print_of(desi, "raw_catalogs", "positions")
    _archive(labdb, out)
    other = Desi(desi.server)
    labdb.conninfo = other.conninfo
    assert labdb("catalogue", "restore-from-archive", out) == 6
    assert labdb("catalogue", "restore-from-archive", out, "--trusted", "--dry-run") == 0
    assert other.one("SELECT to_regnamespace('raw_catalogs') IS NULL")
    assert labdb("catalogue", "restore-from-archive", out, "--trusted") == 0, labdb.answer
    assert print_of(other, "raw_catalogs", "positions") == before


def test_a_role_that_is_gone_is_told_and_the_table_comes_back_without_it(
    labdb: Command, desi: Desi, positions: str, out: Path
) -> None:
    desi.do(f"CREATE ROLE leaver; GRANT SELECT ON {positions} TO leaver")
    _archive(labdb, out)
    desi.do("DROP ROLE leaver")
    assert labdb("catalogue", "restore-from-archive", out) == 1
    assert labdb.answer["findings"][0]["what"] == "the table came back without SELECT for leaver"


MALICIOUS = 'x"; DROP SCHEMA raw_catalogs CASCADE; --%s{}'


def test_a_malicious_name_goes_out_and_comes_back(labdb: Command, desi: Desi, out: Path) -> None:
    quoted = '"' + MALICIOUS.replace('"', '""') + '"'
    desi.do(
        f"CREATE SCHEMA raw_catalogs; CREATE TABLE raw_catalogs.{quoted} ({quoted} real CHECK"
        f" ({quoted} > 0)); CREATE INDEX ON raw_catalogs.{quoted} ({quoted});"
        f"INSERT INTO raw_catalogs.{quoted} VALUES (1), (NULL);"
        f"COMMENT ON COLUMN raw_catalogs.{quoted}.{quoted} IS '''; DROP SCHEMA x; %s{{}}'"
    )
    assert _archive(labdb, out, MALICIOUS) == 0, labdb.answer
    assert labdb("catalogue", "restore-from-archive", out) == 0, labdb.answer
    assert desi.one(f"SELECT count(*) FROM raw_catalogs.{quoted}") == 2


@pytest.mark.parametrize("moment", ["_drop", "snapshot", "manifest_sha256"])
def test_a_run_that_ends_at_a_bad_moment_is_taken_up_by_the_next(
    labdb: Command, desi: Desi, positions: str, out: Path, monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:  # fmt: skip
    """Nothing is tidied up between the folder's name and the end of the transaction."""
    before = print_of(desi, "raw_catalogs", "positions")

    def broken(*_args: Any, **_how: Any) -> None:
        raise KeyboardInterrupt

    place = archiving if moment == "_drop" else exporting
    with monkeypatch.context() as patched:
        patched.setattr(place, moment, broken)
        with pytest.raises(json.JSONDecodeError):  # interrupted: there is no answer
            _archive(labdb, out)
    assert print_of(desi, "raw_catalogs", "positions") == before
    assert _archive(labdb, out) == 0, labdb.answer
    assert labdb("catalogue", "restore-from-archive", out) == 0
    assert print_of(desi, "raw_catalogs", "positions") == before


RUN = "import sys; from labdb.cli.app import run; sys.exit(run(sys.argv[1:]))"


@pytest.mark.long
def test_a_kill_at_any_moment_leaves_the_table_or_the_archive(
    labdb: Command, desi: Desi, tmp_path: Path
) -> None:
    desi.do(
        "CREATE SCHEMA raw_catalogs; CREATE TABLE raw_catalogs.t AS"
        " SELECT n AS source_id, random() AS z FROM generate_series(1, 20000) AS n;"
        "ALTER TABLE raw_catalogs.t ADD PRIMARY KEY (source_id)"
    )
    before = print_of(desi, "raw_catalogs", "t")
    chance, out = random.Random(7), tmp_path / "out"
    for _ in range(12):
        there = desi.one("SELECT to_regclass('raw_catalogs.t') IS NOT NULL")
        words = (
            ["archive", "t", "--to", str(out), "--confirm", "t"]
            if there
            else ["restore-from-archive", str(out)]
        )
        running = subprocess.Popen(
            [sys.executable, "-c", RUN, "catalogue", *words, "--conninfo", desi.conninfo],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=TOP,
        )  # fmt: skip
        assert running.stderr is not None
        running.stderr.readline()  # it has begun
        time.sleep(chance.uniform(0, 0.25))
        running.send_signal(signal.SIGKILL)
        running.communicate()
        with desi.session() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE application_name LIKE 'labdb catalogue%'"
            )
        there = desi.one("SELECT to_regclass('raw_catalogs.t') IS NOT NULL")
        if not there:
            exporting.prove(out, exporting.manifest_of(out))
        if there:
            assert print_of(desi, "raw_catalogs", "t") == before
    if not there:
        labdb("catalogue", "restore-from-archive", out)
    assert print_of(desi, "raw_catalogs", "t") == before
