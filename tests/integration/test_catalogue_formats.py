"""Catalogues of any format come to the same rows; what is wrong with one is told by its name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from astropy.io import fits as astropy_fits
from astropy.io.votable import from_table
from astropy.table import Table
from bench.desi import fits
from tests.catalogue import TABLE, Desi, Loader, fits_file, stars

from labdb.adapters.catalogue import models

pytestmark = pytest.mark.postgres


UNITS = {"RA": "deg", "DEC": "deg", "PMRA": "mas/yr", "REF_EPOCH": "yr"}


def with_gaps() -> dict[str, np.ndarray]:
    columns = stars(500)
    columns["PARALLAX"][::7] = np.nan
    return columns


def astropy_table(columns: dict[str, np.ndarray]) -> Any:
    masked = {name: np.ma.masked_invalid(values) if values.dtype.kind == "f" else values
              for name, values in columns.items()}  # fmt: skip
    table = Table(masked)
    for name, unit in UNITS.items():
        table[name].unit = unit
    return table


def write_parquet(path: Path, columns: dict[str, np.ndarray]) -> None:
    fields = [
        pa.field(name, pa.from_numpy_dtype(values.dtype), metadata={"unit": UNITS.get(name, "")})
        for name, values in columns.items()
    ]
    table = pa.table(
        [pa.array(values, from_pandas=True) for values in columns.values()], pa.schema(fields)
    )
    pq.write_table(table, path, row_group_size=97)


def write_csv(path: Path, columns: dict[str, np.ndarray]) -> None:
    table = pa.table({name: pa.array(values, from_pandas=True) for name, values in columns.items()})
    pa_csv.write_csv(table, path)


def write_ecsv(path: Path, columns: dict[str, np.ndarray]) -> None:
    astropy_table(columns).write(path, format="ascii.ecsv")


def save_votable(table: Any, path: Path, how: str) -> None:
    """Write a table by the part of astropy that is in Python.

    The one in C (tablewriter.c of astropy 8.0.2) writes beyond its buffer: PYTHONMALLOC=debug
    shows it, and without that the process crashes later, wherever it is then.
    """
    document = from_table(table)
    document.to_xml(str(path), tabledata_format=how, _debug_python_based_parser=True)


def write_votable(path: Path, columns: dict[str, np.ndarray], how: str = "tabledata") -> None:
    save_votable(astropy_table(columns), path, how)


def write_binary(path: Path, columns: dict[str, np.ndarray]) -> None:
    write_votable(path, columns, "binary")


def write_binary2(path: Path, columns: dict[str, np.ndarray]) -> None:
    write_votable(path, columns, "binary2")


WRITERS: dict[str, Callable[[Path, dict[str, np.ndarray]], None]] = {
    "stars.parquet": write_parquet,
    "stars.csv": write_csv,
    "stars.ecsv": write_ecsv,
    "stars.vot": write_votable,
    "stars-binary.vot": write_binary,
    "stars-binary2.xml": write_binary2,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_rows_of_the_fits_file(
    load: Loader, desi: Desi, tmp_path: Path, name: str
) -> None:
    load(fits_file(tmp_path / "stars.fits", with_gaps(), UNITS))
    WRITERS[name](tmp_path / name, with_gaps())
    assert load(tmp_path / name, options=("--as", "other")) == 1, load.answer
    prints = desi.prints()
    assert prints["other"].rows == 500
    assert prints["other"].hash == prints["positions"].hash
    order = "SELECT array_agg(source_number ORDER BY ctid) FROM raw_catalogs."
    assert desi.one(order + "other") == desi.one(order + "positions")
    nulls = desi.one("SELECT nulls->'parallax' FROM raw_catalogs.load_ledger"
                     " WHERE table_name = 'other'")  # fmt: skip
    assert sum(nulls.values()) == 72


@pytest.mark.parametrize("name", ["stars.parquet", "stars.ecsv", "stars.vot", "stars-binary.vot"])
def test_a_wrong_unit_is_told_in_every_format_that_has_units(
    load: Loader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setitem(UNITS, "PMRA", "arcsec/yr")
    WRITERS[name](tmp_path / name, stars())
    assert load(tmp_path / name) == 3
    assert "wanted 'mas/yr'" in load.error["why"]


@pytest.mark.parametrize("name", WRITERS)
def test_a_missing_column_is_told_in_every_format(load: Loader, tmp_path: Path, name: str) -> None:
    columns = stars()
    del columns["PMDEC"]
    WRITERS[name](tmp_path / name, columns)
    assert load(tmp_path / name) == 3
    assert "the file has no column PMDEC" in load.error["why"]


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_that_is_cut_off_fails_in_every_format(
    load: Loader, desi: Desi, tmp_path: Path, name: str
) -> None:
    file = tmp_path / name
    WRITERS[name](file, stars(2000))
    size = file.stat().st_size
    with file.open("r+b") as cut:
        cut.truncate(size - size // 3 - 2)
    assert load(file) == 5, load.answer
    assert name in load.error["what"]
    assert desi.ask("SELECT to_regclass('raw_catalogs.positions')") == [(None,)] or not desi.one(
        f"SELECT count(*) FROM {TABLE}"
    )


def test_a_csv_value_of_another_type_is_told_with_its_column(load: Loader, tmp_path: Path) -> None:
    file = tmp_path / "stars.csv"
    write_csv(file, stars())
    file.write_text(file.read_text().replace("2016", "J2016", 1))
    assert load(file) == 5
    assert "stars.csv cannot be read" in load.error["what"]
    assert "J2016" in load.error["why"]


def test_flipped_bytes_of_a_parquet_file_are_noticed_or_the_file_refused(
    load: Loader, desi: Desi, tmp_path: Path
) -> None:
    file = tmp_path / "stars.parquet"
    columns = stars(5000)
    pq.write_table(
        pa.table({name: pa.array(values) for name, values in columns.items()}),
        file,
        write_page_checksum=True,
    )
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file.write_bytes(data)
    assert load(file) == 5
    assert "stars.parquet cannot be read" in load.error["what"]
    assert desi.one(f"SELECT count(*) FROM {TABLE}") == 0


def test_texts_with_nul_are_rejected(load: Loader, desi: Desi, tmp_path: Path) -> None:
    del desi
    columns = {name.lower(): pa.array(values) for name, values in _exposures(3).items()}
    columns["survey"] = pa.array(["main", "a\0b", "ok"])
    pq.write_table(pa.table(columns), tmp_path / "exposures-x.parquet")
    assert load(tmp_path / "exposures-x.parquet", model="exposures") == 5
    assert "survey has a NUL byte" in load.error["why"]


def test_texts_of_any_kind_come_as_they_are(load: Loader, desi: Desi, tmp_path: Path) -> None:
    harm = ["tab\there", "quote'\"", "back\\slash", "\\N", "line\nend", "Ångström 銀河", "{a,b}"]
    columns = {name.lower(): pa.array(values) for name, values in _exposures(len(harm)).items()}
    columns["survey"] = pa.array(harm)
    columns["program"] = pa.array(["", None, *["dark"] * 5]).dictionary_encode()
    pq.write_table(pa.table(columns), tmp_path / "exposures-x.parquet")
    assert load(tmp_path / "exposures-x.parquet", model="exposures") == 0
    found = desi.ask("SELECT survey, program FROM raw_catalogs.exposures ORDER BY expid")
    assert [one for one, _ in found] == harm
    assert [one for _, one in found] == [None, None, *["dark"] * 5]


def _exposures(count: int) -> dict[str, np.ndarray]:
    floats = ("TILERA", "TILEDEC", "MJD", "EXPTIME", "EFFTIME_SPEC", "GOALTIME", "SEEING_ETC",
              "SEEING_GFA", "TRANSPARENCY_GFA", "SKY_MAG_R_SPEC")  # fmt: skip
    return {
        "NIGHT": np.full(count, 20210514, dtype="i4"),
        "EXPID": np.arange(count, dtype="i4"),
        "TILEID": np.arange(count, dtype="i4"),
        "SURVEY": np.full(count, "main"),
        "PROGRAM": np.full(count, "dark"),
        "AIRMASS": np.ones(count, dtype="f4"),
        "EBV": np.ones(count, dtype="f4"),
        **{name: np.full(count, 59000.5) for name in floats},
    }


def _redshifts(count: int) -> dict[str, np.ndarray]:
    integers = ("ZWARN", "DESI_TARGET", "BGS_TARGET")
    small = ("PMRA", "PMDEC", "REF_EPOCH", "EBV", "FLUX_G", "FLUX_R", "FLUX_Z", "FLUX_W1",
             "FLUX_W2", "TSNR2_BGS", "TSNR2_LRG")  # fmt: skip
    return {
        "TARGETID": np.arange(count), "SURVEY": np.full(count, b"main"),
        "PROGRAM": np.full(count, b"dark"), "HEALPIX": np.ones(count, dtype="i4"),
        "SPECTYPE": np.full(count, b"QSO"), "SUBTYPE": np.full(count, b"", "S20"),
        "COADD_FIBERSTATUS": np.zeros(count, dtype="i4"), "OBJTYPE": np.full(count, b"TGT"),
        "MORPHTYPE": np.full(count, b"PSF"), "ZCAT_NSPEC": np.ones(count, dtype="i2"),
        **{name: np.ones(count) for name in
           ("Z", "ZERR", "CHI2", "DELTACHI2", "TARGET_RA", "TARGET_DEC")},
        **{name: np.ones(count, dtype="i8") for name in integers},
        **{name: np.ones(count, dtype="f4") for name in small},
    }  # fmt: skip


def test_vectors_become_arrays(load: Loader, desi: Desi, tmp_path: Path) -> None:
    count = 4
    coeff = np.arange(count * 10, dtype="f8").reshape(count, 10)
    columns = _redshifts(count) | {"COEFF": coeff}
    table = fits.hdu("ZCATALOG", columns, {})
    with_flags = astropy_fits.BinTableHDU.from_columns(
        [*table.columns, astropy_fits.Column("ZCAT_PRIMARY", "L", array=[True, False, True, True])],
        name="ZCATALOG",
    )
    load(fits.save(tmp_path / "zall-pix-iron.fits", [with_flags]), model="zcatalog")
    rows = desi.ask(
        "SELECT coeff, zcat_primary, subtype FROM raw_catalogs.zcatalog_redshifts ORDER BY targetid"
    )
    assert [row[0] for row in rows] == coeff.tolist()
    assert [row[1] for row in rows] == [True, False, True, True]
    assert {row[2] for row in rows} == {None}


VOTABLE = """<?xml version="1.0"?>
<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">
 <RESOURCE type="results">
  <INFO name="QUERY_STATUS" value="OK"/>
  <TABLE{nrows}>
   <FIELD name="source_id" datatype="long" ucd="meta.id"><VALUES null="-1"/></FIELD>
   <FIELD name="ra" datatype="double" unit="deg" ucd="{ucd}"/>
   <FIELD name="dec" datatype="double" unit="deg" ucd="POS_EQ_DEC_MAIN"/>
   <FIELD name="ref_epoch" datatype="double" unit="yr"/>
   <FIELD name="parallax" datatype="double" unit="mas"><VALUES null="-99"/></FIELD>
   <FIELD name="pmra" datatype="double"/>
   <FIELD name="pmdec" datatype="double"/>
   <FIELD name="phot_g_mean_mag" datatype="float"/>
   <FIELD name="flags" datatype="bit" arraysize="9"/>
   <DATA><TABLEDATA>
{rows}
   </TABLEDATA></DATA>
  </TABLE>
{after}
 </RESOURCE>
