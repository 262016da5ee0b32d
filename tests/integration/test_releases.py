"""Releases: all views change together or not at all, and nothing that was built on them breaks."""

import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.catalogue import Desi, Loader, fits_file, stars
from tests.lifecycle import Command, print_of

from labdb.adapters.catalogue import lock
from labdb.adapters.catalogue.tables import Target

pytestmark = pytest.mark.postgres


@pytest.fixture
def labdb(desi: Desi, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(desi, capsys)


@pytest.fixture
def two(load: Loader, desi: Desi, tmp_path: Path) -> None:
    """Releases dr1 and dr2 of two tables each; dr2 has more rows, and a column more."""
    for schema, rows in (("dr1", 100), ("dr2", 150)):
        for name in ("stars", "others"):
            file = fits_file(tmp_path / f"{schema}-{name}.fits", stars(rows))
            load(file, options=("--schema", schema, "--as", name))
    desi.do("ALTER TABLE dr2.stars ADD quality real; UPDATE dr2.stars SET quality = 1")


def _counts(desi: Desi) -> tuple[int, int]:
    return (
        desi.one("SELECT count(*) FROM catalogs.stars"),
        desi.one("SELECT count(*) FROM catalogs.others"),
    )


@pytest.mark.usefixtures("two")
def test_views_show_the_promoted_release_and_the_one_before_after_a_rollback(
    labdb: Command, desi: Desi
) -> None:
    assert labdb("release", "promote", "dr1") == 0, labdb.answer
    before = {name: print_of(desi, "catalogs", name) for name in ("stars", "others")}
    assert labdb("release", "promote", "dr2") == 0, labdb.answer
    assert _counts(desi) == (150, 150)
    assert desi.one("SELECT sum(quality) FROM catalogs.stars") == 150
    assert labdb("release", "rollback") == 0, labdb.answer
    assert {name: print_of(desi, "catalogs", name) for name in ("stars", "others")} == before
    assert labdb("release", "rollback") == 6
    assert "no release before" in labdb.error["what"]
    assert labdb("release", "rollback", "dr2") == 0
    assert _counts(desi) == (150, 150)
    comment = desi.one("SELECT obj_description('catalogs.stars'::regclass)")
    assert comment.endswith("(release dr2)")
    column = "SELECT col_description('{}.stars'::regclass, 2)"
    assert desi.one(column.format("catalogs")) == desi.one(column.format("dr2"))


@pytest.mark.usefixtures("two")
def test_the_history_tells_where_every_row_came_from(labdb: Command, desi: Desi) -> None:
    desi.do(
        "CREATE SCHEMA labdb; CREATE TABLE labdb.cosmology (name text, omega_matter float8);"
        "INSERT INTO labdb.cosmology VALUES ('lab', 0.315);"
        "SET allow_system_table_mods = on; INSERT INTO pg_extension VALUES"
        " (99999, 'labdb', 10, 'labdb'::regnamespace, false, '1.0', NULL, NULL)"
    )
    labdb("release", "promote", "dr1")
    labdb("release", "promote", "dr2")
    labdb("release", "rollback")
    lines = desi.ask(
        "SELECT release, action, previous, done_by, code_version, tables, cosmologies"
        " FROM catalogs.release_history ORDER BY promotion_id"
    )
    assert [one[:5] for one in lines] == [
        ("dr1", "promote", None, "postgres", "0.1.0"),
        ("dr2", "promote", "dr1", "postgres", "0.1.0"),
        ("dr1", "rollback", "dr2", "postgres", "0.1.0"),
    ]
    table = lines[1][5][1]
    assert table["table"] == "stars"
    assert (table["model"], table["model_version"], table["rows"]) == ("positions", "1.0", 150)
    assert table["fingerprint"] == print_of(desi, "dr2", "stars").hash
    assert table["files"][0]["file"] == "dr2-stars.fits"
    assert len(table["files"][0]["sha256"]) == 64
    assert lines[0][6] == [{"name": "lab", "omega_matter": 0.315}]
    assert labdb("release", "show") == 0
    assert [one["action"] for one in labdb.answer["data"]["history"]] == ["promote", "rollback"]
    assert labdb("release", "list") == 0
    assert labdb.answer["data"]["current"] == "dr1"
    assert [one["release"] for one in labdb.answer["data"]["releases"]] == ["dr1", "dr2"]


@pytest.mark.usefixtures("two")
def test_a_second_promotion_has_nothing_to_do(labdb: Command, desi: Desi) -> None:
    labdb("release", "promote", "dr1")
    assert labdb("release", "promote", "dr1") == 0
    assert labdb.answer["summary"] == "nothing to do: catalogs shows dr1 already"
    desi.do("DELETE FROM dr1.stars WHERE source_number = 1000004")
    assert labdb("release", "promote", "dr1") == 0  # it holds something else now
    assert labdb.answer["findings"][0]["check"] == "release.changed"
    assert desi.one("SELECT count(*) FROM catalogs.release_history") == 2


@pytest.mark.usefixtures("two")
def test_a_dry_run_changes_nothing(labdb: Command, desi: Desi) -> None:
    assert labdb("release", "promote", "dr1", "--dry-run") == 0
    assert [one["field"] for one in labdb.answer["changes"]] == ["create", "create"]
    assert desi.one("SELECT to_regnamespace('catalogs') IS NULL")
    labdb("release", "promote", "dr1")
    assert labdb("release", "promote", "dr2", "--dry-run") == 0
    assert [one["reason"] for one in labdb.answer["changes"]] == ["", "new columns: quality"]
    assert _counts(desi) == (100, 100)


@pytest.mark.usefixtures("two")
def test_what_people_built_on_the_views_lives_on(labdb: Command, desi: Desi) -> None:
    labdb("release", "promote", "dr1")
    desi.do("CREATE VIEW mine AS SELECT avg(parallax) AS p, count(*) AS n FROM catalogs.stars")
    assert labdb("release", "promote", "dr2") == 0, labdb.answer
    assert desi.one("SELECT n FROM mine") == 150
    assert labdb("release", "rollback") == 6  # the view has a column more now, and a dependent
    assert "stars: dr1 has no column quality" in labdb.error["why"]
    assert "stars: view public.mine depends on it" in labdb.error["why"]
    assert _counts(desi) == (150, 150)
    desi.do("DROP VIEW mine")
    assert labdb("release", "rollback") == 0


@pytest.mark.usefixtures("two")
def test_everything_that_does_not_fit_is_told_at_once_and_nothing_changes(
    labdb: Command, desi: Desi
) -> None:
    labdb("release", "promote", "dr1")
    desi.do(
        "CREATE VIEW mine AS SELECT ra FROM catalogs.stars;"
        "ALTER TABLE dr2.stars DROP pmra, ALTER parallax TYPE real;"
        "ALTER TABLE dr2.others RENAME TO renamed;"
        "UPDATE dr2.load_ledger SET table_name = 'renamed' WHERE table_name = 'others'"
    )
    history = desi.one("SELECT count(*) FROM catalogs.release_history")
    assert labdb("release", "promote", "dr2") == 6
    assert sorted(labdb.error["why"].splitlines()) == [
        "others: dr2 has no table of that name",
        "stars: column parallax is real in dr2, double precision now",
        "stars: dr2 has no column pmra",
        "stars: view public.mine depends on it",
    ]
    assert _counts(desi) == (100, 100)
    assert desi.one("SELECT to_regclass('catalogs.renamed') IS NULL")
    assert desi.one("SELECT count(*) FROM catalogs.release_history") == history
    assert labdb("release", "promote", "dr2", "--recreate") == 6  # mine is still there
    desi.do("DROP VIEW mine")
    assert labdb("release", "promote", "dr2", "--recreate") == 0, labdb.answer
    assert desi.one("SELECT to_regclass('catalogs.others') IS NULL")
    assert labdb("release", "rollback") == 0, labdb.answer
    assert _counts(desi) == (100, 100)


def test_a_release_that_is_not_complete_or_mixes_versions_is_refused(
    labdb: Command, desi: Desi, two: None
) -> None:
    desi.do(
        "UPDATE dr2.load_ledger SET finished_at = NULL WHERE table_name = 'stars';"
        "UPDATE dr2.load_ledger SET model_version = '2.0' WHERE table_name = 'others'"
    )
    assert labdb("release", "promote", "dr2") == 6
    assert labdb.error["why"].splitlines() == [
        "stars: not loaded yet: dr2-stars.fits",
        "model positions has 2 versions: 2.0 in others; 1.0 in stars",
    ]
    assert labdb("release", "promote", "dr9") == 2
    assert labdb("release", "promote", "catalogs") == 2


@pytest.mark.usefixtures("two")
def test_what_else_stands_under_the_name_of_a_view_is_not_touched(
    labdb: Command, desi: Desi
) -> None:
    desi.do(
        "CREATE SCHEMA catalogs; CREATE TABLE catalogs.stars (mine int);"
        "CREATE VIEW catalogs.others AS SELECT 5 AS mine; CREATE VIEW catalogs.free AS SELECT 1"
    )
    assert labdb("release", "promote", "dr1") == 6
    assert labdb.error["why"].splitlines() == [
        "others: what stands there under that name is a view that no promotion made",
        "stars: what stands there under that name is no view",
    ]
    assert desi.one("SELECT mine FROM catalogs.others") == 5
    desi.do("DROP TABLE catalogs.stars; DROP VIEW catalogs.others")
    assert labdb("release", "promote", "dr1") == 0
    assert desi.one("SELECT * FROM catalogs.free") == 1


# Readers


@pytest.fixture
def roles(desi: Desi) -> Any:
    """An owner who makes things and a reader who sees them, with the rights that projects have."""
    name = desi.name[-8:]
    owner, reader, analyst = (f"{kind}_{name}" for kind in ("owner", "reader", "analyst"))
    desi.do(
        f"CREATE ROLE {owner} LOGIN; CREATE ROLE {reader};"
        f"CREATE ROLE {analyst} LOGIN IN ROLE {reader};"
        f"ALTER DATABASE {desi.name} OWNER TO {owner};"
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT USAGE ON SCHEMAS TO {reader};"
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT ON TABLES TO {reader}"
    )
    return owner, reader, analyst


def _as(desi: Desi, role: str, sql: str) -> Any:
    conninfo = desi.conninfo.replace("user=postgres", f"user={role}")
    with psycopg.connect(conninfo) as connection:
        row = connection.execute(sql.encode()).fetchone()
        return row[0] if row else None


def _two_of(owner: str, load: Loader, labdb: Command, tmp_path: Path) -> None:
    for command in (load, labdb):
        command.conninfo = command.conninfo.replace("user=postgres", f"user={owner}")
    for schema, rows in (("dr1", 10), ("dr2", 20)):
        load(fits_file(tmp_path / f"{schema}.fits", stars(rows)), options=("--schema", schema))


def test_readers_of_a_project_see_every_release_and_keep_their_grants(
    load: Loader, labdb: Command, desi: Desi, roles: Any, tmp_path: Path
) -> None:
    owner, reader, analyst = roles
    _two_of(owner, load, labdb, tmp_path)
    acl = "SELECT relacl::text FROM pg_class WHERE oid = 'catalogs.positions'::regclass"
    assert labdb("release", "promote", "dr1") == 0, labdb.answer
    assert _as(desi, analyst, "SELECT count(*) FROM catalogs.positions") == 10
    desi.do("GRANT SELECT ON catalogs.positions TO pg_monitor WITH GRANT OPTION")
    assert labdb("release", "promote", "dr2") == 6  # pg_monitor could not read what is behind it
    assert 'GRANT USAGE ON SCHEMA "dr2" TO "pg_monitor"' in labdb.error["why"]
    assert _as(desi, analyst, "SELECT count(*) FROM catalogs.positions") == 10
    for schema in ("dr1", "dr2"):
        desi.do(f"GRANT USAGE ON SCHEMA {schema} TO pg_monitor;"
                f"GRANT SELECT ON {schema}.positions TO pg_monitor")  # fmt: skip
    grants = desi.one(acl)
    assert f"{reader}=r/{owner}" in grants
    desi.do("ALTER TABLE dr2.positions ADD quality real")
    assert labdb("release", "promote", "dr2") == 0, labdb.answer
    assert _as(desi, analyst, "SELECT count(*) FROM catalogs.positions") == 20
    assert desi.one(acl) == grants
    assert labdb("release", "rollback") == 0, labdb.answer  # made anew: a column goes
    assert sorted(desi.one(acl)) == sorted(grants)
    assert _as(desi, analyst, "SELECT count(*) FROM catalogs.positions") == 10


def test_a_view_gives_nobody_more_than_he_has(
    load: Loader, labdb: Command, desi: Desi, roles: Any, tmp_path: Path
) -> None:
    owner, reader, analyst = roles
    _two_of(owner, load, labdb, tmp_path)
    labdb("release", "promote", "dr1")
    desi.do(f"REVOKE SELECT ON dr1.positions FROM {reader}")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        _as(desi, analyst, "SELECT count(*) FROM catalogs.positions")
    assert labdb("release", "promote", "dr1") == 6


def test_who_may_not_promote_is_refused(
    load: Loader, labdb: Command, roles: Any, tmp_path: Path
) -> None:
    owner, _, analyst = roles
    _two_of(owner, load, labdb, tmp_path)
    labdb.conninfo = labdb.conninfo.replace(owner, analyst)
    assert labdb("release", "promote", "dr1") == 6
    assert "a right is missing" in labdb.error["what"]


# Others at work


@pytest.mark.usefixtures("two")
def test_a_reader_in_a_transaction_sees_one_release_and_is_named(
    labdb: Command, desi: Desi
) -> None:
    labdb("release", "promote", "dr1")
    with desi.session("a notebook") as reader, reader.transaction():
        counted = reader.execute("SELECT count(*) FROM catalogs.stars").fetchone()
        assert counted == (100,)
        assert labdb("release", "promote", "dr2", "--patience", "0.1") == 6
        assert "a notebook" in labdb.error["why"]
        assert "catalogs.stars" in labdb.error["why"]
        counted = reader.execute("SELECT count(*) FROM catalogs.others").fetchone()
        assert counted == (100,)
    assert labdb("release", "promote", "dr2") == 0


@pytest.mark.usefixtures("two")
def test_other_readers_do_not_queue_behind_a_promotion_that_waits(
    labdb: Command, desi: Desi
) -> None:
    labdb("release", "promote", "dr1")
    longest, stop = 0.0, threading.Event()

    def read() -> None:
        nonlocal longest
        with desi.session() as other:
            while not stop.is_set():
                begin = time.monotonic()
                for view in (b"catalogs.stars", b"catalogs.others"):
                    other.execute(b"SELECT count(*) FROM " + view)
                longest = max(longest, time.monotonic() - begin)

    reading = threading.Thread(target=read)
    with desi.session() as reader, reader.transaction():
        reader.execute("SELECT count(*) FROM catalogs.others")
        reader.execute("SELECT count(*) FROM catalogs.stars")
        reading.start()
        try:
            assert labdb("release", "promote", "dr2", "--patience", "1.5") == 6
        finally:
            stop.set()
            reading.join()
    assert longest < 1


@pytest.mark.usefixtures("two")
def test_readers_never_see_two_releases_in_one_transaction(labdb: Command, desi: Desi) -> None:
    """They count both views in one transaction, while releases change under them."""
    labdb("release", "promote", "dr1")
    seen: set[tuple[int, int]] = set()
    stop = threading.Event()

    def read() -> None:
        with desi.session() as reader:
            while not stop.is_set():
                with reader.transaction():
                    one = reader.execute("SELECT count(*) FROM catalogs.stars").fetchone()
                    two = reader.execute("SELECT count(*) FROM catalogs.others").fetchone()
                    assert one is not None
                    assert two is not None
                    seen.add((one[0], two[0]))

    reading = [threading.Thread(target=read) for _ in range(3)]
    for one in reading:
        one.start()
    try:
        for _ in range(4):
            assert labdb("release", "promote", "dr2", "--patience", "30") == 0, labdb.answer
            assert labdb("release", "rollback", "--patience", "30") == 0, labdb.answer
    finally:
        stop.set()
        for one in reading:
            one.join()
    assert seen <= {(100, 100), (150, 150)}
    assert len(seen) == 2


@pytest.mark.usefixtures("two")
def test_a_release_that_is_being_loaded_or_written_is_not_promoted(
    labdb: Command, desi: Desi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock.take, "__defaults__", (0.3,))
    monkeypatch.setattr("labdb.operations.releases.TABLE_LOCK_TIMEOUT", "300ms")
    with desi.session("labdb catalogue load of somebody") as other:
        lock.take(other, Target("dr1", "stars"))
        assert labdb("release", "promote", "dr1") == 6
        assert "being loaded" in labdb.error["what"]
    with desi.session("a script") as other, other.transaction():
        other.execute("DELETE FROM dr1.stars WHERE false")
        assert labdb("release", "promote", "dr1") == 6
        assert "dr1.stars is being written" in labdb.error["what"]
        assert "a script" in labdb.error["why"]
    with desi.session() as other, other.transaction():
        other.execute("SELECT pg_advisory_xact_lock(hashtextextended('labdb release catalogs', 0))")
        assert labdb("release", "promote", "dr1") == 6
        assert "somebody else is changing the views" in labdb.error["what"]
    assert desi.one("SELECT to_regnamespace('catalogs') IS NULL")


@pytest.mark.usefixtures("two")
def test_a_failure_in_the_middle_leaves_all_views_as_they_were(labdb: Command, desi: Desi) -> None:
    labdb("release", "promote", "dr1")
    # The second view fails for a reason that nothing foresees.
    desi.do(
        "CREATE FUNCTION no() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT"
        " FROM pg_event_trigger_ddl_commands() WHERE object_identity = 'catalogs.stars') THEN"
        " RAISE 'no'; END IF; END $$; CREATE EVENT TRIGGER no ON ddl_command_end"
        " WHEN TAG IN ('CREATE VIEW') EXECUTE FUNCTION no()"
    )
    assert labdb("release", "promote", "dr2") == 5
    assert _counts(desi) == (100, 100)
    assert desi.one("SELECT count(*) FROM catalogs.release_history") == 1


MALICIOUS = 'x"; DROP SCHEMA dr1 CASCADE; --{}'


def test_malicious_names_of_schemas_and_tables_do_no_harm(
    load: Loader, labdb: Command, desi: Desi, tmp_path: Path
) -> None:
    for name in ("dr1", MALICIOUS):
        load(
            fits_file(tmp_path / "a.fits", stars(10)),
            options=("--schema", name, "--as", f"{MALICIOUS}%s"),
        )
    views = f"views {MALICIOUS}"
    for words in (("promote", "dr1"), ("promote", MALICIOUS), ("rollback",), ("list",), ("show",)):
        assert labdb("release", *words, "--views", views) == 0, labdb.answer
    assert desi.one("SELECT count(*) FROM pg_namespace WHERE nspname = 'dr1'") == 1


TYPES = ("integer", "bigint", "double precision", "text", "real[]")


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_promote_and_rollback_leave_the_views_fingerprint_unchanged(
    labdb: Command, desi: Desi, data: st.DataObject
) -> None:
    """Whatever columns the second release adds, in whatever order its table has them."""
    base = data.draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=4))
    more = data.draw(st.lists(st.sampled_from(TYPES), max_size=2))
    columns = [f"c{n} {kind}" for n, kind in enumerate(base)]
    new = data.draw(st.permutations([*columns, *(f"n{n} {kind}" for n, kind in enumerate(more))]))
    sizes = data.draw(st.tuples(st.integers(0, 5), st.integers(0, 5)))
    desi.do("DROP SCHEMA IF EXISTS catalogs, dr1, dr2 CASCADE")
    for schema, wanted, size in (("dr1", columns, sizes[0]), ("dr2", new, sizes[1])):
        first = wanted[0].split()[0]
        value = {"t": "n::text", "r": "ARRAY[n]::real[]"}.get(wanted[0].split()[1][0], "n")
        desi.do(
            f"CREATE SCHEMA {schema}; CREATE TABLE {schema}.t ({', '.join(wanted)});"
            f"CREATE TABLE {schema}.load_ledger AS SELECT 't'::text AS table_name, 1 AS source_id,"
            " 'f'::text AS file_name, 'm'::text AS model, '1'::text AS model_version,"
            " 't'::text AS model_table, now() AS finished_at, 'x'::text AS sha256,"
            " 1::bigint AS rows_loaded, '1'::text AS code_version;"
            + (
                f"INSERT INTO {schema}.t ({first}) SELECT {value} FROM generate_series(1, {size}) n"
                if value != "ARRAY[n]::real[]"
                else ""
            )
        )
    assert labdb("release", "promote", "dr1") == 0, labdb.answer
    before = print_of(desi, "catalogs", "t")
    assert labdb("release", "promote", "dr2") == 0, labdb.answer
    assert print_of(desi, "catalogs", "t").rows == desi.one("SELECT count(*) FROM dr2.t")
    assert labdb("release", "rollback") == 0, labdb.answer
    assert print_of(desi, "catalogs", "t") == before
