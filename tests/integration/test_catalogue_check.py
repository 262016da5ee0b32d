"""Loaded catalogues are checked, and each kind of fault is found and named."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from bench.desi import fits, voids
from psycopg.sql import SQL
from tests.catalogue import Desi, Loader, fits_file, stars
from tests.postgres16 import Postgres16

from labdb.adapters.catalogue import check as asking
from labdb.adapters.catalogue import ledger, models, tables
from labdb.adapters.catalogue.check import snapshot
from labdb.adapters.catalogue.connection import connect
from labdb.adapters.catalogue.tables import Target
from labdb.cli.app import run

pytestmark = pytest.mark.postgres
LOADED = 1
"""With a warning: there is no q3c here."""
MODELS = ("desivast", "fastspecfit", "exposures")


class Check:
    """The command, and what it answered."""

    def __init__(self, desi: Desi, capsys: pytest.CaptureFixture[str]) -> None:
        self.desi = desi
        self.capsys = capsys
        self.answer: dict[str, Any] = {}

    def __call__(self, *options: str) -> int:
        self.capsys.readouterr()
        code = run(["catalogue", "check", *options, "--conninfo", self.desi.conninfo, "--json"])
        self.answer = json.loads(self.capsys.readouterr().out)
        return code

    def rules(self, *statuses: str) -> dict[str, dict[str, Any]]:
        return {
            f"{table['table'].removeprefix('raw_catalogs.')}: {rule['rule']}": rule
            for table in self.answer["data"]["tables"]
            for rule in table["rules"]
            if rule["status"] in statuses
        }


class Copy(Desi):
    """A database that is made like another one."""

    def __init__(self, server: Postgres16, of: Desi) -> None:
        super().__init__(server)
        postgres = Desi(server)
        postgres.do(f"DROP DATABASE {self.name}")
        postgres.do(f"CREATE DATABASE {self.name} TEMPLATE {of.name}")


@pytest.fixture(scope="module")
def whole(catalogues: Postgres16, survey: Path) -> Desi:
    """A database with a small survey, loaded once."""
    desi = Desi(catalogues)
    for model in MODELS:
        run(["catalogue", "load", str(survey), "--model", model, "--conninfo", desi.conninfo])
    return desi


@pytest.fixture
def check(
    whole: Desi, catalogues: Postgres16, capsys: pytest.CaptureFixture[str]
) -> Iterator[Check]:
    copy = Copy(catalogues, whole)
    yield Check(copy, capsys)
    Desi(catalogues).do(f"DROP DATABASE {copy.name} WITH (FORCE)")


def test_a_part_of_the_survey_passes_what_any_part_fulfils(check: Check) -> None:
    assert check() == 0, check.rules("failed", "warning")
    assert check.rules("failed", "warning") == {}
    assert check.answer["data"]["passed"] >= 80
    judged = check.rules("passed")
    assert "fastspecfit_galaxies: main-sequence-slope" in judged
    assert "desivast_galzone: zone-is-a-zone" in judged
    assert "the unique index" in judged["fastspecfit_galaxies: key"]["sentence"]
    ledger_rule = judged["fastspecfit_galaxies: rows-of-each-file"]
    assert ledger_rule["observed"] == "12,891 rows of 12 files"
    left = check.rules("skipped").values()
    assert {rule["scale"] for rule in left} == {"full"}


def test_a_part_is_not_the_whole_survey(check: Check) -> None:
    assert check("--expect", "full", "--table", "desivast_voids") == 1
    rule = check.rules("failed")["desivast_voids: voids-by-algorithm"]
    assert "REVOLVER: rows 4 in place of 1,992" in rule["sentence"]


FAULTS = {
    "a void is gone": (
        (
            "DELETE FROM raw_catalogs.desivast_voids WHERE algorithm = 'VIDE' AND void = 0"
            " AND galactic_cap = 'NGC'"
        ),
        "desivast_voids: rows-of-each-file",
        "DESIVAST_BGS_VOLLIM_V2_VIDE_NGC.fits: rows 2 in place of 3",
    ),
    "a void is gone that zones name": (
        "DELETE FROM raw_catalogs.desivast_voids WHERE algorithm = 'ZOBOV' AND void = 0",
        "desivast_zonevoid: void0-is-a-void",
        "2 rows whose algorithm, galactic_cap, void0 is not in voids",
    ),
    "rows that no file has": (
        ("UPDATE raw_catalogs.desivast_maximals SET source_id = 99 WHERE void = 0"),
        "desivast_maximals: rows-of-each-file",
        "99: 2 rows, none are expected",
    ),
    "a key comes twice": (
        (
            "ALTER TABLE raw_catalogs.fastspecfit_galaxies"
            " DROP CONSTRAINT fastspecfit_galaxies_pkey;"
            " INSERT INTO raw_catalogs.fastspecfit_galaxies"
            " SELECT * FROM raw_catalogs.fastspecfit_galaxies ORDER BY targetid LIMIT 1"
        ),
        "fastspecfit_galaxies: key",
        "2 rows share targetid with another",
    ),
    "a value is missing": (
        (
            "UPDATE raw_catalogs.fastspecfit_galaxies SET sfr = NULL WHERE ctid IN"
            " (SELECT ctid FROM raw_catalogs.fastspecfit_galaxies LIMIT 3)"
        ),
        "fastspecfit_galaxies: complete: sfr",
        "3 rows without sfr",
    ),
    "a right ascension is 360": (
        "UPDATE raw_catalogs.desivast_voids SET ra = 360 WHERE algorithm = 'VIDE' AND void = 1",
        "desivast_voids: right-ascension",
        "1 row of ra outside of ≥ 0 and < 360",
    ),
    "a value is not a number": (
        "UPDATE raw_catalogs.desivast_voids SET ra = 'NaN' WHERE algorithm = 'VIDE' AND void = 1",
        "desivast_voids: right-ascension",
        "1 row of ra outside of ≥ 0 and < 360",
    ),
    "a zone is an orphan": (
        (
            "UPDATE raw_catalogs.desivast_galzone SET zone = 9999 WHERE gal = 5"
            " AND algorithm = 'VIDE' AND galactic_cap = 'NGC'"
        ),
        "desivast_galzone: zone-is-a-zone",
        "1 row whose algorithm, galactic_cap, zone is not in zonevoid",
    ),
    "star formation no longer follows mass": (
        "UPDATE raw_catalogs.fastspecfit_galaxies SET sfr = 1",
        "fastspecfit_galaxies: main-sequence-slope",
        "slope 0 in place of 0.4 to 1.2",
    ),
    "radii are in another unit": (
        "UPDATE raw_catalogs.desivast_voids SET radius = radius / 0.7 * 1.6",
        "desivast_voids: mean-radius-plausible",
        "REVOLVER: mean 38",
    ),
    "all galaxies are dead": (
        "UPDATE raw_catalogs.fastspecfit_galaxies SET sfr = 1e-6",
        "fastspecfit_galaxies: quenched-fraction",
        "fraction 1 in place of 0.5 to 0.9",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_and_named(check: Check, fault: str) -> None:
    statement, rule, sentence = FAULTS[fault]
    for one in statement.split("; "):
        check.desi.do(one)
    assert check() == 1
    found = check.rules("failed")
    assert rule in found, sorted(found)
    assert sentence in found[rule]["sentence"]
    assert check.desi.ask(found[rule]["query"])


@pytest.fixture(scope="module")
def all_voids(catalogues: Postgres16, tmp_path_factory: pytest.TempPathFactory) -> Desi:
    """A database with every void of the survey."""
    folder = tmp_path_factory.mktemp("voids")
    for number, piece in enumerate(voids.generate(1, 1.0)):
        rng = np.random.default_rng(number)
        known = piece.algorithm.has_redshift
        columns = fits._voids(rng, piece) if known else fits._maximals(rng, piece)
        hdu = fits.hdu("VOIDS" if known else "MAXIMALS", columns, fits.UNITS)
        fits.save(folder / f"DESIVAST_BGS_VOLLIM_{piece.algorithm.file}_{piece.cap}.fits", [hdu])
    desi = Desi(catalogues)
    for table in ("voids", "maximals"):
        run(["catalogue", "load", str(folder), "--model", "desivast", "--table", table,
             "--conninfo", desi.conninfo])  # fmt: skip
    return desi


def test_all_voids_fulfil_what_holds_of_the_whole_survey(
    all_voids: Desi, capsys: pytest.CaptureFixture[str]
) -> None:
    check = Check(all_voids, capsys)
    assert check("--expect", "full") == 0, check.rules("failed")
    found = check.rules("passed")
    assert found["desivast_voids: voids-by-algorithm"]["observed"] == (
        "REVOLVER 1,992, VIDE 1,478, ZOBOV 3,519"
    )
    assert found["desivast_maximals: voids"]["observed"] == "3,765"
    assert found["desivast_maximals: median-radius"]["wanted"] == "11.83 to 12.03"
    assert check.rules("skipped") == {}
    # The generated radii are cut off where few voids are: see bench/desi/voids.py.
    assert list(check.rules("warning")) == ["desivast_voids: spread-of-zobov"]


def test_two_voids_too_few_are_noticed(
    all_voids: Desi, catalogues: Postgres16, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Copy(catalogues, all_voids)
    copy.do("DELETE FROM raw_catalogs.desivast_voids WHERE algorithm = 'ZOBOV' AND void > 2947")
    check = Check(copy, capsys)
    assert check("--expect", "full") == 1
    rule = check.rules("failed")["desivast_voids: voids-by-algorithm"]
    assert rule["sentence"] == "ZOBOV: rows 3,517 in place of 3,519"


def test_a_warning_is_told_and_no_more(check: Check) -> None:
    check.desi.do("UPDATE raw_catalogs.fastspecfit_galaxies SET z = 2 - z WHERE z < 1")
    assert check("--table", "fastspecfit_galaxies") == 0
    rule = check.rules("warning")["fastspecfit_galaxies: mass-with-redshift"]
    assert rule["sentence"].startswith("correlation -0.")
    assert check.rules("failed") == {}


def test_the_broken_rows_are_named_with_their_file(check: Check) -> None:
    check.desi.do("UPDATE raw_catalogs.desivast_voids SET radius = 800 WHERE algorithm = 'VIDE'")
    assert check() == 1
    rule = check.rules("failed")["desivast_voids: radius"]
    (row, *more) = rule["examples"]
    assert row["algorithm"] == "VIDE"
    assert row["radius"] == "800"
    assert row["file"].startswith("DESIVAST_BGS_VOLLIM_V2_VIDE_")
    assert len(more) + 1 == len(check.desi.ask(rule["query"])) == 4


def test_values_that_cannot_be_computed_fail_their_rule_alone(check: Check, tmp_path: Path) -> None:
    rule = (
        "      - {name: impossible, kind: statistic, statistic: mean, of: 1 / (expid - expid),"
        " between: {minimum: 0}}\n"
    )
    model = _own_model(tmp_path, "exposures", rule)
    assert check("--table", "exposures", "--model", str(model)) == 1
    assert list(check.rules("failed")) == ["exposures: impossible"]
    assert "division by zero" in check.rules("failed")["exposures: impossible"]["sentence"]
    assert "exposures: mjd" in check.rules("passed")


def _own_model(folder: Path, name: str, rules: str) -> Path:
    for end in (".yaml", ".labdb.yaml"):
        text = (models.SHIPPED / f"{name}{end}").read_text(encoding="utf-8")
        if end == ".labdb.yaml":
            text = text.replace("    rules:\n", f"    rules:\n{rules}", 1)
        (folder / f"{name}{end}").write_text(text, encoding="utf-8")
    return folder / f"{name}.yaml"


def test_a_table_whose_columns_changed_is_told(check: Check) -> None:
    check.desi.do("ALTER TABLE raw_catalogs.exposures DROP COLUMN airmass")
    assert check("--table", "exposures") == 1
    (table,) = check.answer["data"]["tables"]
    assert "airmass" in table["problems"][0]


def test_a_file_that_was_not_loaded_to_the_end_is_told(check: Check) -> None:
    check.desi.do(
        "UPDATE raw_catalogs.load_ledger SET finished_at = NULL"
        " WHERE table_name = 'desivast_voids' AND source_id = 1"
    )
    assert check("--table", "desivast_voids") == 1
    assert check.answer["data"]["tables"][0]["problems"] == [
        "1 of its files are not loaded to the end"
    ]


def test_what_takes_too_long_is_broken_off(check: Check) -> None:
    check.desi.do(
        "ALTER TABLE raw_catalogs.exposures RENAME TO there;"
        " CREATE VIEW raw_catalogs.exposures AS"
        " SELECT there.* FROM raw_catalogs.there,"
        " LATERAL (SELECT pg_sleep(there.exptime * 0 + 0.1) OFFSET 0) AS slow"
    )
    assert check("--table", "exposures", "--timeout", "1") == 5
    assert "too long" in check.answer["error"]["what"]
    assert "--timeout" in check.answer["error"]["hint"]


def test_a_check_changes_nothing_and_needs_no_right_to(check: Check) -> None:
    check.desi.do("DROP ROLE IF EXISTS reader")
    check.desi.do("CREATE ROLE reader LOGIN")
    check.desi.do("GRANT USAGE ON SCHEMA raw_catalogs TO reader")
    check.desi.do("GRANT SELECT ON ALL TABLES IN SCHEMA raw_catalogs TO reader")
    before = check.desi.prints()
    conninfo = check.desi.conninfo.replace("user=postgres", "user=reader")
    code = run(["catalogue", "check", "--expect", "full", "--conninfo", conninfo])
    assert code == 1  # it is no whole survey
    assert check.desi.prints() == before


def test_malicious_names_and_values_do_no_harm(
    desi: Desi, load: Loader, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    name = """we"ird'; DROP TABLE raw_catalogs.load_ledger; --<script>alert(1)</script>$x$"""[:63]
    evil = tmp_path / "<img src=x onerror=alert(1)>.fits"
    fits_file(evil, stars(50))
    assert load(evil, options=("--as", name)) == LOADED
    quoted = '"' + name.replace('"', '""') + '"'
    desi.do(f"UPDATE raw_catalogs.{quoted} SET phot_g_mean_mag = 99")
    desi.do(f"UPDATE raw_catalogs.{quoted} SET pmra = 99999 WHERE source_number IN"
            f" (SELECT source_number FROM raw_catalogs.{quoted} LIMIT 1)")  # fmt: skip
    check = Check(desi, capsys)
    page = tmp_path / "check.html"
    assert check("--html", str(page)) == 1, check.answer
    (rule,) = check.rules("failed").values()
    assert rule["examples"][0]["file"] == evil.name
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "<img src=x" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;.fits" in text
    assert desi.one("SELECT count(*) FROM raw_catalogs.load_ledger") == 1


