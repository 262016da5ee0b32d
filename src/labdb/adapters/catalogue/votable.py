"""VOTable files as a source: the first table, read as a stream by expat.

At most some rows and a piece of the file are in memory. astropy's reader holds a whole table.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from xml.parsers import expat

import pyarrow as pa
import pyarrow.compute as pc

from labdb.adapters.catalogue.spool import BATCH, HINT, Reader, damaged
from labdb.domain.catalogue import votable_field
from labdb.domain.catalogue.votable_field import BinaryRows, Field, Value
from labdb.errors import RunError

PIECE = 1 << 20
_NUMBERS = {
    "unsignedByte": pa.uint8(),
    "short": pa.int16(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
}
_BASE64_LETTERS = 4


class VotableReader(Reader):
    """The first table of a VOTable file."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._fields = _Document(path).fields()
        names = [one.name for one in self._fields]
        if len({name.lower() for name in names}) != len(names):
            raise _wrong(path, f"two FIELDs have one name: {', '.join(names)[:200]}")
        self.units = {one.name: one.unit for one in self._fields}
        self.ucds = {one.name: one.ucd for one in self._fields}

    @property
    def schema(self) -> Any:
        """The Arrow schema of all columns."""
        return pa.schema([(one.name, _type(one)) for one in self._fields])

    def batches(self, names: list[str]) -> Iterable[Any]:
        """Yield the rows of the columns *names*."""
        chosen = [place for place, one in enumerate(self._fields) if one.name in set(names)]
        first = 1
        for rows in _Document(self.path).rows(self._fields, chosen):
            columns = []
            for place in chosen:
                one = self._fields[place]
                with damaged(self.path):
                    columns.append(_array(one, [row[place] for row in rows]))
            kept = [self._fields[place].name for place in chosen]
            yield pa.record_batch(columns, names=kept)
            first += len(rows)


def _type(one: Field) -> Any:
    if one.datatype in votable_field.TEXTS:
        return pa.timestamp("us", "UTC") if one.xtype == "timestamp" else pa.string()
    if one.datatype in votable_field.TRUTHS and one.size is None:
        return pa.bool_()
    if not one.is_number:
        return pa.null()
    number = _NUMBERS[one.datatype]
    if one.size is None:
        return number
    return pa.list_(number, one.size) if one.size else pa.list_(number)


def _array(one: Field, values: list[Value]) -> Any:
    kind = _type(one)
    if not pa.types.is_timestamp(kind):
        return pa.array(values, kind)
    texts = pc.utf8_trim_whitespace(pa.array(values, pa.string()))
    # The standard's times are UTC, with or without a Z at the end (DALI 1.1, section 3.3.3).
    plain = pc.utf8_rtrim(texts, "Z")
    return pc.if_else(pc.equal(plain, ""), None, plain).cast(pa.timestamp("us")).cast(kind)


class _Enough(Exception):  # noqa: N818 - no error: the rest is not wanted
    """What was looked for was found."""


