"""The canonical queries as SQL, with values that the table itself holds, and their plans."""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.sql import SQL, Composed, Identifier, Literal

from labdb.adapters.catalogue import tables
from labdb.adapters.catalogue.tables import Target
from labdb.domain.catalogue.guard import ASKED, SAMPLED
from labdb.domain.catalogue.table import SOURCE_ID

SAMPLE = 200
"""Rows that a table is matched with."""
PLACES = (1 / 6, 1 / 2, 5 / 6)
"""Where in a table cones are taken from."""
ARCSECOND = 1 / 3600


@dataclass(frozen=True, slots=True)
class Sky:
    """What a database has to ask the sky with: the schema of q3c, and whether labdb is there."""

    q3c: str
    functions: bool


def sky(connection: psycopg.Connection) -> Sky | None:
    """Return what the database has; None without q3c."""
    q3c = tables.extension_schema(connection, "q3c")
    if q3c is None:
        return None
    there = connection.execute("SELECT to_regproc('labdb.in_cone') IS NOT NULL").fetchone()
    return Sky(q3c, bool(there and there[0]))


def somewhere(
    connection: psycopg.Connection, target: Target, columns: tuple[str, ...], pages: int
) -> list[tuple[Any, ...]]:
    """Return *columns* of a few rows from different parts of the table, none of them NULL."""
    names = SQL(", ").join(map(Identifier, columns))
    known = SQL(" AND ").join(SQL("{} IS NOT NULL").format(Identifier(name)) for name in columns)
    found: list[tuple[Any, ...]] = []
    for share in PLACES:
        row = connection.execute(
            SQL("SELECT {} FROM {} WHERE ctid >= {}::tid AND {} LIMIT 1").format(
                names, target.sql, Literal(f"({int(pages * share)},0)"), known
            )
        ).fetchone()
        if row is not None and row not in found:
            found.append(row)
    return found


def cone(
    have: Sky, position: tuple[str, str], centre: tuple[float, float], radius: float
) -> Composed:
    """Return the condition for rows within *radius* degrees of *centre*."""
    return _within(have, position, (Literal(centre[0]), Literal(centre[1])), radius)


def counted(target: Target, condition: Composed) -> Composed:
    """Return the query for the rows that a condition holds for."""
    return SQL("SELECT count(*) FROM {} AS {} WHERE {}").format(
        target.sql, Identifier(ASKED), condition
    )


def files(target: Target, condition: Composed) -> Composed:
    """Return the query for the number of files that those rows came from."""
    return SQL("SELECT count(DISTINCT {}) FROM {} AS {} WHERE {}").format(
        Identifier(ASKED, SOURCE_ID), target.sql, Identifier(ASKED), condition
    )


def _within(
    have: Sky, position: tuple[str, str], centre: tuple[Any, Any], radius: float
) -> Composed:
    columns = [Identifier(ASKED, name) for name in position]
    if have.functions:
        return SQL("labdb.in_cone({}, {}, {}, {}, {})").format(*columns, *centre, Literal(radius))
    return _joined(have, position, centre, radius)


def _joined(
    have: Sky, position: tuple[str, str], centre: tuple[Any, Any], radius: float
) -> Composed:
    columns = [Identifier(ASKED, name) for name in position]
    return SQL("{}({}, {}, {}, {}, {})").format(
        Identifier(have.q3c, "q3c_join"), *centre, *columns, Literal(radius)
    )


def cross_match(have: Sky, target: Target, position: tuple[str, str]) -> Composed:
    """Return the query that joins a sample of the table with it, as anybody would write it."""
    sample = [Identifier(SAMPLED, name) for name in position]
    return SQL("SELECT count(*) FROM {}, {} AS {} WHERE {}").format(
        _sample(target, position),
        target.sql,
        Identifier(ASKED),
        _joined(have, position, (sample[0], sample[1]), ARCSECOND),
    )


def lateral_match(have: Sky, target: Target, position: tuple[str, str]) -> Composed:
    """Return the same as ``labdb.crossmatch_all`` writes it."""
    sample = [Identifier(SAMPLED, name) for name in position]
    return SQL(
        "SELECT count(*) FROM {} CROSS JOIN LATERAL (SELECT FROM {} AS {} WHERE {} OFFSET 0) AS r"
    ).format(
        _sample(target, position),
        target.sql,
        Identifier(ASKED),
        _within(have, position, (sample[0], sample[1]), ARCSECOND),
    )


def _sample(target: Target, position: tuple[str, str]) -> Composed:
    alias = Identifier(SAMPLED)
    return SQL("(SELECT {} FROM {} AS {} LIMIT {}) AS {}").format(
        SQL(", ").join(map(Identifier, position)), target.sql, alias, Literal(SAMPLE), alias
    )


def between(target: Target, column: str, low: float, high: float) -> Composed:
    """Return the query for the rows whose *column* is from *low* to *high*."""
    field = Identifier(ASKED, column)
    return SQL("SELECT count(*) FROM {} AS {} WHERE {} BETWEEN {} AND {}").format(
        target.sql, Identifier(ASKED), field, Literal(low), Literal(high)
    )


def equal(target: Target, column: str, value: Any) -> Composed:
    """Return the query for the rows that have *value*, all their columns."""
    return SQL("SELECT * FROM {} AS {} WHERE {} = {}").format(
        target.sql, Identifier(ASKED), Identifier(ASKED, column), Literal(value)
    )


def members(zones: Target, galaxies: Target, void: tuple[str, str, int]) -> Composed:
    """Return the query for the galaxies of a void by its zones, as DESIVAST's tables have them."""
    return SQL(
        "SELECT count(*) FROM {} AS z JOIN {} AS {}"
        " USING (algorithm, galactic_cap, zone)"
        " WHERE z.algorithm = {} AND z.galactic_cap = {} AND z.void0 = {}"
    ).format(zones.sql, galaxies.sql, Identifier(ASKED), *(Literal(value) for value in void))


def explain(connection: psycopg.Connection, query: Composed, *, run: bool) -> Any:
    """Return the plan of *query* as JSON; with *run* it is run, and the plan says what it read."""
    how = SQL("ANALYZE, BUFFERS, TIMING OFF, " if run else "")
    row = connection.execute(SQL("EXPLAIN ({}FORMAT JSON) {}").format(how, query)).fetchone()
    return row[0] if row else []