def test_a_model_that_labdb_does_not_have_is_asked_for(
    desi: Desi, capsys: pytest.CaptureFixture[str], load: Loader, tmp_path: Path
) -> None:
    assert load(fits_file(tmp_path / "a.fits", stars(20))) == LOADED
    # Not even a path of a model's files in the ledger is followed.
    desi.do(f"UPDATE raw_catalogs.load_ledger SET model = '{tmp_path}/positions.yaml'")
    _own_model(tmp_path, "positions", "")
    check = Check(desi, capsys)
    assert check() == 2
    assert "--model" in check.answer["error"]["hint"]


def test_a_database_without_catalogues_and_a_wrong_name_are_told(
    desi: Desi, capsys: pytest.CaptureFixture[str], check: Check
) -> None:
    assert Check(desi, capsys)() == 2
    assert check("--table", "desivast_void") == 2
    assert "did you mean desivast_voids?" in check.answer["error"]["why"]


def test_the_page_needs_nothing_else_and_shows_the_plots(check: Check, tmp_path: Path) -> None:
    page = tmp_path / "check.html"
    assert check("--html", str(page)) == 0
    text = page.read_text(encoding="utf-8")
    assert "http:" not in text
    assert "https:" not in text
    assert "<script" not in text
    assert text.count('src="data:image/png;base64,') >= 9
    for title in ("Void sizes", "Redshifts", "Stellar masses", "desivast_voids on the sky"):
        assert f'alt="{title}"' in text or f'raw_catalogs.{title}"' in text
    assert "plots" not in check.answer["data"]["tables"][0]


