"""What becomes of old partitions: archived, proven, dropped by retention, and brought back."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.catalogue import Desi, Loader
from tests.exposures import PART, TABLE, YEARS, exposures, of_partitions
from tests.lifecycle import Command as Labdb
from tests.lifecycle import print_of

from labdb.cli.app import run
from labdb.operations.catalogue import archive as archiving

pytestmark = pytest.mark.postgres
Command = Callable[..., int]


def test_what_expires_is_archived_and_comes_back(
    desi: Desi, load: Loader, loaded: Path, verb: Command, tmp_path: Path, capsys: Any
) -> None:
    verb("create", "--until", "20241231")  # made ahead: they keep nothing
    before = {name: one for name, one in desi.prints().items() if name.startswith("exposures_202")}
    given = ("--keep", "1", "--confirm", TABLE)
    assert verb("expire", *given) == 1, "without an archive nothing is dropped"
    assert "--archive-to" in load.answer["findings"][0]["hint"]
    assert of_partitions(desi) == {"raw_catalogs.exposures_20220000": 3}
    assert desi.one(f"SELECT count(*) FROM {PART}") == 6
    archive = tmp_path / "archive"
    assert verb("expire", *given, "--archive-to", str(archive), "--dry-run") == 0
    assert not archive.exists()
    assert verb("expire", *given, "--archive-to", str(archive)) == 0, load.answer
    assert desi.one(f"SELECT to_regclass('{PART}') IS NULL")
    assert verb("list") == 0
    gone = {one["partition"]: one for one in load.answer["data"]["partitions"]}
    place = str(archive / "exposures_20200000")
    assert gone["exposures_20200000"]["state"] == "dropped"
    assert gone["exposures_20200000"]["archive"] == place
    # Rows of what was dropped are refused, with the place where they are.
    new = exposures(tmp_path / "exposures-b.fits", (20200601,), first=700)
    assert load(new, model="exposures") == 6
    assert place in load.error["why"]
    for name in ("exposures_20200000", "exposures_20210000"):
        capsys.readouterr()
        told = ("--conninfo", load.conninfo, "--json")
        assert run(["catalogue", "restore-from-archive", str(archive / name), *told]) == 0
        assert verb("attach", name) == 0, load.answer
    assert {one: desi.prints()[one] for one in before} == before
    assert load(loaded, model="exposures") == 0
    assert "nothing to do" in load.answer["summary"]


@pytest.mark.usefixtures("loaded")
def test_a_check_knows_which_rows_left_with_their_partitions(
    desi: Desi, labdb: Labdb, verb: Command, tmp_path: Path
) -> None:
    def rule() -> str:
        assert labdb("catalogue", "check", "--table", "exposures") in (0, 1), labdb.answer
        (table,) = labdb.answer["data"]["tables"]
        (one,) = (one for one in table["rules"] if one["rule"] == "rows-of-each-file")
        return str(one["status"])

    assert rule() == "passed"
    given = ("--keep", "1", "--confirm", TABLE)
    verb("expire", *given, "--archive-to", str(tmp_path / "archive"))
    assert desi.one(f"SELECT count(*) FROM {TABLE}") < 3 * len(YEARS)
    assert rule() == "passed"
    assert "left it with detached partitions" in json.dumps(labdb.answer["findings"])
    assert labdb("catalogue", "restore-from-archive", tmp_path / "archive/exposures_20200000") == 0
    assert verb("attach", "exposures_20200000") == 0
    assert rule() == "passed"
    desi.do(f"DELETE FROM {TABLE} WHERE expid = (SELECT max(expid) FROM {TABLE})")
    assert rule() == "failed", "a row that is gone otherwise is missed as before"


@pytest.fixture
def labdb(desi: Desi, capsys: pytest.CaptureFixture[str]) -> Labdb:
    return Labdb(desi, capsys)


def _state(labdb: Labdb, name: str) -> tuple[str, str | None]:
    """Return what ``list`` says of a partition: its state, and where its archive is."""
    assert labdb("catalogue", "partitions", "list", "exposures") == 0, labdb.answer
    (one,) = (row for row in labdb.answer["data"]["partitions"] if row["partition"] == name)
    return one["state"], one["archive"]


@pytest.mark.usefixtures("loaded")
def test_a_partition_that_is_archived_by_hand_is_known_as_such_until_it_is_back(
    load: Loader, labdb: Labdb, verb: Command, tmp_path: Path
) -> None:
    name, out = "exposures_20200000", tmp_path / "out"
    new = exposures(tmp_path / "exposures-b.fits", (20200601,), first=700)
    verb("detach", name, "--confirm", name)
    assert labdb("catalogue", "archive", name, "--to", out, "--confirm", name) == 0, labdb.answer
    assert _state(labdb, name) == ("dropped", str(out))
    assert load(new, model="exposures") == 6
    assert str(out) in load.error["why"]
    assert labdb("catalogue", "restore-from-archive", out) == 0, labdb.answer
    assert _state(labdb, name) == ("detached", None)
    assert load(new, model="exposures") == 6
    assert f"attach raw_catalogs.exposures {name}" in load.error["hint"]


@pytest.mark.usefixtures("loaded")
def test_an_expiry_that_ends_right_after_an_archive_still_knows_where_it_is(
    labdb: Labdb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("catalogue", "partitions", "expire", "exposures", "--keep", "1",
             "--confirm", TABLE, "--archive-to", tmp_path)  # fmt: skip

    def broken(*_args: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(archiving, "_way_back", broken)  # the transaction has ended by then
        with pytest.raises(json.JSONDecodeError):  # interrupted: there is no answer
            labdb(*words)
    assert _state(labdb, "exposures_20200000") == ("dropped", str(tmp_path / "exposures_20200000"))
    assert _state(labdb, "exposures_20210000") == ("detached", None)
    assert labdb(*words) == 0, labdb.answer
    assert _state(labdb, "exposures_20210000") == ("dropped", str(tmp_path / "exposures_20210000"))


@pytest.mark.usefixtures("loaded")
def test_a_partitioned_table_is_exported_whole_and_loaded_into_partitions_again(
    load: Loader, labdb: Labdb, desi: Desi, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert labdb("catalogue", "export", "exposures", "--to", out) == 0, labdb.answer
    assert labdb.answer["data"]["rows"] == len(YEARS) * 3
    again = load(out, model=str(out / "model.yaml"), options=("--schema", "again"))
    assert again == 0, load.answer
    before, after = (print_of(desi, schema, "exposures") for schema in ("raw_catalogs", "again"))
    assert (after.rows, after.hash) == (before.rows, before.hash)
    parts = desi.ask("SELECT tableoid::regclass::text, count(*) FROM again.exposures GROUP BY 1")
    assert dict(parts) == {
        "again.exposures_20200000": 3,
        "again.exposures_20210000": 6,
        "again.exposures_20220000": 3,
    }


@pytest.mark.usefixtures("loaded")
def test_a_partitioned_table_is_not_archived_whole(
    labdb: Labdb, desi: Desi, tmp_path: Path
) -> None:
    before, out = desi.prints(), tmp_path / "out"
    for how in (("--confirm", "exposures"), ("--dry-run",)):
        assert labdb("catalogue", "archive", "exposures", "--to", out, *how) == 6
        assert labdb.error["what"] == "raw_catalogs.exposures is partitioned; nothing was done"
        assert "exposures_20200000, exposures_20210000, exposures_2022" in labdb.error["why"]
        assert "expire raw_catalogs.exposures --keep N --archive-to" in labdb.error["hint"]
    assert desi.prints() == before
    assert not out.exists()


@pytest.mark.usefixtures("loaded")
def test_retention_asks_for_names(desi: Desi, load: Loader, verb: Command) -> None:
    assert verb("expire", "--keep", "2") == 6
    assert verb("expire", "--keep", "2", "--dry-run") == 1
    assert len(of_partitions(desi)) == 3
    assert verb("expire", "--keep", "2", "--confirm", TABLE, "--drop-unarchived", PART) == 2
    assert len(of_partitions(desi)) == 3
    given = ("--keep", "2", "--confirm", TABLE, "--drop-unarchived", "exposures_20200000")
    assert verb("expire", *given) == 0
    assert desi.one("SELECT to_regclass('raw_catalogs.exposures_20200000') IS NULL")
    assert verb("expire", "--keep", "2") == 0
    assert "nothing to do" in load.answer["summary"]
