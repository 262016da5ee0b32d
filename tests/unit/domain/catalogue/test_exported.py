"""Columns on their way out of the database, and what an export says of itself."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labdb.adapters.catalogue import models
from labdb.domain.catalogue import comment, exported_model, pgcopy, pgcopy_read
from labdb.domain.catalogue import manifest as manifests
from labdb.domain.catalogue.carried import PARQUET, Carried, carried
from labdb.domain.catalogue.kind import Kind
from labdb.domain.catalogue.manifest import (
    Definition,
    FilePart,
    Manifest,
    NotAManifest,
    Snapshot,
)
from labdb.domain.catalogue.pgcopy import Cells
from labdb.domain.catalogue.pgcopy_read import NotThisTable, columns
from labdb.domain.catalogue.table import Column, join
from labdb.domain.recovery.fingerprint import TableFingerprint
from labdb.spec.check import Refers
from labdb.spec.data_model import SchemaModel
from labdb.spec.data_source import ModelSource

DTYPES = {
    Kind.BOOLEAN: "?", Kind.SHORT: "i2", Kind.INT: "i4", Kind.LONG: "i8", Kind.FLOAT: "f4",
    Kind.DOUBLE: "f8",
}  # fmt: skip


def _column(kind: Kind, length: int | None = None, name: str = "x") -> Carried:
    return Carried(name, f"{kind}[]" if length else str(kind), kind, length)


@st.composite
def batches(draw: st.DrawFn) -> list[tuple[Carried, Any, Any]]:
    """Columns with what PostgreSQL would hold of them: values, and which are none."""
    rows = draw(st.integers(1, 30))
    found: list[tuple[Carried, Any, Any]] = []
    for number in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from([*DTYPES, Kind.TEXT, Kind.TIMESTAMP]))
        nulls = np.array(draw(st.lists(st.booleans(), min_size=rows, max_size=rows)))
        seed = draw(st.integers(0, 1000))
        rng = np.random.default_rng(seed)
        length = draw(st.sampled_from([None, 1, 3])) if kind.is_number else None
        if kind is Kind.TEXT:
            values: Any = [draw(st.text(st.characters(exclude_characters="\0",
                           codec="utf-8"), max_size=8)) for _ in range(rows)]  # fmt: skip
        elif kind is Kind.TIMESTAMP:
            values = (rng.integers(-(10**15), 10**15, rows)).astype("M8[us]")
        else:
            shape = (rows, length) if length else (rows,)
            values = rng.integers(0, 2**62, shape).view("u8").astype(DTYPES[kind])
            if values.dtype.kind == "f":
                values.flat[0] = np.nan
        found.append((_column(kind, length, f"c{number}"), values, nulls))
    return found


@given(found=batches())
def test_what_the_encoder_writes_the_decoder_reads(found: list[tuple[Carried, Any, Any]]) -> None:
    cells = []
    for column, values, nulls in found:
        if column.kind is Kind.TEXT:
            raw = [one.encode() for one in values]
            width = max(1, *map(len, raw)) if raw else 1
            lengths = np.array([len(one) for one in raw], np.int32)
            cells.append(Cells(column.kind, np.array(raw, f"S{width}"), nulls, lengths))
        else:
            cells.append(Cells(column.kind, values, nulls))
    stream = b"".join(pgcopy.records(cells))
    rows = _cut(stream, len(found[0][2]), len(found))
    for (column, values, nulls), read in zip(
        found, columns(rows, [one[0] for one in found]), strict=True
    ):
        none = read.nulls if read.nulls is not None else np.zeros(len(nulls), bool)
        assert none.tolist() == nulls.tolist()
        if column.kind is Kind.TEXT:
            assert read.offsets is not None
            texts = [
                read.values[begin:end].tobytes().decode()
                for begin, end in zip(read.offsets[:-1], read.offsets[1:], strict=True)
            ]
            assert texts == ["" if one else text for text, one in zip(values, nulls, strict=True)]
        else:
            assert read.values.dtype == values.dtype
            assert read.values[~none].tobytes() == values[~none].tobytes()
            assert not read.values[none].astype("i8").any()


def _cut(stream: bytes, rows: int, fields: int) -> list[bytes]:
    """Cut records as a server does: one message a row."""
    found, place = [], 0
    for _ in range(rows):
        begin = place
        place += 2
        for _ in range(fields):
            length = int.from_bytes(stream[place : place + 4], "big", signed=True)
            place += 4 + max(length, 0)
        found.append(stream[begin:place])
    assert place == len(stream)
    return found


@pytest.mark.parametrize(
    ("record", "column", "word"),
    [
        (b"\0\2\0\0\0\4\0\0\0\1", _column(Kind.INT), "has not 1 fields"),
        (b"\0\1\0\0\0\4\0\0\0\1", _column(Kind.LONG), "no bigint"),
        (b"\0\1\0\0\0\4\0\0\0\1x", _column(Kind.INT), "after its last field"),
        (b"\0\1\0\0\0\x99", _column(Kind.TEXT), "in the middle of x"),
        (b"\0", _column(Kind.INT), "has not 1 fields"),
        (
            b"\0\1\0\0\0\x1c" + b"\0\0\0\2" + bytes(24),
            _column(Kind.FLOAT, 1),
            "arrays that are no real",
        ),
    ],
)
def test_a_stream_of_other_columns_is_told(record: bytes, column: Carried, word: str) -> None:
    with pytest.raises(NotThisTable, match=word):
        columns([record], [column])


def test_a_timestamp_without_end_is_told() -> None:
    with pytest.raises(NotThisTable, match="infinity"):
        columns([b"\0\1\0\0\0\x08\x7f" + b"\xff" * 7], [_column(Kind.TIMESTAMP)])


def test_header_and_trailer_hold_no_record() -> None:
    assert pgcopy_read.row(pgcopy.HEADER + b"\0\1abc") == b"\0\1abc"
    assert pgcopy_read.row(pgcopy.HEADER) == b""
    assert pgcopy_read.row(pgcopy.HEADER + pgcopy.TRAILER) == b""
    assert pgcopy_read.row(pgcopy.TRAILER) == b""


PLAIN = st.text(st.characters(exclude_characters="[]()"), max_size=20)


@given(description=PLAIN, unit=PLAIN, ucd=st.from_regex(r"([a-z]+\.[a-z]+)?", fullmatch=True))
def test_a_comment_tells_what_the_model_said(description: str, unit: str, ucd: str) -> None:
    column = Column("x", Kind.FLOAT, unit=unit, ucd=ucd, description=description)
    assert comment.read(column.comment)[:3] == (description, unit, ucd)


@pytest.mark.parametrize("name", models.names())
def test_the_comments_of_every_model_are_understood(name: str) -> None:
    for table in models.load(name).tables:
        for column in table.columns:
            length = None if column.is_vector else column.length
            expected = (column.description, column.unit, column.ucd, length)
            assert comment.read(column.comment) == expected


@pytest.mark.parametrize(
    ("sql_type", "lengths", "expected"),
    [
        *((str(kind), (), name) for kind, name in PARQUET.items()),
        ("real[]", (10,), "fixed_size_list<float32>[10]"),
        ("real[]", (1, 2), "string"),
        ("real[]", (), "string"),
        ("text[]", (2,), "string"),
        ("uuid", (), "string"),
        ("public.vector(3)", (), "fixed_size_list<float32>[3]"),
        ('"own.two".vector(3)', (), "fixed_size_list<float32>[3]"),
        ('"a"".b".vector(3)', (), "fixed_size_list<float32>[3]"),
        ("public.myvector(3)", (), "string"),
        ("vector", (), "string"),
        ("halfvec(3)", (), "string"),
    ],
)
def test_each_type_has_one_form(sql_type: str, lengths: tuple[int, ...], expected: str) -> None:
    found = carried("x", sql_type, lengths, not_null=False, comment="")
    assert found.parquet == expected
    assert found.by_text == (expected == "string" and sql_type != "text")


def _manifest(**members: Any) -> Manifest:
    given: dict[str, Any] = {
        "labdb": "0.1.0", "database": "desi", "schema": "raw_catalogs", "table": "t", "rows": 1,
        "snapshot": Snapshot("2026-01-01T00:00:00Z", "0/1", "1:1:", "16.0"),
        "columns": (carried("z", "real", not_null=True, comment="Redshift. (UCD src.redshift)"),),
        "checksums": {"z": 7}, "files": (FilePart("part-000000.parquet", 10, 1, "ab"),),
        "fingerprint": TableFingerprint("raw_catalogs", "t", 1, "5", {"z": "1"}, {"z": "1"}),
        "definition": Definition("postgres", "A table."),
    }  # fmt: skip
    return Manifest(**given | members)


def test_a_manifest_is_read_as_it_was_written() -> None:
    made = _manifest()
    read = manifests.read(manifests.written(made))
    assert manifests.written(read) == manifests.written(made)
    assert (read.columns, read.files, read.fingerprint) == (
        made.columns, made.files, made.fingerprint
    )  # fmt: skip
    assert made.name == "raw_catalogs.t"
    assert made.size == 10


@pytest.mark.parametrize("member", ["rows", "table", "files", "fingerprint", "definition"])
def test_a_manifest_that_was_edited_is_none(member: str) -> None:
    told = json.loads(manifests.written(_manifest()))
    told[member] = 9
    with pytest.raises(NotAManifest, match="edited"):
        manifests.read(json.dumps(told))
    told.pop("sha256")
    told |= {member: None}
    told |= {"sha256": manifests.digest(told)}
    if member in ("files", "fingerprint", "definition"):
        with pytest.raises(NotAManifest, match="missing or wrong"):
            manifests.read(json.dumps(told))


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", ""])
def test_no_path_of_a_manifest_leads_out_of_its_folder(path: str) -> None:
    made = _manifest(files=(FilePart(path, 1, 1, ""),))
    with pytest.raises(NotAManifest, match="out of its folder"):
        manifests.read(manifests.written(made))


@pytest.mark.parametrize("text", ["", "[]", "{}", "nothing", '{"format": 5}'])
def test_what_is_no_manifest_is_told(text: str) -> None:
    with pytest.raises(NotAManifest):
        manifests.read(text)


@pytest.mark.parametrize("name", models.names())
def test_the_model_of_an_export_is_one_that_loads_take(name: str) -> None:
    for table in models.load(name).tables:
        found = [
            Carried(
                one.name, one.sql_type, one.kind, one.length, False, not one.nullable, one.comment
            )
            for one in table.columns
        ]
        assert exported_model.can_be_loaded(table.name, found)
        schema = exported_model.schema(table.name, "1.0", table.description, found, table.key)
        sources = exported_model.sources(table.name, found, table)
        again = join(
            SchemaModel.model_validate(schema), ModelSource.model_validate(sources)
        ).tables[0]
        assert [(one.name, one.sql_type, one.nullable, one.comment) for one in again.columns] == [
            (one.name, one.sql_type, one.nullable, one.comment) for one in table.columns
        ]
        for what in ("key", "position", "order", "indexes", "checks", "fingerprint", "nearest",
                     "partition"):  # fmt: skip
            assert getattr(again, what) == getattr(table, what), what
        assert again.constants("part-000123.parquet") == {}
        own = [rule for rule in table.rules if not isinstance(rule, Refers)]
        assert list(again.rules) == own, "rules go along, but for those about other tables"
        assert [plot.title for plot in again.plots] == [plot.title for plot in table.plots]


def test_a_table_that_no_model_can_describe_gets_none() -> None:
    plain = _column(Kind.FLOAT, name="x")
    source = _column(Kind.INT, name="source_id")
    assert exported_model.can_be_loaded("t", [plain, source])
    assert not exported_model.can_be_loaded("t", [plain])
    assert not exported_model.can_be_loaded("T", [plain, source])
    assert not exported_model.can_be_loaded("t", [source, _column(Kind.FLOAT, name="F(x)")])
    assert exported_model.sources("t", [], None) == {
        "tables": {"t": {"files": exported_model.FILES}}
    }
