"""The commands of catalogues: what they show, and what they say of a wrong command line."""

import json
import shutil
from pathlib import Path

import pytest
from bench.desi import fits
from tests.catalogue import fits_file, stars

from labdb.adapters.catalogue import models
from labdb.cli import catalogue
from labdb.cli.app import run
from labdb.cli.load_progress import LoadProgress

Printed = pytest.CaptureFixture[str]


def test_models_are_listed_with_their_tables(capsys: Printed) -> None:
    assert run(["catalogue", "models"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in models.names())
    assert run(["catalogue", "models", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["data"]["models"]
    assert [one["name"] for one in listed] == list(models.names())


def test_a_model_is_shown_with_units_and_ucds(capsys: Printed) -> None:
    assert run(["catalogue", "show", "desivast"]) == 0
    shown = capsys.readouterr().out
    assert "pos.eq.ra;meta.main" in shown
    assert "Mpc/h" in shown
    assert run(["catalogue", "show", "desivast", "--json"]) == 0
    tables = json.loads(capsys.readouterr().out)["data"]["tables"]
    zonevoid = next(one for one in tables if one["name"] == "zonevoid")
    assert zonevoid["key"] == ["algorithm", "galactic_cap", "zone"]
    void0 = next(one for one in zonevoid["columns"] if one["name"] == "void0")
    assert (void0["source"], void0["null"]) == ("VOID0", ["-1.0"])


def test_a_model_of_one_s_own_is_named_by_its_path(tmp_path: Path, capsys: Printed) -> None:
    for end in (".yaml", ".labdb.yaml"):
        shutil.copy(models.SHIPPED / f"positions{end}", tmp_path / f"mine{end}")
    assert run(["catalogue", "show", str(tmp_path / "mine.yaml")]) == 0
    assert "proper motion" in capsys.readouterr().out


def test_an_unknown_model_is_told_with_the_nearest(capsys: Printed) -> None:
    assert run(["catalogue", "show", "desivas"]) == 2
    assert "did you mean desivast?" in capsys.readouterr().err


def _dry(*arguments: str) -> int:
    return run(["catalogue", "load", *arguments, "--dry-run"])


def test_a_rehearsal_needs_no_server_and_tells_where_columns_come_from(
    tmp_path: Path, capsys: Printed
) -> None:
    fits_file(tmp_path / "a.fits", stars())
    assert _dry(str(tmp_path), "--model", "positions") == 0
    shown = capsys.readouterr().out
    assert "would load 100 rows of 1 parts" in shown
    assert "GAIA.SOURCE_ID" in shown
    assert "NULL, not in the file" in shown


def test_what_is_wrong_with_the_command_line_is_told(tmp_path: Path, capsys: Printed) -> None:
    star, other = tmp_path / "a.fits", tmp_path / "more" / "a.fits"
    other.parent.mkdir()
    fits_file(star, stars())
    shutil.copy(star, other)
    void = tmp_path / "DESIVAST_BGS_VOLLIM_VoidFinder_NGC.fits"
    for arguments, told in (
        ([str(tmp_path / "nowhere.fits"), "--model", "positions"], "cannot be read"),
        ([str(star), "--model", "desivast"], "a.fits is not a file of model desivast"),
        ([str(other.parent), "--model", "desivast"], "there is nothing to load"),
        ([str(tmp_path), "--model", "positions"], "two files are called a.fits"),
        ([str(star), "--model", "positions", "--table", "x"], "has no table 'x'"),
        ([str(star), "--model", "desivast", "--as", "x"], "one name cannot be that of several"),
        ([str(void), "--model", "desivast"], "cannot be read"),
        ([], "Missing argument"),
    ):
        assert _dry(*arguments) == 2, arguments
        assert told in capsys.readouterr().err


def test_without_its_readers_loading_says_what_to_install(
    tmp_path: Path, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = fits_file(tmp_path / "a.fits", stars())
    monkeypatch.setattr(catalogue, "READERS", ("numpy", "no_such_reader"))
    assert _dry(str(file), "--model", "positions") == 2
    shown = capsys.readouterr().err
    assert "there is no no_such_reader" in shown
    assert "astro-labdb[catalogue]" in shown


def test_a_packed_file_is_told_to_be_unpacked(tmp_path: Path, capsys: Printed) -> None:
    file = tmp_path / "exposures-x.fits"
    file.write_bytes(b"\x1f\x8b\x08")
    assert _dry(str(file), "--model", "exposures") == 5
    assert "does not begin with SIMPLE" in capsys.readouterr().err


def test_progress_in_a_pipe_is_a_line_a_file(capsys: Printed) -> None:
    with LoadProgress(no_color=True) as progress:
        progress.expect(10)
        progress.say("a.fits to raw.[x]")
        progress.advance(10)
    shown = capsys.readouterr()
    assert "a.fits to raw.[x]" in shown.err
    assert shown.out == ""


def test_progress_on_a_terminal_has_rows_rate_and_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    with LoadProgress() as progress:
        progress.expect(1000)
        progress.say("a.fits")
        progress.advance(400)
        progress.advance(-100)
        assert progress.progress is not None
        progress.progress.refresh()
    shown = capsys.readouterr().err
    assert "300/1,000 rows" in shown
    assert "-:--:--" in shown


def test_the_survey_s_writer_says_what_it_wrote(tmp_path: Path, capsys: Printed) -> None:
    assert fits.main([str(tmp_path), "--scale", "0.0005", "--plain"]) == 0
    assert len(list(tmp_path.iterdir())) == 21
    assert "exposures-iron.fits" in capsys.readouterr().out
