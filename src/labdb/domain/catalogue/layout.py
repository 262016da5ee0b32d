"""What is made in the database for a table, as a plan: before the load, and after it."""

from dataclasses import dataclass

from labdb.domain.catalogue.table import Table

NAME_BYTES = 63
"""The longest identifier of PostgreSQL."""


@dataclass(frozen=True, slots=True)
class Index:
    """An index: on columns, or on the q3c pixel of a position; *brin* is one on block ranges."""

    name: str
    columns: tuple[str, ...]
    spherical: bool = False
    brin: bool = False


def after_load(table: Table, name: str) -> tuple[Index, ...]:
    """Return the indexes of *table*, called *name* in the database, in the order of building.

    There is never one on (ra, dec) together: PostgreSQL would use it for a cross-match in
    place of q3c's, and compare every row with every other.
    """
    sky = (
        (Index(index_name(name, "q3c"), table.position, spherical=True),) if table.position else ()
    )
    plain = (Index(index_name(name, *columns), columns) for columns in table.indexes)
    return (*sky, *plain)


def primary_key_name(name: str) -> str:
    """Return the name of the primary key of the table called *name*."""
    return index_name(name, "pkey", suffix="")


def index_name(name: str, *parts: str, suffix: str = "idx") -> str:
    """Return an index's name that PostgreSQL does not cut.

    >>> index_name("voids", "algorithm", "radius")
    'voids_algorithm_radius_idx'
    """
    tail = "_".join((*parts, suffix)) if suffix else "_".join(parts)
    if len(tail) > NAME_BYTES - 10:
        tail = tail[-(NAME_BYTES - 10) :].lstrip("_")
    return f"{name[: NAME_BYTES - 1 - len(tail)]}_{tail}"
