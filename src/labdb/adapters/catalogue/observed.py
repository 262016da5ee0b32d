"""Read a table as the database has it: size, indexes, statistics."""

from dataclasses import replace
from typing import Any

import psycopg
from psycopg.sql import Identifier

from labdb.adapters.catalogue import partitions
from labdb.adapters.catalogue.tables import Target
from labdb.adapters.content import query
from labdb.domain.catalogue.observed import Index, Observed, Statistics


def observed(
    connection: psycopg.Connection, target: Target, position: tuple[str, str] | None
) -> Observed:
    """Return *target*, which is there; *position* are its columns of one."""
    table = target.quoted(connection)
    row = connection.execute(query("catalogue/relation"), {"table": table}).fetchone()
    assert row is not None  # noqa: S101 - sums of no row are a row
    rows, pages, size, unseen, counted, names = row
    indexes = _indexes(connection, table, position)
    setting = connection.execute("SHOW default_statistics_target").fetchone()
    return Observed(
        schema=target.schema,
        name=target.name,
        rows=rows,
        pages=pages,
        size=size,
        indexes=indexes,
        column_statistics=_statistics(connection, target, rows, indexes),
        expressions=tuple(
            each[0] for each in connection.execute(query("catalogue/expressions"), {"table": table})
        ),
        relations=frozenset((target.name, *names)),
        partitioned_by=partitions.key(connection, target),
        default_target=int(setting[0]) if setting else 100,
        unseen=unseen if counted else None,
    )


def _indexes(
    connection: psycopg.Connection, table: str, position: tuple[str, str] | None
) -> tuple[Index, ...]:
    ra, dec = position or (None, None)
    found = connection.execute(query("catalogue/indexes"), {"table": table, "ra": ra, "dec": dec})
    return tuple(_index(*row) for row in found)


def _index(name: str, method: str, keys: list[str], included: list[str], *rest: Any) -> Index:
    *flags, parts = rest
    one = Index(name, method, tuple(keys), tuple(included), *flags)
    return replace(one, partitions=tuple(parts))


def _statistics(
    connection: psycopg.Connection, target: Target, rows: int, indexes: tuple[Index, ...]
) -> dict[str, Statistics]:
    sky = next((one.name for one in indexes if one.spherical), None)
    place = Identifier(target.schema, sky).as_string(connection) if sky else None
    found = connection.execute(
        query("catalogue/statistics"),
        {
            "table": target.quoted(connection),
            "rows": rows,
            "schema": target.schema,
            "index": sky,
            "index_place": place,
        },
    )
    return {name: Statistics(*rest) for name, *rest in found}
