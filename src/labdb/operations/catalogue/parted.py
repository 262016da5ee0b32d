"""A partitioned table as it is found in the database: column, width, and all its partitions."""

from dataclasses import dataclass

import psycopg

from labdb.adapters.catalogue import partitions
from labdb.adapters.catalogue.loaded import catalogues
from labdb.adapters.catalogue.partitions import Attached, Detached
from labdb.adapters.catalogue.tables import Target, exists
from labdb.domain.catalogue.partition import Span
from labdb.errors import UsageError
from labdb.operations.catalogue.known import table_of


@dataclass(frozen=True, slots=True)
class Parted:
    """A partitioned table; *step* is the width of its partitions, None where nothing tells it."""

    target: Target
    column: str
    step: int | None
    attached: list[Attached]
    detached: list[Detached]

    def one_attached(self, name: str) -> Attached:
        """Return the partition called *name*.

        Raises:
            UsageError: there is none.
        """
        for one in self.attached:
            if one.name == name:
                return one
        there = ", ".join(one.name for one in self.attached) or "no partition"
        raise UsageError(
            f"{self.target} has no partition {name!r}",
            why=f"it has {there}",
            hint=f"labdb catalogue partitions list {self.target}",
        )

    def one_detached(self, name: str) -> Detached:
        """Return what was detached under *name*.

        Raises:
            UsageError: there is none, or it was dropped.
        """
        for one in self.detached:
            if one.name == name and one.size is not None:
                return one
        there = ", ".join(one.name for one in self.detached if one.size is not None)
        raise UsageError(
            f"no table {name!r} was detached from {self.target}",
            why=f"detached: {there or 'nothing'}",
            hint=f"labdb catalogue partitions list {self.target}",
        )


def place(name: str, schema: str) -> Target:
    """Return the table that *name* means: in *schema*, or in the one that it names itself.

    >>> str(place("dr1.exposures", "raw_catalogs"))
    'dr1.exposures'
    """
    before, dot, after = name.partition(".")
    return Target(before, after) if dot else Target(schema, name)


def read(connection: psycopg.Connection, target: Target, model: str | None = None) -> Parted:
    """Return the partitioned table *target*; *model* is that of a user's own, by path.

    Raises:
        UsageError: it is not there, or not partitioned by ranges of one column.
    """
    column = partitions.column(connection, target)
    if column is None:
        raise _not_parted(connection, target)
    attached = partitions.attached(connection, target)
    step = _step(connection, target, [one.span for one in attached if one.span], model)
    return Parted(target, column, step, attached, partitions.detached(connection, target, step))


def _not_parted(connection: psycopg.Connection, target: Target) -> UsageError:
    if not exists(connection, target):
        return UsageError(
            f"there is no table {target}",
            why="nothing of that name is in this database, or you may not see it",
            hint="name it with its schema: raw_catalogs.exposures",
        )
    there = partitions.key(connection, target)
    return UsageError(
        f"{target} is not partitioned by ranges of one column",
        why=f"it is partitioned by {there}" if there else "it is one plain table",
        hint="labdb catalogue advise says whether it should be",
    )


def _step(
    connection: psycopg.Connection, target: Target, spans: list[Span], model: str | None
) -> int | None:
    """Return the width that the model declares, or that of the last partition."""
    for one in catalogues(connection, target.schema):
        table = table_of(one, model) if one.target == target else None
        if table and table.partition:
            return table.partition.step
    return spans[-1].high - spans[-1].low if spans else None
