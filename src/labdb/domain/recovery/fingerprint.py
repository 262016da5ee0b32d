"""What a table holds, in a few numbers, and where two servers differ by them.

The numbers come from ``sql/fingerprint.sql``. Equal hashes mean equal rows: the hash is a sum
of 64 bits for each row, in which the order of rows does not count.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Numbers = Mapping[str, str | None]
"""By column; as PostgreSQL writes them, None where every value is null."""


@dataclass(frozen=True, slots=True)
class TableFingerprint:
    """One table: its rows, their hash, and sum, minimum and maximum of each numeric column."""

    schema: str
    table: str
    rows: int
    hash: str
    sums: Numbers = field(default_factory=dict)
    minima: Numbers = field(default_factory=dict)
    maxima: Numbers = field(default_factory=dict)

    @property
    def name(self) -> tuple[str, str]:
        """Schema and table."""
        return self.schema, self.table

    def changed_columns(self, other: "TableFingerprint") -> tuple[str, ...]:
        """Return the numeric columns that do not say the same in *other*."""
        mine, theirs = _by_column(self), _by_column(other)
        return tuple(name for name in {**mine, **theirs} if mine.get(name) != theirs.get(name))


@dataclass(frozen=True, slots=True)
class TableDifference:
    """A table that is not the same on both servers; rows are None where it does not exist."""

    schema: str
    table: str
    restored_rows: int | None
    running_rows: int | None
    columns: tuple[str, ...] = ()

    @property
    def kind(self) -> Literal["gone", "new", "changed"]:
        """What has happened to the table since the moment that was restored."""
        if self.running_rows is None:
            return "gone"
        return "new" if self.restored_rows is None else "changed"


def fingerprints(rows: Iterable[Mapping[str, Any]]) -> tuple[TableFingerprint, ...]:
    """Return the fingerprints that the query's answer holds."""
    return tuple(TableFingerprint(**row) for row in rows)


def differences(
    restored: Sequence[TableFingerprint], running: Sequence[TableFingerprint]
) -> tuple[TableDifference, ...]:
    """Return the tables that differ between the two servers, in the order of their names."""
    before = {item.name: item for item in restored}
    after = {item.name: item for item in running}
    return tuple(
        _difference(name, before.get(name), after.get(name))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    )


def _by_column(item: TableFingerprint) -> dict[str, tuple[str | None, str | None, str | None]]:
    return {name: (item.sums[name], item.minima[name], item.maxima[name]) for name in item.sums}


def _difference(
    name: tuple[str, str], restored: TableFingerprint | None, running: TableFingerprint | None
) -> TableDifference:
    schema, table = name
    return TableDifference(
        schema,
        table,
        restored.rows if restored else None,
        running.rows if running else None,
        restored.changed_columns(running) if restored and running else (),
    )
