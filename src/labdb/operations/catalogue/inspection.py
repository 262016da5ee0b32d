"""Read a part once before it is loaded: which rows are rejected, and the order of the others."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from labdb.adapters.catalogue.shelf import Shelf
from labdb.adapters.catalogue.source import Rows, Source
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

CHUNK = 1 << 20
"""Keys that are looked at at a time."""


@dataclass(slots=True)
class Inspected:
    """The rows to load; of a large file, numbers of :data:`order.WINDOW` rows are in memory.

    *spans* are those of the partitions that the rows belong to.
    """

    rejections: Rejections
    keys: Shelf | None = None
    order: dict[str, Shelf] = field(default_factory=dict)
    spans: set[Span] = field(default_factory=set)

    @property
    def windows(self) -> Iterator[Rows]:
        """The rows in order, a window at a time: from one to another, or their numbers."""
        rows = len(self.rejections.bad)
        for start in range(0, rows, order.WINDOW):
            stop = min(start + order.WINDOW, rows)
            keys = [shelf.read(start, stop) for shelf in self.order.values()]
            good = None
            if self.rejections.bad[start:stop].any():
                good = np.flatnonzero(~self.rejections.bad[start:stop])
                keys = [key[good] for key in keys]
            found = order.permutation(keys)
            if good is not None:
                yield start + (good if found is None else good[found])
            else:
                yield slice(start, stop) if found is None else start + found

    def put(self, name: str, values: npt.NDArray[Any]) -> None:
        """Keep *values*, by which rows are sorted."""
        if name not in self.order:
            self.order[name] = Shelf()
        self.order[name].put(values)

    def close(self) -> None:
        """Let go of what is on disk."""
        for shelf in (*self.order.values(), *([] if self.keys is None else [self.keys])):
            shelf.close()


def inspect(source: Source, fitted: Fitted) -> Inspected:
    """Return what of the part can be loaded, and in which order; it has to be closed."""
    found = Inspected(Rejections(np.zeros(fitted.rows, dtype=np.bool_)))
    try:
        _inspect(source, fitted, found)
    except BaseException:
        found.close()
        raise
    return found


def _inspect(source: Source, fitted: Fitted, seen: Inspected) -> None:
    table = fitted.part.table
    filled = {one.column.name: one for one in fitted.filled}
    looked_at = [one for one in fitted.filled if _matters(table, one)]
    key = [filled[name] for name in table.key if name in filled]
    rejections = seen.rejections
    if key:
        seen.keys = Shelf()
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
        _keep(table, key, seen, here)
    if seen.keys is not None:
        shares = -(-fitted.rows // order.WINDOW)
        for number in range(shares):
            suspects = _suspects(seen.keys, rejections, number, shares)
            _reject_repeated(source, table, key, rejections, suspects)


def _keep(table: Table, key: list[Filled], seen: Inspected, here: dict[str, Cells]) -> None:
    """Keep by what rows are told apart and sorted."""
    if seen.keys is not None:
        seen.keys.put(duplicate.numbers([here[one.column.name].values for one in key]))
    if table.position:
        ra, dec = (here[name].values for name in table.position)
        seen.put("pixel", order.pixels(ra, dec))
        return
    for name in table.order:
        if name in here:
            seen.put(name, _sortable(here[name]))


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


def _suspects(
    keys: Shelf, rejections: Rejections, number: int, shares: int
) -> npt.NDArray[np.int64]:
    """Return the rows whose key's number comes again, of one share of all numbers."""

    def mine() -> Iterator[tuple[npt.NDArray[np.int64], duplicate.Numbers]]:
        for start in range(0, keys.rows, CHUNK):
            numbers = keys.read(start, min(start + CHUNK, keys.rows))
            chosen = ~rejections.bad[start : start + len(numbers)]
            if shares > 1:
                chosen &= duplicate.share(numbers, number, shares)
            places = np.flatnonzero(chosen)
            yield start + places, numbers[places]

    found = [numbers for _, numbers in mine()]
    repeated = duplicate.repeated(np.concatenate(found)) if found else np.zeros(0, dtype=np.uint64)
    if not len(repeated):
        return np.zeros(0, dtype=np.int64)
    return np.concatenate([rows[np.isin(numbers, repeated)] for rows, numbers in mine()])


def _reject_repeated(
    source: Source,
    table: Table,
    key: list[Filled],
    rejections: Rejections,
    suspects: npt.NDArray[np.int64],
) -> None:
    """Reject all rows but the first of those that have the same key."""
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
