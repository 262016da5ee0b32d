"""What a catalogue will cost a server: disk, WAL, backups, time; and how many of it fit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from labdb.domain.backup.space import COMPRESSED
from labdb.domain.catalogue.estimate import load_seconds
from labdb.domain.catalogue.size import LARGEST, TableSize, table_size
from labdb.domain.catalogue.table import Table
from labdb.domain.catalogue.wal import indexes_wal, later_wal, rows_wal, statistics_wal
from labdb.domain.tuning import Inputs, tune
from labdb.domain.tuning.space import SpaceBudget, data_budget
from labdb.size import parse_size

MANY = 100
"""Releases beside each other that nobody keeps more of."""
SORTED_ENTRY = 24
"""Bytes of memory that a sort has for an entry besides the entry itself (``SortTuple``)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A table that is to be loaded, its name in the database, and how many rows."""

    table: Table
    name: str
    rows: int


@dataclass(frozen=True, slots=True)
class TablePlan:
    """What one table will take; *wal* and *later* are bytes of WAL, with the load and after it.

    *temporary* is what the sorts for its indexes need at most at the same time.
    """

    name: str
    size: TableSize
    rows_wal: int
    indexes_wal: int
    later: int
    temporary: int
    seconds: float


@dataclass(frozen=True, slots=True)
class DataPlan:
    """What all tables will take; *releases* is how many times it fits beside itself.

    *budget* is what stands on the data disk when that is all there is.
    """

    tables: tuple[TablePlan, ...]
    budget: SpaceBudget
    releases: int

    @property
    def size(self) -> int:
        """Bytes in the database."""
        return sum(one.size.total for one in self.tables)

    @property
    def wal(self) -> int:
        """Bytes of WAL that the load writes."""
        return sum(one.rows_wal + one.indexes_wal for one in self.tables)

    @property
    def later(self) -> int:
        """Bytes of WAL that the first read or vacuum after a checkpoint adds."""
        return sum(one.later for one in self.tables)

    @property
    def full(self) -> int:
        """Bytes of a full backup, compressed."""
        return int(self.size * COMPRESSED)

    @property
    def archived(self) -> int:
        """Bytes of the archived WAL of the load and of what follows it, compressed."""
        return int((self.wal + self.later) * COMPRESSED)

    @property
    def temporary(self) -> int:
        """Bytes of temporary files at the worst moment: indexes are made one after the other."""
        return max((one.temporary for one in self.tables), default=0)

    @property
    def seconds(self) -> float:
        """How long the load takes."""
        return sum(one.seconds for one in self.tables)


def plan(asked: Sequence[Asked], inputs: Inputs, rate: float | None = None) -> DataPlan:
    """Return what *asked* will cost the server that *inputs* describe.

    Args:
        asked: tables and rows.
        inputs: machine and load; what the load expects in bytes does not count.
        rate: rows a second that one connection writes; None for what the width of the rows gives.

    Raises:
        ValueError: a row fits into no page, or a table is larger than PostgreSQL allows.
    """
    memory = _index_memory(inputs)
    tables = tuple(_table(one, memory, rate) for one in asked)
    total = sum(one.size.total for one in tables)
    fits = next(
        (n for n in range(1, MANY + 1) if not data_budget(_holding(inputs, n * total)).fits),
        MANY + 1,
    )
    return DataPlan(tables, data_budget(_holding(inputs, total)), fits - 1)


def _holding(inputs: Inputs, data: int) -> Inputs:
    return replace(inputs, load=replace(inputs.load, data=data))


def _index_memory(inputs: Inputs) -> int:
    settings = {setting.name: setting.value for setting in tune(inputs).settings}
    return parse_size(settings["maintenance_work_mem"])


def _table(asked: Asked, memory: int, rate: float | None) -> TablePlan:
    size = table_size(asked.table, asked.rows, asked.name)
    if max(size.heap, size.toast) > LARGEST:
        raise ValueError(
            f"{asked.rows:,} rows of {asked.name} are more than a table of PostgreSQL can have"
        )
    return TablePlan(
        asked.name,
        size,
        rows_wal(size),
        indexes_wal(size) + statistics_wal(asked.table),
        later_wal(size),
        max(_spilled(size, memory), default=0),
        load_seconds(asked.table, asked.rows, rate),
    )


def _spilled(size: TableSize, memory: int) -> Iterator[int]:
    """Yield what the sort of each index writes to temporary files; nothing while it has memory."""
    for index in size.indexes:
        yield index.sorted if size.rows * (index.entry + SORTED_ENTRY) > memory else 0
