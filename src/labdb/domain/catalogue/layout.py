"""What is made in the database for a table, as a plan: before the load, and after it."""

from dataclasses import dataclass

from labdb.domain.catalogue.table import Table

NAME_BYTES = 63
"""The longest identifier of PostgreSQL."""
OPERATORS = {
    "l2": "vector_l2_ops",
    "inner product": "vector_ip_ops",
    "cosine": "vector_cosine_ops",
    "l1": "vector_l1_ops",
}
"""pgvector's operator class for each distance: the operators <->, <#>, <=> and <+>."""


@dataclass(frozen=True, slots=True)
class Index:
    """An index: on columns, on the q3c pixel of a position, or for the neighbours of a vector.

    *brin* is one on block ranges; *operators* is pgvector's operator class of one for neighbours,
    *parameters* what follows WITH.
    """

    name: str
    columns: tuple[str, ...]
    spherical: bool = False
    brin: bool = False
    operators: str = ""
    parameters: tuple[tuple[str, int], ...] = ()


def after_load(table: Table, name: str) -> tuple[Index, ...]:
    """Return the indexes of *table*, called *name* in the database, in the order of building.

    There is never one on (ra, dec) together: PostgreSQL would use it for a cross-match in
    place of q3c's, and compare every row with every other.
    """
    sky = (
        (Index(index_name(name, "q3c"), table.position, spherical=True),) if table.position else ()
    )
    plain = (Index(index_name(name, *columns), columns) for columns in table.indexes)
    brin = (
        Index(index_name(name, column, "brin"), (column,), brin=True) for column in _runs(table)
    )
    near = (
        Index(
            index_name(name, column, "hnsw"),
            (column,),
            operators=OPERATORS[one.distance],
            parameters=(("m", one.m), ("ef_construction", one.ef_construction)),
        )
        for column, one in table.nearest.items()
    )
    return (*sky, *plain, *brin, *near)


def _runs(table: Table) -> tuple[str, ...]:
    """Return the column whose values lie in runs on disk, where no other index begins with it.

    An index on block ranges holds the least and the greatest value of each megabyte: it is next
    to nothing in size, and worth it where rows are sorted by that very column. Of positions it
    would find a cone in nearly every block range.
    """
    leading = {index[0] for index in (*table.indexes, table.key) if index}
    if table.position or not table.order or table.order[0] in leading:
        return ()
    return table.order[:1]


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
