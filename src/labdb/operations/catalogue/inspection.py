"""Read a part once before it is loaded: which rows are rejected, and the order of the others."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from labdb.adapters.catalogue.source import Source
from labdb.domain.catalogue import duplicate, order
from labdb.domain.catalogue.kind import Kind
from labdb.domain.catalogue.mapping import Filled
from labdb.domain.catalogue.partition import Span, spans
from labdb.domain.catalogue.pgcopy import Cells, Mask
from labdb.domain.catalogue.position import off_the_sky
from labdb.domain.catalogue.rejection import Rejections
from labdb.domain.catalogue.table import Column, Table
from labdb.domain.catalogue.text import not_text
from labdb.operations.catalogue.parts import Fitted
from labdb.operations.catalogue.values import cells, lengths
from labdb.spec.data_source import Range


@dataclass(slots=True)
class Inspected:
    """The rows to load: their numbers in order, or None for all as they lie.

    *spans* are those of the partitions that they belong to.
    """

    rejections: Rejections
    rows: npt.NDArray[np.int64] | None
    spans: set[Span]


@dataclass(slots=True)
class _Seen:
    """What is kept of every row while a file is read."""

    keys: list[duplicate.Numbers] = field(default_factory=list)
    order: dict[str, list[npt.NDArray[Any]]] = field(default_factory=dict)
    spans: set[Span] = field(default_factory=set)


def inspect(source: Source, fitted: Fitted) -> Inspected:
    """Return what of the part can be loaded, and in which order."""
    table = fitted.part.table
    filled = {one.column.name: one for one in fitted.filled}
    looked_at = [one for one in fitted.filled if _matters(table, one)]
    key = [filled[name] for name in table.key if name in filled]
    rejections = Rejections(np.zeros(fitted.rows, dtype=np.bool_))
    seen = _Seen()
    for start in range(0, fitted.rows, source.batch):
        rows = slice(start, min(start + source.batch, fitted.rows))
        here = {one.column.name: cells(source, table, one, rows)[0] for one in looked_at}
        _reject(table, rejections, start, here)
        if table.partition:
            good = ~rejections.bad[rows]
            values = here[table.partition.column].values[good]
            seen.spans |= spans(values, table.partition.step)
        for one in looked_at:
            if one.column.is_vector:
                found = lengths(source, one, rows)
                _reject_vectors(one.column, rejections, start, here[one.column.name], found)
        if key:
            seen.keys.append(duplicate.numbers([here[one.column.name].values for one in key]))
        if table.position:
            ra, dec = (here[name].values for name in table.position)
            seen.order.setdefault("pixel", []).append(order.pixels(ra, dec))
        for name in () if table.position else table.order:
            if name in here:
                seen.order.setdefault(name, []).append(_sortable(here[name]))
    if key:
        _reject_repeated(source, table, key, rejections, seen)
    return Inspected(rejections, _rows(rejections, seen), seen.spans)


def _matters(table: Table, one: Filled) -> bool:
    column = one.column
    named = {*table.key, *(table.position or ()), *table.order, *table.checks}
    if table.partition:
        named.add(table.partition.column)
    matters = not column.nullable or column.kind is Kind.TEXT or column.is_vector
    return matters or column.name in named


def _reject(table: Table, rejections: Rejections, start: int, here: dict[str, Cells]) -> None:
    for name, one in here.items():
        if one.kind is Kind.TEXT:
            for reason, mask in not_text(one.values).items():
                rejections.add(start, mask, f"{name} {reason}", one.values)
        if one.nulls is not None and not table.column(name).nullable:
            what = "a part of the key" if name in table.key else "required"
            rejections.add(start, one.nulls, f"{name} is missing, which is {what}", one.values)
    if table.position:
        ra, dec = (here[name].values for name in table.position)
        for (reason, mask), values in zip(off_the_sky(ra, dec).items(), (ra, dec), strict=True):
            rejections.add(start, mask, reason, values)
    for name, allowed in table.checks.items():
        one = here[name]
        mask = _outside(allowed, one)
        rejections.add(start, mask, f"{name} is not {_said(allowed)}", one.values)


def _reject_vectors(
    column: Column,
    rejections: Rejections,
    start: int,
    one: Cells,
    found: npt.NDArray[np.int64] | None,
) -> None:
    """Reject vectors of a wrong length, and those that are no numbers as pgvector has them."""
    there = np.ones(len(one.values), dtype=np.bool_) if one.nulls is None else ~one.nulls
    if found is not None:
        reason = f"{column.name} has another length than {column.length}"
        rejections.add(start, there & (found != column.length), reason, found)
    with np.errstate(over="ignore"):
        finite = np.isfinite(one.values.astype(np.float32)).all(axis=1)
    reason = f"{column.name} has NaN, or a number that is no real one"
    rejections.add(start, there & ~finite, reason, one.values)


def _outside(allowed: Range, one: Cells) -> Mask:
    values = one.values
    outside = np.zeros(len(values), dtype=np.bool_)
    if allowed.minimum is not None:
        outside |= values < allowed.minimum
    if allowed.maximum is not None:
        outside |= values > allowed.maximum
    if allowed.values:
        outside |= ~np.isin(values, [value.encode() for value in allowed.values])
    return outside if one.nulls is None else outside & ~one.nulls


def _said(allowed: Range) -> str:
    if allowed.values:
        return f"one of {', '.join(allowed.values)}"
    low = "" if allowed.minimum is None else f"{allowed.minimum:g}"
    high = "" if allowed.maximum is None else f"{allowed.maximum:g}"
    return f"in {low}..{high}"


def _sortable(one: Cells) -> npt.NDArray[Any]:
    """Return values by which rows can be sorted: those without one come last."""
    if one.nulls is None or one.values.dtype.kind not in "iuf":
        return one.values
    last = np.inf if one.values.dtype.kind == "f" else np.iinfo(one.values.dtype).max
    return np.where(one.nulls, last, one.values).astype(one.values.dtype)


def _reject_repeated(
    source: Source, table: Table, key: list[Filled], rejections: Rejections, seen: _Seen
) -> None:
    """Reject all rows but the first of those that have the same key."""
    numbers = np.concatenate(seen.keys) if seen.keys else np.zeros(0, dtype=np.uint64)
    good = np.flatnonzero(~rejections.bad)
    repeated = duplicate.repeated(numbers[good])
    if not len(repeated):
        return
    suspects = good[np.isin(numbers[good], repeated)]
    met: set[tuple[Any, ...]] = set()
    for start in range(0, len(suspects), source.batch):
        rows = suspects[start : start + source.batch]
        columns = [cells(source, table, one, rows)[0].values for one in key]
        for row, values in zip(rows.tolist(), zip(*columns, strict=True), strict=True):
            identity = tuple(values)
            if identity in met:
                reason = f"{', '.join(one.column.name for one in key)} came before in this file"
                rejections.add(row, np.ones(1, dtype=np.bool_), reason, np.asarray(values[:1]))
            met.add(identity)


def _rows(rejections: Rejections, seen: _Seen) -> npt.NDArray[np.int64] | None:
    keys = [np.concatenate(parts) for parts in seen.order.values() if parts]
    if not rejections.count:
        return order.permutation(keys)
    good = np.flatnonzero(~rejections.bad)
    found = order.permutation([key[good] for key in keys])
    return good if found is None else good[found]