class _Document:
    """One pass through a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fields: list[Field] = []
        self._attributes: dict[str, str] = {}  # of the FIELD that is open
        self._null: str | None = None
        self._path: list[str] = []
        self._tables = 0
        self._promised: int | None = None
        self._seen = 0
        self._text: list[str] | None = None
        self._row: list[Value] = []
        self._rows: list[list[Value]] = []
        self._parsers: list[Callable[[str], Value] | None] = []
        self._binary: BinaryRows | None = None
        self._letters = ""
        self._status: str | None = None
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._begin
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.EntityDeclHandler = self._entity
        self._header_only = False

    def fields(self) -> list[Field]:
        """Return the FIELDs of the first table."""
        self._header_only = True
        try:
            for _ in self._pieces():
                pass
        except _Enough:
            return self._fields
        raise _wrong(self.path, "it has no TABLE with DATA")

    def rows(self, fields: list[Field], chosen: list[int]) -> Iterator[list[list[Value]]]:
        """Yield the rows, some at a time; values of columns that are not *chosen* are None."""
        wanted = set(chosen)
        self._parsers = [
            one.parser() if place in wanted else None for place, one in enumerate(fields)
        ]
        for _ in self._pieces():
            if len(self._rows) >= BATCH:
                yield self._rows
                self._rows = []
        if self._promised not in (None, self._seen):
            raise _wrong(self.path, f"nrows is {self._promised:,}, the table has {self._seen:,}")
        yield self._rows

    def _pieces(self) -> Iterator[None]:
        with self.path.open("rb") as file:
            try:
                while piece := file.read(PIECE):
                    self._parser.Parse(piece, False)
                    yield
                self._parser.Parse(b"", True)
                yield
            except expat.ExpatError as error:
                raise _wrong(self.path, f"{error}; row {self._seen + 1:,}") from error
            except (ValueError, binascii.Error) as error:
                raise _wrong(self.path, f"row {self._seen + 1:,}: {error}") from error

    def _entity(self, name: str, *_: object) -> None:
        raise ValueError(f"it declares an entity ({name}), which no VOTable needs")

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        tag = name.rsplit(":", 1)[-1]
        self._path.append(tag)
        handler = getattr(self, f"_begin_{tag.lower()}", None)
        if handler is not None:
            handler(attributes)

    def _end(self, name: str) -> None:
        self._path.pop()
        handler = getattr(self, f"_end_{name.rsplit(':', 1)[-1].lower()}", None)
        if handler is not None:
            handler()

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)
            if self._binary is not None:
                self._decode(last=False)

    @property
    def _inside(self) -> bool:
        """Whether this is the first table."""
        return self._tables == 1 and "TABLE" in self._path

    def _begin_table(self, attributes: dict[str, str]) -> None:
        self._tables += 1
        if self._inside and attributes.get("nrows"):
            self._promised = int(attributes["nrows"])

    def _begin_info(self, attributes: dict[str, str]) -> None:
        if attributes.get("name") == "QUERY_STATUS":
            self._status = attributes.get("value", "").upper()
            self._text = []

    def _end_info(self) -> None:
        told = "".join(self._text or ()).strip()
        if self._status == "ERROR":
            raise ValueError(
                f"the archive answered with an error: {told or 'it does not say which'}"
            )
        if self._status == "OVERFLOW":
            raise ValueError("the archive cut its answer off (QUERY_STATUS is OVERFLOW)")
        self._status, self._text = None, None

    def _begin_field(self, attributes: dict[str, str]) -> None:
        self._attributes, self._null = attributes, None

    def _begin_values(self, attributes: dict[str, str]) -> None:
        if self._path[-2:-1] == ["FIELD"] and attributes.get("null"):
            self._null = attributes["null"]

    def _end_field(self) -> None:
        if not self._inside:
            return
        given = self._attributes
        self._fields.append(
            votable_field.field(
                given.get("name") or given.get("ID", ""),
                given.get("datatype", ""),
                given.get("arraysize"),
                null=self._null,
                unit=given.get("unit", ""),
                ucd=given.get("ucd", ""),
                xtype=given.get("xtype", ""),
            )
        )

    def _begin_data(self, _: dict[str, str]) -> None:
        if self._header_only and self._inside:
            raise _Enough

    def _begin_fits(self, _: dict[str, str]) -> None:
        raise ValueError("its rows are in FITS; load that file")

    def _begin_parquet(self, _: dict[str, str]) -> None:
        raise ValueError("its rows are in Parquet; load that file")

    def _begin_stream(self, attributes: dict[str, str]) -> None:
        if not self._inside:
            return
        if attributes.get("href"):
            raise ValueError("its rows are in another file (STREAM with href)")
        if attributes.get("encoding") != "base64":
            raise ValueError(f"the STREAM is encoded as {attributes.get('encoding')!r}, not base64")
        self._binary = BinaryRows(self._fields, flags="BINARY2" in self._path)
        self._text = []

    def _end_stream(self) -> None:
        if self._binary is None:
            return
        self._decode(last=True)
        if self._binary.left or self._letters:
            raise ValueError("its binary rows end in the middle of one")
        self._binary, self._text = None, None

    def _decode(self, *, last: bool) -> None:
        """Turn the letters of a STREAM into rows."""
        letters = self._letters + "".join("".join(self._text or ()).split())
        self._text = []
        whole = len(letters) if last else len(letters) // _BASE64_LETTERS * _BASE64_LETTERS
        self._letters = letters[whole:]
        if whole and self._binary is not None:
            found = self._binary.feed(base64.b64decode(letters[:whole], validate=True))
            self._rows += found
            self._seen += len(found)

    def _begin_tr(self, _: dict[str, str]) -> None:
        self._row = []

    def _begin_td(self, attributes: dict[str, str]) -> None:
        if attributes.get("encoding"):
            raise ValueError("a TD with an encoding is not read")
        self._text = []

    def _end_td(self) -> None:
        text, self._text = "".join(self._text or ()), None
        place = len(self._row)
        if self._tables != 1 or place >= len(self._parsers):
            self._row.append(None)
            return
        parse = self._parsers[place]
        try:
            self._row.append(None if parse is None else parse(text))
        except ValueError as error:
            raise ValueError(f"{self._fields[place].name}: {error}") from error

    def _end_tr(self) -> None:
        if self._tables != 1:
            return
        if len(self._row) != len(self._fields):
            raise ValueError(f"it has {len(self._row)} values for {len(self._fields)} FIELDs")
        self._rows.append(self._row)
        self._seen += 1


def _wrong(path: Path, why: str) -> RunError:
    return RunError(f"{path.name} is no VOTable, or a damaged one", why=why, hint=HINT)
