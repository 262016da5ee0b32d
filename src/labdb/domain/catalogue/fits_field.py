"""What a column of a FITS binary table holds, from the keywords that describe it.

Source: FITS standard 4.0, section 7.3 "Binary table", tables 18 and 19 and section 7.3.3.
"""

import re
from dataclasses import dataclass

from labdb.domain.catalogue.kind import Kind

_TFORM = re.compile(r"^\s*(?P<repeat>\d*)(?P<code>[LXBIJKAEDCMPQ])")
_BYTES = {"L": 1, "X": 0, "B": 1, "I": 2, "J": 4, "K": 8, "A": 1, "E": 4, "D": 8, "C": 8, "M": 16,
          "P": 8, "Q": 16}  # fmt: skip
_RAW = {"L": "u1", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}
_KINDS = {
    "L": Kind.BOOLEAN,
    "B": Kind.SHORT,
    "I": Kind.SHORT,
    "J": Kind.INT,
    "K": Kind.LONG,
    "E": Kind.FLOAT,
    "D": Kind.DOUBLE,
}
_UNSIGNED = {"I": (1 << 15, Kind.INT), "J": (1 << 31, Kind.LONG)}
_SCALED = {"B": Kind.FLOAT, "I": Kind.FLOAT, "J": Kind.DOUBLE, "K": Kind.DOUBLE,
           "E": Kind.FLOAT, "D": Kind.DOUBLE}  # fmt: skip
_NOT_LOADED = {
    "X": "it is an array of bits",
    "C": "it is complex",
    "M": "it is complex",
    "P": "its rows have arrays of different lengths",
    "Q": "its rows have arrays of different lengths",
}


@dataclass(frozen=True, slots=True)
class FitsField:
    """A column as it lies in the rows of the file.

    *raw* is numpy's name of a value's form, *width* the bytes of the whole field. A value is
    ``zero + scale * raw``; *null* is the raw value that stands for none.
    """

    tform: str
    raw: str
    width: int
    kind: Kind | None
    length: int | None = None
    scale: float = 1.0
    zero: float = 0.0
    null: int | None = None
    why_not: str = ""

    @property
    def is_scaled(self) -> bool:
        """Tell whether values have to be computed from what is in the file."""
        return self.scale != 1 or self.zero != 0


def field(
    tform: str, *, scale: float = 1, zero: float = 0, null: int | None = None, dimensions: str = ""
) -> FitsField:
    """Return what TFORM, TSCAL, TZERO, TNULL and TDIM say of a column.

    Raises:
        ValueError: *tform* is none of the standard's.
    """
    found = _TFORM.match(tform)
    if found is None:
        raise ValueError(f"TFORM {tform!r} is not of the FITS standard")
    code = found["code"]
    repeat = int(found["repeat"] or 1)
    width = (repeat + 7) // 8 if code == "X" else repeat * _BYTES[code]
    if code in _NOT_LOADED:
        return FitsField(tform, f"V{width}", width, None, why_not=_NOT_LOADED[code])
    if code == "A":
        if "," in dimensions:
            why_not = f"it is an array of texts (TDIM {dimensions})"
            return FitsField(tform, f"V{width}", width, None, why_not=why_not)
        return FitsField(tform, f"S{width}", width, Kind.TEXT)
    kind, why_not = _kind(code, scale, zero)
    if repeat == 0:
        kind, why_not = None, "it has no values"
    if repeat > 1 and code == "L":
        kind, why_not = None, "it is an array of booleans"
    length = None if repeat == 1 else repeat
    has_null = null if code in "BIJK" else None
    return FitsField(tform, _RAW[code], width, kind, length, scale, zero, has_null, why_not)


def _kind(code: str, scale: float, zero: float) -> tuple[Kind | None, str]:
    if scale == 1 and zero == 0:
        return _KINDS[code], ""
    if code == "L":
        return None, "it is boolean and scaled"
    if scale == 1 and code == "B" and zero == -(1 << 7):
        return Kind.SHORT, ""
    if scale == 1 and code in _UNSIGNED and zero == _UNSIGNED[code][0]:
        return _UNSIGNED[code][1], ""
    if scale == 1 and code == "K" and zero == float(1 << 63):
        return None, "unsigned numbers of 64 bits do not fit into bigint"
    return _SCALED[code], ""
