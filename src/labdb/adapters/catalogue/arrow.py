"""Tables of Arrow as a source: what Parquet, CSV, ECSV and VOTable files become."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labdb.adapters.catalogue.source import Raw, Rows
from labdb.domain.catalogue.kind import Kind
from labdb.domain.catalogue.mapping import SourceColumn
from labdb.errors import RunError

LONGEST_TEXT = 8192
"""Bytes of a text; a batch has as many for each of its rows as its longest text."""
_KINDS: dict[Any, Kind] = {
    pa.bool_(): Kind.BOOLEAN,
    pa.int8(): Kind.SHORT,
    pa.uint8(): Kind.SHORT,
    pa.int16(): Kind.SHORT,
    pa.uint16(): Kind.INT,
    pa.int32(): Kind.INT,
    pa.uint32(): Kind.LONG,
    pa.int64(): Kind.LONG,
    pa.float16(): Kind.FLOAT,
    pa.float32(): Kind.FLOAT,
    pa.float64(): Kind.DOUBLE,
    pa.string(): Kind.TEXT,
    pa.large_string(): Kind.TEXT,
}
NONE: Mapping[str, str] = {}
UNIT = b"unit"
"""The key of a field's metadata that holds the unit, as astropy and LSDB write it."""


def described(
    schema: Any, units: Mapping[str, str], ucds: Mapping[str, str] = NONE
) -> tuple[SourceColumn, ...]:
    """Return the columns of an Arrow *schema*; *units* and *ucds* are by their names."""
    return tuple(
        replace(
            _described(place, schema.field(place), units), ucd=ucds.get(schema.names[place], "")
        )
        for place in range(len(schema))
    )


def _described(place: int, field: Any, units: Mapping[str, str]) -> SourceColumn:
    varies = pa.types.is_list(field.type) or pa.types.is_large_list(field.type)
    kind, length, why_not = _kind(field.type.value_type if varies else field.type)
    if varies and (length or kind not in (Kind.FLOAT, Kind.DOUBLE)):
        kind, why_not = None, "its rows have arrays of different lengths"
    metadata = field.metadata or {}
    unit = units.get(field.name) or metadata.get(UNIT, b"").decode("utf-8", errors="replace")
    return SourceColumn(
        name=field.name,
        native=str(field.type),
        kind=kind,
        length=length,
        unit=unit,
        place=place,
        why_not=why_not,
        varies=varies,
    )


def _kind(found: Any) -> tuple[Kind | None, int | None, str]:
    if pa.types.is_dictionary(found):
        found = found.value_type
    if pa.types.is_timestamp(found):
        return Kind.TIMESTAMP, None, ""
    if pa.types.is_fixed_size_list(found):
        inner = _KINDS.get(found.value_type)
        if inner is not None and inner.is_number:
            return inner, int(found.list_size), ""
    if found == pa.uint64():
        return None, None, "unsigned numbers of 64 bits do not fit into bigint"
    kind = _KINDS.get(found)
    return kind, None, "" if kind else f"labdb does not load {found}"


def take(name: str, column: Any, rows: Rows) -> Raw:
    """Return the values of an Arrow *column*, called *name*, in *rows*.

    Raises:
        RunError: a text is longer than :data:`LONGEST_TEXT`.
    """
    if isinstance(rows, slice):
        part = column.slice(rows.start, rows.stop - rows.start)
    else:
        part = column.take(pa.array(rows))
    array = part.combine_chunks() if isinstance(part, pa.ChunkedArray) else part
    if isinstance(array, pa.ChunkedArray):  # a column without rows stays chunked
        array = pa.concat_arrays(array.chunks) if array.chunks else pa.array([], array.type)
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    nulls = {}
    if array.null_count:
        nulls["missing"] = np.asarray(pc.is_null(array).to_numpy(zero_copy_only=False))
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        values, lengths = _lists(array)
        return Raw(values, nulls, lengths)
    return Raw(_values(name, array), nulls)


def _values(name: str, array: Any) -> Any:
    kind = array.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _bytes(name, array)
    if pa.types.is_fixed_size_list(kind):
        return _vectors(name, array)
    if pa.types.is_timestamp(kind):
        micros = array.cast(pa.timestamp("us", kind.tz), safe=False).cast(pa.int64())
        return pc.fill_null(micros, 0).to_numpy(zero_copy_only=False).view("M8[us]")
    if array.null_count:
        array = pc.fill_null(array, pa.scalar(0).cast(kind))
    return array.to_numpy(zero_copy_only=False)


def _vectors(name: str, array: Any) -> np.ndarray:
    """Return arrays of one length as rows; an element that is none is NaN."""
    size = array.type.list_size
    inner = array.type.value_type
    flat = array.values.slice(array.offset * size, len(array) * size)
    if pa.types.is_floating(inner):
        filled = pc.fill_null(flat, pa.scalar(float("nan"), inner))
    else:
        present = np.repeat(~pc.is_null(array).to_numpy(zero_copy_only=False), size)
        if (pc.is_null(flat).to_numpy(zero_copy_only=False) & present).any():
            raise RunError(
                f"an array of column {name} has elements without a value",
                why=f"{inner} has no value that stands for none",
                hint="give the whole array no value, or let its elements be floating numbers",
            )
        filled = pc.fill_null(flat, pa.scalar(0, inner))
    rows: np.ndarray = filled.to_numpy(zero_copy_only=False).reshape(len(array), size)
    return rows


def _lists(array: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return arrays of different lengths as rows filled up with NaN, and the lengths."""
    counts = pc.fill_null(pc.list_value_length(array), 0)
    lengths = counts.to_numpy(zero_copy_only=False).astype(np.int64)
    flat = pc.list_flatten(array)
    filled = pc.fill_null(flat, pa.scalar(float("nan"), flat.type))
    rows = np.full((len(lengths), max(int(lengths.max(initial=0)), 1)), np.nan)
    rows[np.arange(rows.shape[1]) < lengths[:, None]] = filled.to_numpy(zero_copy_only=False)
    return rows, lengths


def _bytes(name: str, array: Any) -> np.ndarray:
    """Return texts as bytes of one width, filled up with NUL."""
    wide = array.cast(pa.large_string())
    _, offsets_buffer, data_buffer = wide.buffers()
    if offsets_buffer is None or not len(wide):
        return np.zeros(len(wide), dtype="S1")
    offsets = np.frombuffer(offsets_buffer, dtype=np.int64)[
        wide.offset : wide.offset + len(wide) + 1
    ]
    lengths = np.diff(offsets)
    width = max(int(lengths.max(initial=0)), 1)
    if width > LONGEST_TEXT:
        raise RunError(
            f"a text of column {name} has {width:,} bytes",
            why=f"texts of a catalogue may have {LONGEST_TEXT:,}",
            hint="documents and spectra belong into files, with their names in the catalogue",
        )
    matrix = np.zeros((len(wide), width), dtype=np.uint8)
    if data_buffer is not None:
        data = np.frombuffer(data_buffer, dtype=np.uint8)[offsets[0] : offsets[-1]]
        matrix[np.arange(width) < lengths[:, None]] = data
    return matrix.reshape(-1).view(f"S{width}")