def test_people_get_one_line_a_rule(check: Check, capsys: pytest.CaptureFixture[str]) -> None:
    check.desi.do("UPDATE raw_catalogs.desivast_voids SET radius = 800 WHERE algorithm = 'VIDE'")
    assert run(["catalogue", "check", "--conninfo", check.desi.conninfo]) == 1
    out = capsys.readouterr().out
    assert "FAILED" in out
    assert "4 rows of radius outside of ≥ 0 and ≤ 700" in out
    assert "SELECT" in out


@pytest.mark.usefixtures("with_vector")
@pytest.mark.parametrize("name", models.names())
def test_the_rules_of_every_model_can_be_asked(
    name: str, desi: Desi, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Even of empty tables: PostgreSQL understands each, and none of them fails."""
    desi.do("CREATE EXTENSION vector")
    with desi.session() as connection:
        ledger.create(connection, "s")
        for table in models.load(name).tables:
            tables.create(connection, Target("s", table.name), table)
            ledger.register(connection, "s", table.name, ["one"], table)
    desi.do("UPDATE s.load_ledger SET finished_at = now(), rows_loaded = 0, rows_read = 0")
    check = Check(desi, capsys)
    assert check("--html", str(tmp_path / "page.html")) == 0, check.rules("failed")
    troubles = [one for one in check.rules("skipped").values() if "cannot" in one["sentence"]]
    assert troubles == []


def test_nothing_can_be_written_and_one_statement_is_one(check: Check) -> None:
    check.desi.do("CREATE FUNCTION public.ln(real) RETURNS float8 LANGUAGE sql AS 'SELECT 666'")
    with connect(check.desi.conninfo) as connection, snapshot(connection, 5):
        assert asking._rows(connection, SQL("SELECT ln(1::real)").format()) == [(0.0,)]
        for wrong in (
            "DELETE FROM raw_catalogs.desivast_voids",
            "SELECT 1; SELECT 2",
            "SELECT set_config('transaction_read_only', 'off', false)",
        ):
            with pytest.raises(psycopg.Error), connection.transaction():
                asking._rows(connection, SQL(wrong).format())