</VOTABLE>
"""
ROW = ("1", "12.5", "-3", "2016", "0.5", "1", "2", "17.25", "1 0 1")


def votable(path: Path, *rows: tuple[str, ...], **given: str) -> Path:
    told = "\n".join(
        "<TR>" + "".join(f"<TD>{value}</TD>" for value in row) + "</TR>" for row in rows
    )
    filled = {"nrows": "", "ucd": "pos.eq.ra;meta.main", "after": ""} | given
    path.write_text(VOTABLE.format(rows=told, **filled), encoding="utf-8")
    return path


def test_nulls_of_a_votable_are_what_values_says_and_empty_cells(
    load: Loader, desi: Desi, tmp_path: Path
) -> None:
    rows = [
        ROW,
        ("2", *ROW[1:4], "-99", *ROW[5:]),
        ("0x3", *ROW[1:4], "", " +1e1 ", "NaN", *ROW[7:]),
    ]
    assert load(votable(tmp_path / "a.vot", *rows, nrows=' nrows="3"')) == 1, load.answer
    assert desi.ask(f"SELECT source_number, ra, parallax, pmra, pmdec FROM {TABLE} ORDER BY 1") == [
        (1, 12.5, 0.5, 1, 2),
        (2, 12.5, None, 1, 2),
        (3, 12.5, None, 10, None),
    ]


def test_a_key_that_values_calls_null_is_rejected(load: Loader, tmp_path: Path) -> None:
    assert load(votable(tmp_path / "a.vot", ROW, ("-1", *ROW[1:]))) == 5
    assert "row 2: source_number is missing" in load.error["why"]


def test_a_ucd_of_another_quantity_is_told(load: Loader, tmp_path: Path) -> None:
    assert load(votable(tmp_path / "a.vot", ROW, ucd="pos.galactic.lon")) == 3
    assert "'ra' is 'pos.galactic.lon', wanted 'pos.eq.ra;meta.main'" in load.error["why"]


@pytest.mark.parametrize(
    ("given", "rows", "told"),
    [
        ({"nrows": ' nrows="2"'}, [ROW], "nrows is 2, the table has 1"),
        ({}, [ROW[:-1]], "it has 8 values for 9 FIELDs"),
        ({}, [ROW, ("2", "north", *ROW[2:])], "row 2: ra: could not convert string"),
        ({"after": '<INFO name="QUERY_STATUS" value="OVERFLOW"/>'}, [ROW], "cut its answer off"),
        (
            {"after": '<INFO name="QUERY_STATUS" value="ERROR">no more memory</INFO>'},
            [ROW],
            "answered with an error: no more memory",
        ),
        ({"after": "<TR></TABLE>"}, [ROW], "mismatched tag"),
    ],
)
def test_a_votable_that_is_not_whole_fails_with_its_name(
    load: Loader, tmp_path: Path, given: dict[str, str], rows: list[tuple[str, ...]], told: str
) -> None:
    assert load(votable(tmp_path / "a.vot", *rows, **given)) == 5, load.answer
    assert "a.vot" in load.error["what"]
    assert told in load.error["why"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no element found"),
        ("<html>busy</html>", "it has no TABLE with DATA"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><VOTABLE/>', "it declares an entity (b)"),
        ("not XML", "syntax error"),
    ],
)
def test_what_is_no_votable_is_told(load: Loader, tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "a.vot"
    file.write_text(text, encoding="utf-8")
    assert load(file) == 5
    assert told in load.error["why"]


@pytest.mark.parametrize("how", ["tabledata", "binary", "binary2"])
def test_texts_arrays_booleans_and_times_of_a_votable_come_as_they_are(
    load: Loader, desi: Desi, tmp_path: Path, how: str
) -> None:
    count = 5
    coeff = np.arange(count * 10, dtype="f8").reshape(count, 10)
    columns = _redshifts(count) | {"COEFF": coeff, "SUBTYPE": np.array(["", "A", "Å", "<&>", "x"])}
    table = Table(columns)
    table["ZCAT_PRIMARY"] = [True, False, True, True, False]
    save_votable(table, tmp_path / "zall-pix-iron.vot", how)
    model = tmp_path / "zcatalog.yaml"
    for end in (".yaml", ".labdb.yaml"):
        text = (models.SHIPPED / f"zcatalog{end}").read_text(encoding="utf-8")
        model.with_suffix(end).write_text(text.replace(r"\.fits", r"\.vot"), encoding="utf-8")
    assert load(tmp_path / "zall-pix-iron.vot", model=str(model)) == 1, load.error["why"]
    rows = desi.ask(
        "SELECT coeff, zcat_primary, subtype FROM raw_catalogs.zcatalog_redshifts ORDER BY targetid"
    )
    assert [row[0] for row in rows] == coeff.tolist()
    assert [row[1] for row in rows] == [True, False, True, True, False]
    assert [row[2] for row in rows] == [None, "A", "Å", "<&>", "x"]
