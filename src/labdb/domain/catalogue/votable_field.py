"""What a FIELD of a VOTable means, and values of it as they are written.

Source: IVOA VOTable 1.4, sections 2.1 (datatypes), 2.2 (arrays), 4.6 (VALUES), 5.1 (TABLEDATA),
5.3 (BINARY) and 5.4 (BINARY2).
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isnan, prod
from typing import Any, TypeAlias

Value: TypeAlias = Any
"""None, or a boolean, number, text, or list of numbers."""

_FORMS = {
    "boolean": "c",
    "unsignedByte": "B",
    "short": "h",
    "int": "i",
    "long": "q",
    "float": "f",
    "double": "d",
    "floatComplex": "ff",
    "doubleComplex": "dd",
}
_TRUE, _FALSE, _UNKNOWN = {"t", "1", "true"}, {"f", "0", "false"}, {"", "?", " ", "\0"}
INTEGERS = ("unsignedByte", "short", "int", "long")
FLOATS = ("float", "double")
TEXTS = ("char", "unicodeChar")
TRUTHS = ("boolean", "bit")
"""What a single value of is true or false: astropy writes booleans as bits."""
_COUNT = struct.Struct(">i")


@dataclass(frozen=True, slots=True)
class Field:
    """A column: *size* is None for one value, 0 for arrays of any length, else a fixed length."""

    name: str
    datatype: str
    size: int | None = None
    null: str | None = None
    unit: str = ""
    ucd: str = ""
    xtype: str = ""

    @property
    def is_number(self) -> bool:
        """Tell whether values are integers or real numbers."""
        return self.datatype in INTEGERS or self.datatype in FLOATS

    @property
    def _missing(self) -> int | float | None:
        if self.null is None or not self.is_number:
            return None
        number = _number(self.datatype, self.null)
        return None if isnan(number) else number

    def cleared(self, value: Value) -> Value:
        """Return *value*, or None where VALUES says that it stands for none."""
        return None if value is not None and value == self._missing else value

    def parser(self) -> Callable[[str], Value]:
        """Return what turns the text of a TD into a value."""
        missing = self._missing

        def one(text: str) -> Value:
            text = text.strip()
            if not text:
                return None
            value = _number(self.datatype, text)
            return None if value == missing else value

        def many(text: str) -> Value:
            parts = text.split()
            if not parts:
                return None
            values = [_number(self.datatype, part) for part in parts]
            if self.size and len(values) != self.size:
                raise ValueError(f"{len(values)} values in place of {self.size}")
            return values

        if self.datatype in TRUTHS and self.size is None:
            return _boolean
        if self.datatype in TEXTS:
            return str
        if not self.is_number:
            return lambda _: None
        return one if self.size is None else many


def field(  # noqa: PLR0913 - one parameter an attribute
    name: str,
    datatype: str,
    arraysize: str | None = None,
    *,
    null: str | None = None,
    unit: str = "",
    ucd: str = "",
    xtype: str = "",
) -> Field:
    """Return what the attributes of a FIELD say.

    Raises:
        ValueError: the datatype, the arraysize or the null is none of the standard's.
    """
    if datatype not in (*_FORMS, *TEXTS, "bit"):
        raise ValueError(f"FIELD {name} has datatype {datatype!r}, which VOTable does not have")
    parts = (arraysize or "1").strip().split("x")
    if parts == ["1"]:  # as DALI 1.1 reads it: one value
        size: int | None = None
    elif parts[-1].endswith("*"):
        size = 0
    else:
        size = prod(int(part) for part in parts)
    found = Field(name, datatype, size, null, unit, ucd, xtype)
    if null is not None and found.is_number:
        _number(datatype, null)
    return found


def _number(datatype: str, text: str) -> int | float:
    if datatype in FLOATS:
        return float(text)
    return int(text, 16) if text.lower().startswith("0x") else int(text)


def _boolean(text: str) -> bool | None:
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    if word in _UNKNOWN:
        return None
    raise ValueError(f"{text!r} is no boolean")


class Short(Exception):  # noqa: N818 - no error: more bytes are awaited
    """The bytes end before the row does."""


class BinaryRows:
    """Rows of BINARY or, with *flags*, of BINARY2: bytes go in, rows come out."""

    def __init__(self, fields: Sequence[Field], *, flags: bool) -> None:
        self._fields = fields
        self._flags = -(-len(fields) // 8) if flags else 0
        self._rest = b""

    def feed(self, data: bytes) -> list[list[Value]]:
        """Return the rows that are complete with *data*."""
        data = self._rest + data
        place, rows = 0, []
        while place < len(data):
            try:
                row, end = self._row(data, place)
            except Short:
                break
            rows.append(row)
            place = end
        self._rest = data[place:]
        return rows

    @property
    def left(self) -> int:
        """Bytes of a row that is not complete."""
        return len(self._rest)

    def _row(self, data: bytes, place: int) -> tuple[list[Value], int]:
        nulls, place = _cut(data, place, self._flags)
        row = []
        for number, one in enumerate(self._fields):
            value, place = _binary(one, data, place)
            hidden = self._flags and nulls[number // 8] & (0x80 >> number % 8)
            row.append(None if hidden else one.cleared(value))
        return row, place


def _binary(one: Field, data: bytes, place: int) -> tuple[Value, int]:
    count = 1 if one.size is None else one.size
    if one.size == 0:
        raw, place = _cut(data, place, 4)
        (count,) = _COUNT.unpack(raw)
        if count < 0:
            raise ValueError(f"{one.name} has {count} values in a row")
    if one.datatype == "bit":
        raw, place = _cut(data, place, -(-count // 8))
        # The standard has a single bit at the left of its byte, astropy further right.
        return (any(raw) if one.size is None else None), place
    if one.datatype in TEXTS:
        wide = one.datatype == "unicodeChar"
        raw, place = _cut(data, place, count * (2 if wide else 1))
        # "utf-16-be" holds all that UCS-2 does.
        text = raw.decode("utf-16-be" if wide else "utf-8", errors="replace")
        return text.split("\0", 1)[0], place
    form = struct.Struct(">" + _FORMS[one.datatype] * count)
    raw, place = _cut(data, place, form.size)
    values = form.unpack(raw)
    if one.datatype == "boolean":
        return (_boolean(values[0].decode("latin-1")) if one.size is None else None), place
    if not one.is_number:
        return None, place
    return (values[0] if one.size is None else list(values)), place


def _cut(data: bytes, place: int, length: int) -> tuple[bytes, int]:
    end = place + length
    if end > len(data):
        raise Short
    return data[place:end], end
