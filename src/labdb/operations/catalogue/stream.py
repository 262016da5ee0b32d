"""The records of a part, batch by batch, with what became NULL on the way."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from labdb.adapters.catalogue.source import Rows, Source
from labdb.domain.catalogue.kind import Kind
from labdb.domain.catalogue.pgcopy import Cells, records
from labdb.domain.catalogue.table import SOURCE_ID, Table
from labdb.operations.catalogue.parts import Fitted
from labdb.operations.catalogue.values import cells


class Stream:
    """The records of a part in the given order; afterwards *nulls* and *rows* are known."""

    def __init__(
        self,
        source: Source,
        fitted: Fitted,
        windows: Iterable[Rows],
        source_id: int,
        progress: Callable[[int], None],
    ) -> None:
        self._source = source
        self._fitted = fitted
        self._windows = windows
        self._progress = progress
        self._constants: dict[str, tuple[Kind, np.ndarray]] = {
            SOURCE_ID: (Kind.INT, np.array([source_id], dtype=np.int32))
        }
        for name, value in fitted.part.constants.items():
            self._constants[name] = (Kind.TEXT, np.array([value.encode()]))
        self.nulls: dict[str, Counter[str]] = defaultdict(Counter)
        self.rows = 0

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in the order of a record's fields."""
        return [column.name for column in self._table.columns]

    @property
    def _table(self) -> Table:
        return self._fitted.part.table

    def __iter__(self) -> Iterator[bytes]:
        """Yield the records."""
        for window in self._windows:
            for rows, count in _batches(window, self._source.batch):
                yield from records(self._batch(rows, count))
                self.rows += count
                self._progress(count)

    def _batch(self, rows: Rows, count: int) -> list[Cells]:
        filled = {one.column.name: one for one in self._fitted.filled}
        batch = []
        for name in self.columns:
            if name in self._constants:
                kind, value = self._constants[name]
                batch.append(Cells(kind, np.broadcast_to(value, count)))
                continue
            found, causes = cells(self._source, self._table, filled[name], rows)
            for cause, mask in causes.items():
                self.nulls[name][cause] += int(np.count_nonzero(mask))
            batch.append(found)
        return batch


def _batches(window: Rows, batch: int) -> Iterator[tuple[Rows, int]]:
    """Yield the rows of *window*, some at a time, with their number."""
    if isinstance(window, slice):
        for start in range(window.start, window.stop, batch):
            stop = min(start + batch, window.stop)
            yield slice(start, stop), stop - start
    else:
        for start in range(0, len(window), batch):
            rows = window[start : start + batch]
            yield rows, len(rows)
